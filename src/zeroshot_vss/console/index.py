"""The command `index`: make a folder of predictions an entry that can be verified."""

from __future__ import annotations

import argparse
from typing import Any

from zeroshot_vss.console.command import path_argument
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols import PROTOCOLS

FURTHER = {
    "paper": "where the system is described",
    "url": "where it is to be had",
    "license": "of the predictions",
    "hardware": "what they were computed on",
}


def add_index(commands: Any) -> None:
    """Add it to the subparsers of `zeroshot-vss`."""
    one = commands.add_parser("index", help="write the model-index.yml of a folder of predictions")
    one.add_argument("folder", type=path_argument, help="of PNGs of mode L or P that hold ids")
    one.add_argument("--model", required=True, help="name of the system")
    one.add_argument(
        "--data-set", required=True, help="its kind (vspw, camvid, ...), or its name in the configuration"
    )
    one.add_argument("--protocol", required=True, choices=list(PROTOCOLS), help="how they are scored")
    one.add_argument("--split", help="of the data set")
    for name, what in FURTHER.items():
        one.add_argument(f"--{name}", help=what)
    one.add_argument("--metric", action="append", default=[], metavar="miou=0.61", help="a figure that you state")
    one.set_defaults(run=index)


def index(args: argparse.Namespace) -> None:
    """Read every label map and write the index."""
    from zeroshot_vss.config.validation import validated
    from zeroshot_vss.entries.folder import digests_of
    from zeroshot_vss.entries.index import ModelIndex, total_digest, write_index

    files = digests_of(args.folder, masks=True)
    if not files:
        raise InputError(f"{args.folder} holds no PNG; expected <folder>/<clip>/<frame>.png")
    dataset = {"name": args.data_set, "split": args.split, "protocol": args.protocol}
    result = {"dataset": dataset, "metrics": [_metric(text) for text in args.metric]}
    values = {
        "model-index": [{"name": args.model, "results": [result]}],
        **{name: getattr(args, name) for name in FURTHER},
        "files": files,
    }
    path = write_index(args.folder, validated(ModelIndex, values, "index"))
    print(f"written to {path}: {len(files)} label maps, together {total_digest(files)}")


def _metric(text: str) -> dict[str, Any]:
    name, _, value = text.partition("=")
    try:
        return {"type": name, "value": float(value)}
    except ValueError:
        raise InputError(f"--metric is {text!r}; expected a name and a number, as miou=0.61") from None
