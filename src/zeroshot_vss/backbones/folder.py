"""The files of a backbone: where they are, whether they are all there, and their digests. Imports no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.provenance import files_digest

NEEDED = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")


def find_folder(spec: BackboneSpec) -> Path:
    """The local folder of a backbone's files.

    Raises:
        InputError: the weights are not there; the message says what to get and where to put it.
    """
    local = Path(spec.path).expanduser()
    if not local.is_dir():
        local = _from_hub(spec)
    missing = [name for name in NEEDED if not (local / name).is_file()]
    text = (local / "text_encoder" / "config.json").is_file() and (local / "tokenizer").is_dir()
    if not text and not (local / "context.safetensors").is_file():
        missing.append("text_encoder/ with tokenizer/, or context.safetensors")
    missing += [f"{part}/*.safetensors" for part in ("unet", "vae") if not weight_files(local / part)]
    if missing:
        raise InputError(f"backbone '{spec.name}': {local} lacks {', '.join(missing)}; it must be a diffusers folder")
    return local


def _from_hub(spec: BackboneSpec) -> Path:
    if spec.path.count("/") != 1 or spec.path.startswith((".", "/", "~")):
        raise InputError(f"backbone '{spec.name}': there is no folder {spec.path}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.json", "*.txt", "unet/*.safetensors", "vae/*.safetensors", "text_encoder/*.safetensors"]
    try:
        folder = snapshot_download(
            spec.path, revision=spec.revision, allow_patterns=wanted, local_files_only=not spec.download
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        pinned = f" --revision {spec.revision}" if spec.revision else ""
        raise InputError(
            f"backbone '{spec.name}': {spec.path} is neither a folder nor in the local cache; "
            f"run `hf download {spec.path}{pinned}`, or set backbones: {spec.name}: path: to a diffusers folder, "
            "or set download: true"
        ) from error
    return Path(folder)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a part's weights: full precision where there, else the fp16 variant."""
    found = sorted(folder.glob("*.safetensors"))
    full = [path for path in found if ".fp16." not in path.name and "ema" not in path.name]
    return full or [path for path in found if ".fp16." in path.name]


def _parts(folder: Path) -> list[Path]:
    """All files that results depend on."""
    further = ("text_encoder/config.json", "context.safetensors")
    weights = [path for part in ("unet", "vae", "text_encoder") for path in weight_files(folder / part)]
    return [*weights, *(folder / name for name in NEEDED), *(p for name in further if (p := folder / name).is_file())]


def fingerprint(spec: BackboneSpec) -> str:
    """A cheap digest (sizes and the last 16 MiB of each file) that changes when a backbone's files are exchanged."""
    folder, digest = find_folder(spec), hashlib.sha256()
    for path in _parts(folder):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size} ".encode())
        with path.open("rb") as file:
            file.seek(max(size - 2**24, 0))
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def weights_digest(spec: BackboneSpec) -> str:
    """Digest of all weights and configs of a backbone."""
    return files_digest(_parts(find_folder(spec)))
