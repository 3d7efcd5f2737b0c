"""`python -m zeroshot_vss check`: what a run would find and need, before any of its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zeroshot_vss.config import read_config
from zeroshot_vss.config.read import load_config
from zeroshot_vss.io.formatting import format_duration, format_size
from zeroshot_vss.machine.compute import GIB
from zeroshot_vss.preflight.data import DataSetStatus, dataset_status
from zeroshot_vss.preflight.models import BackboneStatus, backbone_status
from zeroshot_vss.preflight.needs import Availability, Group, Needs, groups_of, measured_rates, packed_share
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import USER_CLIPS, Row


def check_availability(plan: Plan) -> Availability:
    """Look at every configured data set and backbone, and at the user's clips."""
    names = [*plan.config.datasets, *([USER_CLIPS] if plan.config.clips else [])]
    backbones = {name: chosen.spec(name) for name, chosen in plan.config.backbones.items()}
    return Availability(
        plan,
        {name: dataset_status(plan, name) for name in names},
        {name: backbone_status(spec, plan.config.backbones[name].title) for name, spec in backbones.items()},
    )


def check(overlays: Sequence[Path], console: Console, results: Path = Path("results")) -> bool:
    """Print what was found and what is needed; whether every row of every table can run."""
    plan = Plan(read_config(load_config(overlays)))
    availability = check_availability(plan)
    groups = groups_of(plan)
    rates, share = measured_rates(results, availability.datasets), packed_share(results)
    for table in (
        data_table(list(availability.datasets.values())),
        backbone_table(list(availability.backbones.values()), plan.config.compute.memory),
        group_table(
            [(group, availability.needs(group.rows, rates), len(_blocked(group, availability))) for group in groups],
            share,
        ),
    ):
        console.print(table)
    everything = availability.needs([row for group in groups for row in group.rows], rates)
    console.print(f"All of it together: {escape(_format_total(everything, share))}.", highlight=False)
    _explain(console, availability, groups)
    missing = [group.name for group in groups if group.kind == "table" and _blocked(group, availability)]
    if missing:
        console.print(f"[bold red]Cannot run as configured:[/] {', '.join(missing)}", highlight=False)
    else:
        console.print("[bold green]Every row of every table can run.[/]")
    return not missing


def _blocked(group: Group, availability: Availability) -> list[Row]:
    return [row for row in group.rows if availability.obstacles(row)]


def data_table(datasets: Sequence[DataSetStatus]) -> Table:
    """The data sets."""
    table = Table("data set", "", "clips", "frames", "annotated", "height x width", title="Data sets")
    for data in datasets:
        if data.missing:
            table.add_row(data.name, "[red]missing[/]")
            continue
        sizes = [f"{height} x {width}" for height, width in data.sizes]
        annotated = "" if data.annotated is None else f"{data.annotated:,}"
        shown = sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        table.add_row(data.name, "[green]found[/]", f"{len(data.clips):,}", f"{data.frames:,}", annotated, shown)
    return table


def backbone_table(backbones: Sequence[BackboneStatus], asked: float | Literal["auto"]) -> Table:
    """The backbones."""
    passes = 0.0 if asked == "auto" else asked
    table = Table("backbone", "", "on disk", "stored as", "GPU memory", "CPU memory", "folder", title="Backbones")
    for backbone in backbones:
        if backbone.missing:
            table.add_row(backbone.name, "[red]missing[/]")
        elif backbone.files is None:
            table.add_row(backbone.name, "[yellow]is fetched[/]", "", "", "", "", escape(backbone.spec.path))
        else:
            needed = [format_size(backbone.memory(device) + passes * GIB) for device in ("cuda", "cpu")]
            folder = ", ".join(str(place) for place in backbone.files.folders)
            stored = f"safetensors, {', '.join(backbone.formats)}"
            table.add_row(
                backbone.name, "[green]found[/]", format_size(backbone.disk), stored, *needed, escape(folder)
            )
    table.caption = (
        "Memory: weights as they are loaded, "
        + (
            "and what is free for the modulated passes"
            if asked == "auto"
            else f"{asked:g} GiB for the modulated passes"
        )
        + " (compute.memory)"
    )
    return table


def group_table(groups: Sequence[tuple[Group, Needs, int]], share: float | None) -> Table:
    """The tables, sweeps and other targets: what the rows that can run need, and how many cannot."""
    table = Table("", "name", "rows that can run", "features", "label maps", "time", title="Targets, from scratch")
    for group, needs, blocked in groups:
        rows = f"[{'red' if blocked else 'green'}]{len(group.rows) - blocked} of {len(group.rows)}[/]"
        some = [format_size(needs.features), _format_maps(needs.maps, share), format_time(needs)]
        table.add_row(group.kind, group.name, rows, *(some if len(group.rows) > blocked else []))
    table.caption = "reckoned: nothing ran here yet; on two CPU cores, by figures that come with the project"
    return table


def _explain(console: Console, availability: Availability, groups: Sequence[Group]) -> None:
    """What is missing, how to get it, and the rows that wait for it."""
    sources = (*availability.datasets.values(), *availability.backbones.values())
    waiting: dict[str, list[str]] = {one.missing: [] for one in sources if one.missing}
    for group in groups:
        rows: dict[str, list[str]] = {}
        for row in group.rows:
            for reason in availability.obstacles(row):
                rows.setdefault(reason, []).append(row.name)
        for reason, names in rows.items():
            which = f": {', '.join(dict.fromkeys(names))}" if group.kind == "table" else ""
            text = f"{group.kind} {group.name}, {len(names)} of {len(group.rows)} rows{which}"
            waiting.setdefault(reason, []).append(text)
    for reason, lines in waiting.items():
        console.print(f"\n[red]{escape(reason)}[/]", highlight=False)
        for line in lines or ["no row asks for it"]:
            console.print(f"  - {escape(line)}", highlight=False)


def _format_total(needs: Needs, share: float | None) -> str:
    disk = f"{format_size(needs.features)} of features, {_format_maps(needs.maps, share)} of label maps"
    return f"{disk}, time {format_time(needs)}"


def _format_maps(size: int, share: float | None) -> str:
    """Packed as the maps that are there, or the size that they cannot exceed."""
    return f"at most {format_size(size)}" if share is None else format_size(size * share)


def format_time(needs: Needs) -> str:
    """Time with where it is known from."""
    time = needs.time
    if not time.sources:
        return "unknown"
    named = {"measured": "measured", "paper": "the paper's, on an A100", "shipped": "reckoned"}
    sources = " and ".join(named[source] for source in sorted(time.sources))
    return f"{'over ' if time.unknown else ''}{format_duration(time.seconds)} ({sources})"
