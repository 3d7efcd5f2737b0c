"""The plan of a configuration: for every file of the results the job that makes it.

Used by rules/common.smk; knows paths and jobs, but nothing of Snakemake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path

from zeroshot_vss.config import Config
from zeroshot_vss.config.labelling import check_own_clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.exports import EXPORTS
from zeroshot_vss.figures.plan import Figures
from zeroshot_vss.jobs.overlay import ExportsJob, OverlayJob, PlayerJob
from zeroshot_vss.jobs.overview import OverviewJob
from zeroshot_vss.registry import did_you_mean
from zeroshot_vss.report.plan import Pages
from zeroshot_vss.workflow.paths import BETWEEN
from zeroshot_vss.workflow.rows import USER_CLIPS, Row, all_rows, overview_rows, row_named, user_row
from zeroshot_vss.workflow.stages import Stages
from zeroshot_vss.workflow.tables import Tables
from zeroshot_vss.workflow.targets import Target


class Plan:
    """Targets of a configuration.

    Data and weights are looked at when a target needs them, so that each needs its own alone.

    Args:
        config: the configuration.
        prefix: what stands before all paths of results (where the workflow is a module of another one).
        home: folder of the workflow; that of the working directory where it is the same.

    Raises:
        InputError: the settings of a row are wrong; later, data or weights that a target needs are not there.
    """

    def __init__(self, config: Config, prefix: str = "", home: Path = Path()) -> None:
        self.config, self.prefix = config, prefix
        self.stages = Stages(config, f"{prefix}results", home)
        self.tables = Tables(self.stages)
        self.pages = Pages(self.stages, self.tables)
        for row in self.rows:
            if row.backbone is not None:
                chosen = config.method_settings(row.method, row.backbone, row.dataset).context
                if chosen.classifier_options:
                    # Imported here: scikit-learn takes seconds, and most configurations do without options.
                    from zeroshot_vss.classifiers.base import make_classifier

                    make_classifier(chosen.classifier, chosen.classifier_options, 0)

    @cached_property
    def rows(self) -> list[Row]:
        """Every row of the configuration."""
        return all_rows(self.config)

    @cached_property
    def figures(self) -> Figures:
        """The figures of the paper, and the jobs behind them.

        Raises:
            InputError: the configuration has none.
        """
        if self.config.figures is None:
            raise InputError("config: figures: there are none; see config/README.md")
        return Figures(self.stages, self.config.figures)

    def target(self, path: str) -> Target:
        """The target behind a file of the results, as rules name it (`results/table1.csv`).

        Raises:
            InputError: no part of the configuration makes that file, or what it needs is not there.
        """
        own = self.prefix + path
        if own not in self.stages.jobs:
            self._plan(path)
        if own not in self.stages.jobs:
            raise InputError(
                f"no row of the configuration needs {path}{did_you_mean(own, self.stages.jobs)}; "
                "see its methods and tables"
            )
        return Target(self.stages.jobs[own], self.prefix)

    def _plan(self, path: str) -> None:
        """Make the job known that writes a file."""
        match Path(path).parts:
            case ("results", "figures", "overview.png"):
                self._overview()
            case ("results", "figures", _):
                _ = self.figures
            case ("results", "sweeps", file):
                self.tables.sweep(_known(Path(file).stem, self.config.sweeps, "sweep"))
            case ("results", "scores", dataset, file):
                self.tables.scores(row_named(self.config, dataset, file.rpartition(".")[0]))
            case ("results", "predictions", dataset, file):
                self.tables.scores(row_named(self.config, dataset, file.rpartition(".")[0]))
            case ("results", "clips", clip, _):
                self._overlay(_known(clip, self.config.clips, "clip"))
            case ("results", "players", table, dataset, file):
                self.pages.player(_known(table, self.config.tables, "table"), dataset, file.rpartition(".")[0])
            case ("results", "overlays", dataset, row, file):
                self.pages.overlay(row_named(self.config, dataset, row), file.rpartition(".")[0])
            case ("results", "report", file):
                self._page(Path(file).stem)
            case ("results", file):
                self._table(Path(file).stem)
            case _:
                self._look_for(path)

    def _table(self, name: str) -> None:
        """A table, or what is made beside it."""
        beside = {
            "-leaderboard": self.pages.leaderboard, "-classes": self.tables.classes,
            "-intervals": self.tables.intervals_figure, "-attributes": self.tables.attributes,
        }  # fmt: skip
        for ending, make in beside.items():
            table = name.removesuffix(ending)
            if table != name and name not in self.config.tables:
                make(_known(table, self.config.tables, "table"))
                return
        self.tables.table(_known(name, self.config.tables, "table"))

    def _page(self, name: str) -> None:
        for kind in ("clips", "runs"):
            table = name.removesuffix(f"-{kind}")
            if table != name and table in self.config.tables:
                getattr(self.pages, kind)(table)
                return
        self.pages.table(_known(name, self.config.tables, "table"))

    def _look_for(self, path: str) -> None:
        """Make a job known that is asked for by its own file, not through a row, as submitted jobs ask for theirs.

        Rows whose data or weights are missing are passed over: it may be another's.
        """
        passed: list[InputError] = []
        places = {part.partition(BETWEEN)[0] for part in Path(path).parts}
        ways: list[Callable[[], object]] = [
            partial(self.stages.of_row, row) for row in self.rows if row.dataset in places
        ]
        if USER_CLIPS in Path(path).parts:
            ways += [partial(self.stages.of_clip, user_row(self.config), clip) for clip in self.config.clips]
        if self.config.figures is not None:
            ways.append(lambda: self.figures)
        for plan in ways:
            try:
                plan()
            except InputError as error:
                passed.append(error)
            if self.prefix + path in self.stages.jobs:
                return
        if passed:
            raise passed[0]

    def _overlay(self, clip: str) -> None:
        """A clip of the user: drawn, to play, for other tools."""
        check_own_clip(self.config, clip)
        chosen, folder = self.config.user_clips, f"{self.stages.results}/clips/{clip}"
        parts = list(self.stages.of_clip(user_row(self.config), clip).values())[-1]
        on = {
            "dataset": self.stages.job_dataset(USER_CLIPS, (clip,)), "clips": (clip,),
            "names": self.config.clips[clip].label_names(clip), "maps": f"{parts.folder}/{clip}.json",
        }  # fmt: skip
        reader, drawn = self.stages.reader(USER_CLIPS), chosen.model_dump(exclude={"method", "backbone", "adapt"})
        self.stages.add(OverlayJob, reader, **on, **drawn, video=f"{folder}/overlay.mp4", labels=f"{folder}/labels")
        self.stages.add(PlayerJob, reader, **on, fps=chosen.fps, page=f"{folder}/player.html")
        formats = [EXPORTS.module(name) for name in EXPORTS]
        self.stages.add(ExportsJob, reader, *formats, **on, folder=f"{folder}/exports")

    def _overview(self) -> None:
        chosen = self.config.overview
        clips = tuple(self.stages.clips(chosen.dataset)[: chosen.clips])
        shown = [(row.method, self.stages.maps(row)) for row in overview_rows(self.config)]
        made = [(method, maps) for method, maps in shown if maps is not None]
        self.stages.add(
            OverviewJob, self.stages.reader(chosen.dataset),
            dataset=self.stages.job_dataset(chosen.dataset, clips), clips=clips, frames=chosen.frames,
            titles=tuple(self.config.method(method).title for method, _ in made),
            maps=tuple(maps for _, maps in made),
            picture=f"{self.stages.results}/figures/overview.png",
        )  # fmt: skip


def _known(name: str, known: Iterable[str], what: str) -> str:
    known = list(known)
    if name not in known:
        names = ", ".join(known) or "none"
        raise InputError(f"the configuration has no {what} '{name}'{did_you_mean(name, known)}; it has: {names}")
    return name
