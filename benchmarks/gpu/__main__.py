"""Speed and memory with random weights of the real models' sizes.

    python -m benchmarks.gpu
    python -m benchmarks.gpu --models tiny --device cpu --size 128 192 --frames 4

Seconds a frame of every stage, frames a second, the share of the device's matrix rate in the modulated passes, peak
memory of a short and a long clip, loading, and the size of the feature cache, beside the targets.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import torch
import yaml
from rich.console import Console

from benchmarks.gpu.figures import measure
from benchmarks.gpu.models import MODELS, Execution, write_model
from benchmarks.gpu.rate import matmul_rate
from benchmarks.gpu.report import Device, Report, show, write
from zeroshot_vss.backbones.loading import PRECISIONS
from zeroshot_vss.backbones.spec import Precision
from zeroshot_vss.config import Config, merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.runtime import prepare

CONFIG = Path(__file__).parents[2] / "config"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["sd21", "svd"])
    parser.add_argument("--methods", nargs="+", default=["ours", "fast"], help="of config/methods.yaml")
    parser.add_argument("--size", type=int, nargs=2, default=(480, 854), metavar=("H", "W"), help="of the frames")
    parser.add_argument("--labels", type=int, default=8, help="in every frame")
    parser.add_argument(
        "--frames", type=int, default=14, help="of the clip; one four times as long is run for memory"
    )
    parser.add_argument("--long", type=int, help="frames of a further clip, run for memory")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU; 1 where other processes keep it busy")
    parser.add_argument("--precision", choices=get_args(Precision), default="auto", help="as in the configuration")
    parser.add_argument("--compile", action="store_true", help="torch.compile, as in the configuration")
    parser.add_argument("--memory", type=float, help="compute.memory in GiB; found from what is free by default")
    parser.add_argument("--frames-at-once", type=int, default=2, help="compute.frames_at_once")
    parser.add_argument("--clusters", type=int, help="K; default: the configuration's")
    parser.add_argument("--matrix", type=int, help="side of the products that the rate is measured with")
    parser.add_argument("--scratch", type=Path, help="folder for the models (8 GB for the default ones)")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/gpu.json"), help="and .md beside it")
    return parser.parse_args(arguments)


def shipped_config() -> Config:
    """The configuration of the paper's models."""
    values: dict[str, object] = {}
    for name in ("config.yaml", "methods.yaml", "sweeps.yaml", "paper.yaml"):
        values = merge(values, yaml.safe_load((CONFIG / name).read_text()))
    return read_config(values)


def run(arguments: Sequence[str] | None = None) -> Report:
    """Measure what the command line asks for."""
    args = parse(arguments)
    config = shipped_config()
    chosen = Compute(device=args.device, threads=args.threads, frames_at_once=args.frames_at_once)
    device = prepare(chosen)
    cuda = device.type == "cuda"
    compute = chosen.model_copy(update={"memory": args.memory or "auto"})
    # Half precision is no use on CPUs; the rate is measured in what the networks run in.
    execution = Execution(device, args.precision, args.compile)
    formats = {"bfloat16", "float16", "float32"} if cuda else {"float32"}
    side = args.matrix or (8192 if cuda else 512)
    rates = {name: matmul_rate(device, PRECISIONS[name], side) for name in sorted(formats)}
    lengths = [args.frames, 4 * args.frames, *([args.long] if args.long else [])]
    name = torch.cuda.get_device_name(device) if cuda else platform.processor() or platform.machine()
    described = Device(name=name, threads=torch.get_num_threads(), rates=rates, torch=torch.__version__)
    report = Report(device=described, models=())
    for model in args.models:
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
            spec = write_model(model, Path(folder) / "model", execution)
            for method in args.methods:
                settings = config.method_settings(method, MODELS[model].settings)
                if args.clusters:
                    context = settings.context.model_copy(update={"clusters": args.clusters})
                    settings = settings.model_copy(update={"context": context})
                size = (args.size[0], args.size[1])
                measured = measure(spec, method, settings, compute, device, size, args.labels, lengths, Path(folder))
                # Written each time: an error in the next loses nothing.
                report = Report(device=described, models=(*report.models, measured))
                write(report, args.output)
    show(report, Console())
    return report


def main() -> None:
    """The command; what a user can mend is said in a line."""
    try:
        run()
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
