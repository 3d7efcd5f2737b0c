"""What was measured as tables: on the terminal, as JSON and as Markdown."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from tabulate import tabulate

from benchmarks.gpu.figures import Figures
from zeroshot_vss.io.files import replacing
from zeroshot_vss.settings.base import Settings

CLIP = 71
"""Frames of the clip that loading is compared with: VSPW's validation clips have 71 on average."""
TARGETS = {("sd21", "ours"): (2.5, 0.4), ("sd21", "fast"): (25, None)}
"""Least frames a second on one H100, and least share of the bf16 matrix rate in the modulated passes."""
PAPER = {"sd21": 0.41}
"""The paper's frames a second, on an A100."""
MEBIBYTE = 2**20


class Device(Settings):
    """Where it was measured."""

    name: str
    threads: int
    rates: dict[str, float]
    """TFLOP/s of large square products, by number format."""
    torch: str


class Report(Settings):
    """Everything."""

    device: Device
    models: tuple[Figures, ...]


Rows = list[list[str]]


def stage_rows(figures: Figures, rates: dict[str, float]) -> Rows:
    """Stage, seconds a frame, share of all, TFLOP a frame, TFLOP/s, share of the rate in the model's numbers."""
    rate = rates.get(figures.dtype)
    total = sum(stage.seconds for stage in figures.stages.values())
    rows = []
    for name, stage in figures.stages.items():
        reached = stage.teraflop / stage.seconds if stage.seconds else 0.0
        work = [f"{stage.teraflop:.3g}", f"{reached:.3g}", f"{reached / rate:.0%}" if rate else ""]
        rows.append(
            [name, f"{stage.seconds:.3g}", f"{stage.seconds / total:.0%}", *(work if reached else ["", "", ""])]
        )
    work = sum(stage.teraflop for stage in figures.stages.values())
    rows.append(["all", f"{total:.3g}", "100%", f"{work:.3g}", f"{work / total:.3g}", ""])
    return rows


def summary_rows(figures: Figures, rates: dict[str, float]) -> Rows:
    """Name, measured value, target or comparison."""
    fps, share = TARGETS.get((figures.model, figures.method), (None, None))
    paper = PAPER.get(figures.model) if figures.method == "ours" else None
    rows = [
        ["frames a second", f"{figures.frames_per_second:.3g}",
         "" if fps is None else f"at least {fps} on an H100" + (f"; paper {paper} on an A100" if paper else "")],
        ["modulated passes, TFLOP/s", f"{figures.modulated_rate:.3g}", ""],
    ]  # fmt: skip
    if rate := rates.get("bfloat16"):
        wanted = "" if share is None else f"at least {share:.0%}"
        rows.append(["share of the bf16 matrix rate", f"{figures.modulated_rate / rate:.0%}", wanted])
    per_clip = CLIP / figures.frames_per_second
    rows += [
        ["loading, s", f"{figures.loading_seconds:.3g}",
         f"{figures.loading_seconds / per_clip:.1%} of a {CLIP}-frame clip's {per_clip:.3g} s"],
        ["feature cache, MiB a frame", f"{figures.cache_bytes / MEBIBYTE:.3g}", ""],
    ]  # fmt: skip
    for run in figures.runs:
        gpu = "" if run.gpu_gib is None else f"{run.gpu_gib:.2f} on the GPU, "
        rows.append([f"peak memory of {run.frames} frames, GiB", f"{gpu}{run.host_gib:.2f} in the process so far",
                     f"{run.seconds / run.frames:.3g} s a frame"])  # fmt: skip
    return rows


STAGE_HEAD = ["stage", "s a frame", "share", "TFLOP a frame", "TFLOP/s", "of the matrix rate"]
SUMMARY_HEAD = ["figure", "measured", "target or comparison"]


def _titles(figures: Figures) -> str:
    height, width = figures.size
    numbers = f"{figures.dtype}, compiled" if figures.compiled else figures.dtype
    inner = " x ".join(map(str, figures.network_size))
    return (
        f"{figures.title}, `{figures.method}`, random weights, {numbers}: {figures.frames} frames of "
        f"{height} x {width} ({inner} in the network), {figures.labels} labels a frame"
    )


def _device_text(device: Device) -> str:
    rates = ", ".join(f"{name} {rate:.3g}" for name, rate in device.rates.items())
    return f"{device.name}, {device.threads} CPU threads, PyTorch {device.torch}; matrix products, TFLOP/s: {rates}"


def show(report: Report, console: Console) -> None:
    """Print everything."""
    console.print(_device_text(report.device))
    for figures in report.models:
        for head, rows in _tables(figures, report.device.rates):
            table = Table(title=_titles(figures))
            for title in head:
                table.add_column(title, justify="left" if title == head[0] else "right")
            for row in rows:
                table.add_row(*row)
            console.print(table)


def _tables(figures: Figures, rates: dict[str, float]) -> list[tuple[list[str], Rows]]:
    return [(STAGE_HEAD, stage_rows(figures, rates)), (SUMMARY_HEAD, summary_rows(figures, rates))]


def markdown(report: Report) -> str:
    """Everything as Markdown."""
    parts = [_device_text(report.device)]
    for figures in report.models:
        parts.append(f"## {_titles(figures)}")
        parts += [
            tabulate(rows, head, tablefmt="pipe", disable_numparse=True)
            for head, rows in _tables(figures, report.device.rates)
        ]
    return "\n\n".join(parts) + "\n"


def write(report: Report, path: Path) -> None:
    """Write `path` (JSON) and the Markdown beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, text in (
        (path, report.model_dump_json(indent=1) + "\n"),
        (path.with_suffix(".md"), markdown(report)),
    ):
        with replacing(target) as partial:
            partial.write_text(text)
