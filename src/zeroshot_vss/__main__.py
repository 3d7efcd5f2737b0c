"""The command line, `zeroshot-vss`: segment a video, run the workflow quietly, check, explain, index, score."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zeroshot_vss.console.command import add_commands, path_argument
from zeroshot_vss.console.index import add_index
from zeroshot_vss.datasets import DATASETS
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols.base import PROTOCOLS, Figures

TRAINING_OPTIONS = ("seed", "processes", "clips", "autoencoder_steps", "steps")
ADAPTATION_OPTIONS = {
    "steps": int, "height": int, "stored_height": int, "seed": int, "processes": int, "rate": float,
    "correspondence": float, "decoder_steps": int, "trained": str, "pairs": int, "pool": int, "uses": int,
    "final_share": float,
}  # fmt: skip


def score(args: argparse.Namespace) -> None:
    """Score a folder of PNG predictions, print the figures and write them."""
    from zeroshot_vss.datasets import open_dataset, options_of
    from zeroshot_vss.entries.folder import check_folder
    from zeroshot_vss.entries.index import Purpose
    from zeroshot_vss.metrics.protocols.base import get_protocol
    from zeroshot_vss.metrics.scoring import score_folder, write_scores

    options = {
        name: value for name in ("root", "split", "limit", "year") if (value := getattr(args, name)) is not None
    }
    dataset = open_dataset(args.dataset, options)
    name = args.protocol or dataset.protocol
    if name is None:
        raise InputError(f"data set '{args.dataset}' has no ground truth to score by")
    split = getattr(options_of(args.dataset, options), "split", None)
    purpose = Purpose(where="the command", names=(args.dataset,), split=split, protocol=name)
    entry = check_folder(args.predictions, purpose).index
    classes = len(dataset.legend.names) if dataset.legend and get_protocol(name).any_classes else None
    clips, pooled = score_folder(dataset, args.predictions, get_protocol(name, classes), args.allow_unlabelled)
    output = args.output or args.predictions / "scores.json"
    write_scores(output, pooled, clips)
    _print(pooled)
    print(
        "predictions: " + ("unverified, without a model-index.yml" if entry is None else f"{entry.name}, as indexed")
    )
    print(f"written to {output} and {output.with_suffix('.csv')}")


def _print(pooled: Figures) -> None:
    table = Table("figure", "value")
    for name, value in pooled.items():
        table.add_row(name, f"{value:.6f}" if isinstance(value, float) else str(value))
    Console().print(table)


def check(args: argparse.Namespace) -> None:
    """Print which data and weights are there and what a run needs; exit with 1 where a row of a table cannot run."""
    from zeroshot_vss.preflight.run import check

    if not check(args.configfile, Console(), args.results):
        sys.exit(1)


def explain(args: argparse.Namespace) -> None:
    """Print where results come from."""
    from zeroshot_vss.workflow.explain import explain

    explain(args.paths, Console())


def prompt(args: argparse.Namespace) -> None:
    """Store the embeddings of a model's empty prompt beside it."""
    from zeroshot_vss.backbones.prompt import store_prompt

    print(f"written to {store_prompt(args.folder)}")


def train(args: argparse.Namespace) -> None:
    """Train an embedded backbone."""
    from zeroshot_vss.training import run, settings

    kinds = {
        "image": settings.TrainingSettings,
        "transformer": settings.TransformerTrainingSettings,
        "video": settings.VideoTrainingSettings,
        "tiny-decoder": settings.TinyDecoderSettings,
    }
    kind = kinds[args.model]
    asked = {name: value for name in TRAINING_OPTIONS if (value := getattr(args, name)) is not None}
    if unknown := sorted(set(asked) - set(kind.model_fields)):
        raise InputError(f"train {args.model}: there is no --{unknown[0].replace('_', '-')} for that model")
    if args.model == "image":
        run.train(args.out, args.work, settings.TrainingSettings(**asked))
    elif args.model == "transformer":
        run.train_transformer(args.image, args.out, args.work, settings.TransformerTrainingSettings(**asked))
    elif args.model == "tiny-decoder":
        run.train_decoder(args.image, args.out, args.work, settings.TinyDecoderSettings(**asked))
    else:
        run.train_video(args.image, args.out, args.work, settings.VideoTrainingSettings(**asked))


def adapt(args: argparse.Namespace) -> None:
    """Train a backbone on with unlabelled footage."""
    from zeroshot_vss.training.adapt import adapt
    from zeroshot_vss.training.settings import AdaptationSettings

    asked = {name: value for name in ADAPTATION_OPTIONS if (value := getattr(args, name)) is not None}
    adapt(args.base, args.frames, args.out, AdaptationSettings(**asked), args.work, args.exclude)


def parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    root = argparse.ArgumentParser(prog="python -m zeroshot_vss", description=__doc__)
    commands = root.add_subparsers(required=True)
    add_commands(commands)
    add_index(commands)
    checked = commands.add_parser("check", help="what a configuration finds and needs, before any job runs")
    checked.add_argument(
        "--configfile",
        type=path_argument,
        nargs="+",
        default=[],
        help="laid over config/*.yaml in this order, as by snakemake",
    )
    checked.add_argument(
        "--results", type=path_argument, default=Path("results"), help="folder of finished results, for times"
    )
    checked.set_defaults(run=check)
    explained = commands.add_parser(
        "explain", help="where results come from: settings, code, weights, versions, cost"
    )
    explained.add_argument(
        "paths", type=path_argument, nargs="+", help="HDF5 results, or manifests (.json) beside them"
    )
    explained.set_defaults(run=explain)
    scored = commands.add_parser("score", help="score a folder of predictions: <folder>/<clip>/<frame>.png")
    scored.add_argument("--dataset", required=True, choices=list(DATASETS))
    scored.add_argument("--root", help="folder of the data set")
    scored.add_argument("--split", help="val, test, ... as the data set has them")
    scored.add_argument("--year", type=int, choices=[2016, 2017], help="of DAVIS; 2017 by default")
    scored.add_argument("--limit", type=int, help="only the first clips, this many")
    scored.add_argument(
        "--predictions", required=True, type=path_argument, help="folder of PNGs of mode L or P that hold ids"
    )
    scored.add_argument("--protocol", choices=list(PROTOCOLS), help="by default that of the data set")
    scored.add_argument("--allow-unlabelled", action="store_true", help="255 is a miss in place of an error")
    scored.add_argument("--output", type=path_argument, help="a .json file; <predictions>/scores.json by default")
    scored.set_defaults(run=score)
    prompted = commands.add_parser(
        "prompt", help="store the empty prompt of a diffusion transformer, so that its text encoders are not needed"
    )
    prompted.add_argument("folder", type=Path, help="in the format of diffusers, with its text encoders")
    prompted.set_defaults(run=prompt)
    trained = commands.add_parser("train", help="train an embedded backbone (an hour or two on a CPU)")
    models = trained.add_subparsers(required=True)
    for model, what in (
        ("image", "the image model, from nothing, on generated scenes"),
        ("transformer", "a diffusion transformer, from nothing, on a trained image model's latents"),
        ("video", "temporal layers for a trained image model"),
        ("tiny-decoder", "a decoder that imitates a trained image model's"),
    ):
        one = models.add_parser(model, help=what)
        if model != "image":
            one.add_argument(
                "--image", type=path_argument, default=Path("models/scenes-tiny"), help="the image model to build on"
            )
        one.add_argument(
            "--out", required=True, type=path_argument, help="folder for the weights, in diffusers' format"
        )
        one.add_argument(
            "--work", required=True, type=path_argument, help="folder for frames and checkpoints, about 1 GB"
        )
        for name in TRAINING_OPTIONS:
            one.add_argument(f"--{name.replace('_', '-')}", type=int, help="see zeroshot_vss.training.settings")
        one.set_defaults(run=train, model=model)
    _add_adapt(models.add_parser("adapt", help="train a model on with footage of your own, without labels"))
    return root


def _add_adapt(adapted: argparse.ArgumentParser) -> None:
    adapted.add_argument(
        "--from",
        dest="base",
        type=path_argument,
        default=Path("models/scenes-tiny"),
        help="the image model to start from",
    )
    adapted.add_argument(
        "--frames", type=path_argument, nargs="+", required=True,
        help="videos, folders of frames, or folders of these; folders of annotations are passed over",
    )  # fmt: skip
    adapted.add_argument("--exclude", nargs="+", default=[], help="names of clips that are left out")
    adapted.add_argument(
        "--out", required=True, type=path_argument, help="folder for the weights, in diffusers' format"
    )
    adapted.add_argument(
        "--work", type=path_argument, help="folder for frames and checkpoints; <out>-work by default"
    )
    for name, kind in ADAPTATION_OPTIONS.items():
        adapted.add_argument(f"--{name.replace('_', '-')}", type=kind, help="see zeroshot_vss.training.settings")
    adapted.set_defaults(run=adapt)


def main() -> None:
    """Run a command; an InputError ends it with its message in place of a traceback."""
    try:
        args = parser().parse_args()
        args.run(args)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
