"""The rows of a configuration: a method on a data set, with a backbone where it has one."""

from __future__ import annotations

from dataclasses import dataclass

from zeroshot_vss.config import Config
from zeroshot_vss.config.names import VARIANT
from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import did_you_mean

USER_CLIPS = "clips"
"""The data set that the clips of the user make up."""


@dataclass(frozen=True)
class Row:
    """A method on a data set, with a backbone where it has one."""

    dataset: str
    method: str
    backbone: str | None

    @property
    def name(self) -> str:
        """As in the names of its files."""
        return self.method if self.backbone is None else f"{self.method}@{self.backbone}"


def make_row(config: Config, dataset: str, method: str, backbone: str) -> Row:
    """A row; methods without a diffusion model have no backbone."""
    return Row(dataset, method, backbone if config.method(method).has_backbone else None)


def is_measured(config: Config, row: Row) -> bool:
    """Whether the project makes or has the row's label maps.

    Other systems are measured where the configuration has a folder of their predictions, supervised networks on the
    data sets that they are configured for.
    """
    method = config.method(row.method)
    if method.segmenter is not None:
        return row.dataset in method.segmenter.datasets
    return method.predictions is None or row.dataset in method.predictions


def table_rows(config: Config, table: str) -> list[Row]:
    """The measured rows of a table, by data set, then in the order of its methods."""
    chosen = config.tables[table]
    rows = [
        Row(dataset, method, backbone)
        for dataset in chosen.datasets
        for method in chosen.methods
        for backbone in (chosen.backbones if config.method(method).has_backbone else (None,))
    ]
    return [row for row in rows if is_measured(config, row)]


def sweep_rows(config: Config, sweep: str) -> list[Row]:
    """The rows of a sweep: by data set, backbone, point."""
    chosen = config.sweeps[sweep]
    return [
        make_row(config, dataset, method, backbone)
        for dataset in chosen.datasets
        for backbone in chosen.backbones
        for method in config.points(sweep).values()
    ]


def overview_rows(config: Config) -> list[Row]:
    """The rows that the overview figure shows."""
    chosen = config.overview
    return [make_row(config, chosen.dataset, method, chosen.backbone) for method in chosen.methods]


def user_row(config: Config) -> Row:
    """How the user's own clips are segmented."""
    return make_row(config, USER_CLIPS, config.user_clips.method, config.user_clips.backbone)


def all_rows(config: Config) -> list[Row]:
    """Every row of the configuration."""
    rows = [row for table in config.tables for row in table_rows(config, table)]
    rows += [row for sweep in config.sweeps for row in sweep_rows(config, sweep)]
    rows += [*overview_rows(config), *([user_row(config)] if config.clips else [])]
    return list(dict.fromkeys(rows))


def row_named(config: Config, dataset: str, name: str) -> Row:
    """The row behind the name of a file: `ours@scenes-tiny` on a data set.

    Raises:
        InputError: a part of the name is not in the configuration; the message has the nearest that is.
    """
    method, _, backbone = name.partition("@")
    known = (
        ("data set", dataset, config.datasets),
        ("method", method.partition(VARIANT)[0], config.methods),
        ("backbone", backbone, config.backbones),
    )
    for what, value, names in known:
        if value and value not in names:
            raise InputError(f"there is no {what} '{value}'{did_you_mean(value, names)}; known: {', '.join(names)}")
    if config.method(method).has_backbone != bool(backbone):
        right = f"{method}@<backbone>" if not backbone else method
        raise InputError(f"data set '{dataset}': there is no row '{name}'; call it '{right}'")
    return Row(dataset, method, backbone or None)
