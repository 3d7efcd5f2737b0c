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
from zeroshot_vss.io.formatting import duration_words, size_words
from zeroshot_vss.machine.compute import GIB
from zeroshot_vss.preflight.data import FoundDataSet, look_at_data
from zeroshot_vss.preflight.models import FoundBackbone, look_at_backbone
from zeroshot_vss.preflight.needs import Group, Inventory, Needs, groups_of, measured_rates, packed_share
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import USER_CLIPS, Row


def take_inventory(plan: Plan) -> Inventory:
    """Look at every configured data set and backbone, and at the user's clips."""
    names = [*plan.config.datasets, *([USER_CLIPS] if plan.config.clips else [])]
    backbones = {name: chosen.spec(name) for name, chosen in plan.config.backbones.items()}
    return Inventory(
        plan,
        {name: look_at_data(plan, name) for name in names},
        {name: look_at_backbone(spec, plan.config.backbones[name].title) for name, spec in backbones.items()},
    )


def check(overlays: Sequence[Path], console: Console, results: Path = Path("results")) -> bool:
    """Print what was found and what is needed; whether every row of every table can run."""
    plan = Plan(read_config(load_config(overlays)))
    inventory = take_inventory(plan)
    groups = groups_of(plan)
    rates, share = measured_rates(results, inventory.datasets), packed_share(results)
    for table in (
        data_table(list(inventory.datasets.values())),
        backbone_table(list(inventory.backbones.values()), plan.config.compute.memory),
        group_table(
            [(group, inventory.needs(group.rows, rates), len(_blocked(group, inventory))) for group in groups], share
        ),
    ):
        console.print(table)
    everything = inventory.needs([row for group in groups for row in group.rows], rates)
    console.print(f"All of it together: {escape(_sum_words(everything, share))}.", highlight=False)
    _explain(console, inventory, groups)
    missing = [group.name for group in groups if group.kind == "table" and _blocked(group, inventory)]
    if missing:
        console.print(f"[bold red]Cannot run as configured:[/] {', '.join(missing)}", highlight=False)
    else:
        console.print("[bold green]Every row of every table can run.[/]")
    return not missing


def _blocked(group: Group, inventory: Inventory) -> list[Row]:
    return [row for row in group.rows if inventory.obstacles(row)]


def data_table(found: Sequence[FoundDataSet]) -> Table:
    """The data sets."""
    table = Table("data set", "", "clips", "frames", "annotated", "height x width", title="Data sets")
    for data in found:
        if data.missing:
            table.add_row(data.name, "[red]missing[/]")
            continue
        sizes = [f"{height} x {width}" for height, width in data.sizes]
        annotated = "" if data.annotated is None else f"{data.annotated:,}"
        shown = sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        table.add_row(data.name, "[green]found[/]", f"{len(data.clips):,}", f"{data.frames:,}", annotated, shown)
    return table


def backbone_table(found: Sequence[FoundBackbone], asked: float | Literal["auto"]) -> Table:
    """The backbones."""
    passes = 0.0 if asked == "auto" else asked
    table = Table("backbone", "", "on disk", "stored as", "GPU memory", "CPU memory", "folder", title="Backbones")
    for backbone in found:
        if backbone.missing:
            table.add_row(backbone.name, "[red]missing[/]")
        elif backbone.files is None:
            table.add_row(backbone.name, "[yellow]is fetched[/]", "", "", "", "", escape(backbone.spec.path))
        else:
            needed = [size_words(backbone.memory(device) + passes * GIB) for device in ("cuda", "cpu")]
            folder = ", ".join(str(place) for place in backbone.files.folders)
            stored = f"safetensors, {', '.join(backbone.formats)}"
            table.add_row(
                backbone.name, "[green]found[/]", size_words(backbone.disk), stored, *needed, escape(folder)
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
        some = [size_words(needs.features), _map_words(needs.maps, share), time_words(needs)]
        table.add_row(group.kind, group.name, rows, *(some if len(group.rows) > blocked else []))
    return table


def _explain(console: Console, inventory: Inventory, groups: Sequence[Group]) -> None:
    """What is missing, how to get it, and the rows that wait for it."""
    found = (*inventory.datasets.values(), *inventory.backbones.values())
    waiting: dict[str, list[str]] = {one.missing: [] for one in found if one.missing}
    for group in groups:
        rows: dict[str, list[str]] = {}
        for row in group.rows:
            for reason in inventory.obstacles(row):
                rows.setdefault(reason, []).append(row.name)
        for reason, names in rows.items():
            which = f": {', '.join(dict.fromkeys(names))}" if group.kind == "table" else ""
            words = f"{group.kind} {group.name}, {len(names)} of {len(group.rows)} rows{which}"
            waiting.setdefault(reason, []).append(words)
    for reason, lines in waiting.items():
        console.print(f"\n[red]{escape(reason)}[/]", highlight=False)
        for line in lines or ["no row asks for it"]:
            console.print(f"  - {escape(line)}", highlight=False)


def _sum_words(needs: Needs, share: float | None) -> str:
    disk = f"{size_words(needs.features)} of features, {_map_words(needs.maps, share)} of label maps"
    return f"{disk}, time {time_words(needs)}"


def _map_words(size: int, share: float | None) -> str:
    """Packed as the maps that are there, or the size that they cannot exceed."""
    return f"at most {size_words(size)}" if share is None else size_words(size * share)


def time_words(needs: Needs) -> str:
    """Time with where it is known from."""
    time = needs.time
    if not time.sources:
        return "unknown"
    named = {"measured": "measured", "paper": "the paper's, on an A100"}
    sources = " and ".join(named[source] for source in sorted(time.sources))
    return f"{'over ' if time.unknown else ''}{duration_words(time.seconds)} ({sources})"
