"""The commands `segment` and `run` of the console script."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.places import full_path


def path_argument(text: str) -> Path:
    """A path on the command line, in which `~` and environment variables mean what they do in the configuration."""
    try:
        return full_path(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_commands(commands: Any) -> None:
    """Add the two to the subparsers of `zeroshot-vss`."""
    one = commands.add_parser(
        "segment", help="segment a video: an overlay, a player and label maps, without any YAML"
    )
    one.add_argument("video", type=path_argument, help="a video file or a folder of frames")
    one.add_argument(
        "--mask", type=path_argument, help="annotation of one frame: an indexed PNG, grey ids, or colours"
    )
    one.add_argument("--names", help="1=swan,2=water of the mask's ids, or of clusters; or a file of the player's")
    one.add_argument("--clusters", help="how many, or auto; 8 by default, with --mask many")
    one.add_argument("--method", help="of config/methods.yaml, such as ours: the paper's, with masked modulation")
    one.add_argument("--fast", action="store_true", help="frames of 128 rows: coarser, in less time")
    one.add_argument(
        "--adapt", action="store_true", help="train the backbone on with the video first, without labels"
    )
    one.add_argument("--side-by-side", action="store_true", help="the plain frames at the left of the overlay")
    one.add_argument("--out", type=path_argument, help="folder for the results; <video>-segmented by default")
    _common(one)
    one.set_defaults(run=segment)
    quiet = commands.add_parser("run", help="make targets of the workflow quietly: progress, and errors of one line")
    quiet.add_argument("targets", nargs="+", help="as for snakemake: results/table1.csv, ...")
    _common(quiet)
    quiet.set_defaults(run=run)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configfile", type=path_argument, nargs="+", default=[], help="laid over config/*.yaml in this order"
    )
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="CPU cores; all by default")


def segment(args: argparse.Namespace) -> None:
    """Segment a video and say what was written."""
    from zeroshot_vss.console.request import Request, names_of
    from zeroshot_vss.console.segment import WRITTEN, perform

    chosen = Request(
        args.video,
        args.mask,
        names_of(args.names),
        _clusters(args.clusters),
        args.method,
        args.fast,
        args.adapt,
        args.side_by_side,
    )
    segmentation = perform(chosen, args.out, [path.resolve() for path in args.configfile], args.cores)
    console = Console(soft_wrap=True, highlight=False)
    for name in WRITTEN:
        slash = "/" if (segmentation.folder / name).is_dir() else ""
        console.print(f"{_near(segmentation.folder / name)}{slash}", markup=False)


def run(args: argparse.Namespace) -> None:
    """Make targets of the workflow."""
    from zeroshot_vss.console.quiet import run_quietly
    from zeroshot_vss.workflow.home import find_home

    run_quietly(args.targets, [path.resolve() for path in args.configfile], find_home(), args.cores)


def _clusters(text: str | None) -> Any:
    if text is None or text == "auto":
        return text
    if text.isdecimal():
        return int(text)
    raise InputError(f"--clusters is {text!r}; expected a number or auto")


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
