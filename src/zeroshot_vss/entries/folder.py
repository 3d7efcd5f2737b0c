"""The label maps of a folder of predictions against its `model-index.yml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from zeroshot_vss.entries.index import FILE, Digests, Entry, Purpose, check_purpose, read_index, total_digest
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.digests import sha256
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.images import read_mask
from zeroshot_vss.settings.base import Settings

NONE = "none"


class CheckedPredictions(Settings):
    """What was found in a folder of predictions."""

    folder: str
    """As the row names it."""
    index: Entry | None
    """What the folder says of itself; None where it says nothing, and nothing could be verified."""
    files: Digests
    """SHA-256 of every label map."""

    @property
    def digest(self) -> str:
        """Of all files, see `total_digest`."""
        return total_digest(self.files)


def label_maps(folder: Path) -> dict[str, Path]:
    """Every PNG below a folder, by its place there; folders that are links are followed, as scoring does.

    Raises:
        InputError: there is no such folder, or one of them cannot be read.
    """
    try:
        return {path.relative_to(folder).as_posix(): path for path in _below(folder, frozenset())}
    except OSError as error:
        raise InputError(
            f"{error.filename or folder} cannot be read ({error.strerror}); name a folder of PNGs"
        ) from error


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:  # a link to a folder that it lies in
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _below(path, above | {real})
        elif path.suffix == ".png":
            yield path


def digests_of(folder: Path, masks: bool = False) -> dict[str, str]:
    """SHA-256 of every label map of a folder, by its place there.

    Args:
        folder: of predictions.
        masks: also read each as a mask.

    Raises:
        InputError: a file cannot be read, or, with `masks`, is no PNG of mode L or P.
    """
    files = label_maps(folder)
    if masks:
        for name, path in files.items():
            read_mask(path, f"predictions, {name}")
    return {name: sha256(path) for name, path in files.items()}


def check_folder(folder: Path, purpose: Purpose) -> CheckedPredictions:
    """Hold a folder of predictions against its index, where it has one.

    Raises:
        InputError: they are for another data set, split or protocol; or a label map was changed, is missing or is
            not in the index: naming the first file, the stored and the present digest.
    """
    index = read_index(folder)
    if index is None:
        return CheckedPredictions(folder=str(folder), index=None, files=digests_of(folder))
    check_purpose(folder, index, purpose)
    present = digests_of(folder)
    _compare(folder, index.files, present)
    entry = Entry.model_validate(index.model_dump(exclude={"files"}))
    return CheckedPredictions(folder=str(folder), index=entry, files=present)


def _compare(folder: Path, stored: Mapping[str, str], present: Mapping[str, str]) -> None:
    differing = [name for name in sorted({*stored, *present}) if stored.get(name) != present.get(name)]
    if not differing:
        return
    name = differing[0]
    if name not in present:
        what, advice = "is missing", "put it back"
    elif name not in stored:
        what, advice = "is not in the index", "remove it"
    else:
        what, advice = "was changed after it was indexed", "put the indexed file back"
    further = f" ({len(differing) - 1} further files differ)" if len(differing) > 1 else ""
    raise InputError(
        f"{folder / name} {what}: SHA-256 in {FILE} {stored.get(name, NONE)}, present {present.get(name, NONE)}"
        f"{further}; {advice}, or, if the predictions are meant to be as they are, index them again "
        f"(`python -m zeroshot_vss index {folder} ...`)"
    )


def write_checked(path: Path, checked: CheckedPredictions) -> None:
    """Write what was found as JSON, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(checked.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")


def read_checked(path: Path) -> CheckedPredictions:
    """Read what `write_checked` wrote.

    Raises:
        InputError: there is no such file, or it is something else.
    """
    try:
        text = path.read_text("utf-8")
        return CheckedPredictions.model_validate_json(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no checked predictions ({error}); delete it and run again") from error
