"""`python -m zeroshot_vss explain`: where a result comes from, read from the result and from what lies beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import Cost, costs_of
from zeroshot_vss.io.formatting import format_size
from zeroshot_vss.io.store import open_clip
from zeroshot_vss.provenance.code import code_digest
from zeroshot_vss.tables.used_settings import settings_of
from zeroshot_vss.workflow.targets import RECORDS

FOLDERS = ("checked", "features", "correspondences", "coarse", "maps", "baselines", "segmenters", "inspect")
"""Of the stages, below the folder of the results: `<folder>/<data set>/.../<clip>.h5` and `<part>.json`."""
SOURCES = ("checked", "features", "correspondences", "coarse")
"""Those whose results other stages read."""
DEVICE = ("device", "precision", "compiled")
SAID = ("stage", "code", "modules", "clip", "settings", "weights", *DEVICE, "inputs")
"""Entries of a key that are said in words; stages may have more."""

Facts = list[tuple[str, str]]
"""What there is to say, by name, in the order in which it is said."""


@dataclass(frozen=True)
class Origin:
    """Where the result of a clip comes from."""

    path: Path
    key: Mapping[str, Any]
    """All that it depends on: stage, code, clip, settings, weights, device, digests of inputs."""
    settings: Mapping[str, Any]
    """By dotted name."""
    versions: Mapping[str, str]
    holds: Mapping[str, str]
    """Name of each array to its shape and type."""
    cost: Cost | None

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return str(self.key["stage"])

    @property
    def made(self) -> dict[str, Any]:
        """What the results of a job have in common: all of the key but the clip and what was made of it."""
        return {name: value for name, value in self.key.items() if name not in ("clip", "inputs")}


def read_origin(path: Path) -> Origin:
    """Where a clip's result comes from.

    Raises:
        InputError: the file is missing, damaged, or none of the workflow's.
    """
    with open_clip(path) as file:
        try:
            key, versions = (json.loads(str(file.attrs[name])) for name in ("key", "versions"))
            holds = {str(name): _shape(data) for name, data in file.items()}
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path} says nothing of its origin ({error}); it is no result of this workflow"
            ) from error
    known = costs_of([path])
    return Origin(path, key, settings_of(path), versions, holds, known[0] if known else None)


def _shape(data: Any) -> str:
    return f"{' x '.join(map(str, data.shape)) or 'one'} {data.dtype}"


def clip_facts(origin: Origin) -> Facts:
    """What there is to say of a clip's result."""
    clip, cost = origin.key["clip"], origin.cost
    height, width = clip["size"]
    facts = [
        ("clip", f"{clip['clip']}, {clip['frames']} frames of {width} x {height} pixels"),
        ("data set", _pairs({"reader": clip["dataset"], **clip["options"]})),
        *made_facts(origin),
    ]
    inputs = dict(_inputs(origin))
    for digest in origin.key["inputs"]:
        place = inputs.get(digest)
        facts.append(
            ("input", f"{digest[:16]}  {place if place else 'no manifest here has it: made of what is gone'}")
        )
    facts.append(("holds", "; ".join(f"{name}: {shape}" for name, shape in origin.holds.items())))
    facts.append(("size", format_size(origin.path.stat().st_size)))
    return [*facts, ("cost", "not known" if cost is None else _format_costs([cost]))]


def made_facts(origin: Origin) -> Facts:
    """What the results of a job have in common: stage, code, weights, device, settings, versions."""
    key = origin.key
    return [
        ("stage", origin.stage),
        ("code", f"{key['code']}, {_describe_code(origin)}"),
        *([("weights", str(key["weights"]))] if key.get("weights") else []),
        *([("device", ", ".join(key[part] for part in DEVICE if part in key))] if "device" in key else []),
        *((name, json.dumps(value)) for name, value in key.items() if name not in SAID),
        *((f"setting {name}", json.dumps(value)) for name, value in origin.settings.items()),
        ("versions", _pairs(origin.versions)),
    ]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _describe_code(origin: Origin) -> str:
    try:
        now = code_digest(*origin.key["modules"])
    except OSError:
        return "modules that this version does not have"
    return "as it is now" if now == origin.key["code"] else f"not as it is now ({now})"


def _format_costs(costs: Sequence[Cost]) -> str:
    seconds = sum(cost.seconds for cost in costs)
    host = max(cost.host_gib for cost in costs)
    gpu = max((cost.gpu_gib for cost in costs if cost.gpu_gib is not None), default=None)
    on_gpu = "" if gpu is None else f", {gpu:.2f} GiB on the GPU"
    return f"{seconds:.1f} s, {host:.2f} GiB of memory{on_gpu}"


def _place(path: Path) -> tuple[Path, tuple[str, ...]] | None:
    """Folder of the results, and the names from the data set on to the folder of a file; None elsewhere.

    Settings and other people's folders may be called as a stage's is: the one beside `checked` counts.
    """
    parts = path.absolute().parts
    for place in range(len(parts) - 3, 0, -1):
        root = Path(*parts[:place])
        if parts[place] in FOLDERS and (root / "checked").is_dir():
            return root, parts[place + 1 : -1]
    return None


def _inputs(origin: Origin) -> Iterator[tuple[str, Path]]:
    """The manifests that name the digests of a result's inputs, by digest."""
    place = _place(origin.path)
    if place is None:
        return
    root, names = place
    clip, wanted = origin.key["clip"]["clip"], set(origin.key["inputs"])
    candidates = [
        path
        for folder in SOURCES
        for path in (root / folder / names[0]).glob("**/*.json")
        if not path.name.endswith(".cost.json")
    ]
    # The same content can come from several settings: those that this path names come first.
    candidates.sort(key=lambda path: (not set(path.parent.relative_to(root).parts[1:]) <= set(names), path))
    for path in candidates:
        digest = _manifest(path).get(clip, "")
        if digest in wanted:
            wanted.remove(digest)
            yield digest, _shown(path)


def _shown(path: Path) -> Path:
    """Relative to the working directory where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _manifest(path: Path) -> dict[str, str]:
    """Clip to digest; empty where the file is no manifest."""
    try:
        clips = json.loads(path.read_text())["clips"]
        return {str(name): str(digest) for name, digest in clips.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def manifest_facts(path: Path, clips: Mapping[str, str]) -> Facts:
    """What there is to say of a job: its clips, what their results have in common, and their costs together."""
    files = {name: path.parent / f"{name}.h5" for name in clips}
    there = {name: file for name, file in files.items() if file.is_file()}
    facts = [("clips", f"{len(clips)}: {', '.join(clips)}")]
    place = _place(path)
    if not there:
        checked = place is not None and (place[0] / "checked").absolute() in path.absolute().parents
        what = (
            "digests of frames and annotations, which other results depend on" if checked else "their files are gone"
        )
        return [*facts, ("stage", "check") if checked else ("files", "none"), ("holds", what)]
    if gone := [name for name in files if name not in there]:
        facts.append(("gone", f"the results of {', '.join(gone)}; delete the manifest and run again"))
    origins = [read_origin(file) for file in there.values()]
    if others := [origin.path.stem for origin in origins if origin.made != origins[0].made]:
        facts.append(("differ", f"{', '.join(others)} were made otherwise than {origins[0].path.stem}; see each"))
    facts += made_facts(origins[0])
    size = sum(file.stat().st_size for file in there.values())
    costs = costs_of(there.values())
    known = f" ({len(costs)} of {len(clips)} clips)" if len(costs) < len(clips) else ""
    return [
        *facts,
        ("size", format_size(size)),
        ("cost", f"{_format_costs(costs)}{known}" if costs else "not known"),
    ]


def facts_of(path: Path) -> Facts:
    """What there is to say of a file.

    Raises:
        InputError: it is neither a result nor a manifest; the message says what is.
    """
    if not path.exists():
        raise InputError(f"there is no file {path}")
    if path.is_file() and path.suffix == ".h5":
        return clip_facts(read_origin(path))
    if path.is_file() and path.suffix == ".json" and (clips := _manifest(path)):
        return manifest_facts(path, clips)
    if (record := record_of(path)) is not None:
        return record_facts(path, record)
    folders = ", ".join(f"results/{folder}" for folder in FOLDERS)
    raise InputError(
        f"{path} is neither a result (.h5) nor a manifest (.json) of {folders}, and has no record in "
        f"results/{RECORDS}"
    )


def record_of(path: Path) -> Mapping[str, Any] | None:
    """The record of the job that wrote a file; None where no job of the workflow did."""
    names = [str(path), str(_shown(path.absolute()))]
    for place in path.absolute().parents:
        if place.name == "results":
            for file in (place / RECORDS).rglob("*.json"):
                record = json.loads(file.read_text())
                if set(names) & set(record.get("made", ())):
                    return record
    return None


def record_facts(path: Path, record: Mapping[str, Any]) -> Facts:
    """What there is to say of a table, scores, a figure or a video: its job, and what that read."""
    read = [name for name in record["files"] if name not in record["made"]]
    return [
        ("stage", str(record["stage"])),
        ("key", str(record["key"])),
        *(("made of", name) for name in read),
        *(("with it", name) for name in record["made"] if Path(name) != path),
        ("versions", _pairs(record["versions"])),
    ]


def explain(paths: Sequence[Path], console: Console) -> None:
    """Print where results come from. Nothing is printed when one of the paths cannot be explained."""
    for path, facts in [(path, facts_of(path)) for path in paths]:
        table = Table(box=None, show_header=False, title=escape(str(path)), title_justify="left")
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(escape(name), escape(value))
        console.print(table)
