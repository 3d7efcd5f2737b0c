"""Networks in folders of torch.hub's layout: their digest, and how they are loaded. Imports no torch by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.digests import sha256
from zeroshot_vss.io.places import full_path
from zeroshot_vss.settings.learned import LearnedUpsampler

if TYPE_CHECKING:
    from torch import nn

WHOSE = "upsampling.learned"


def hub_digest(settings: LearnedUpsampler) -> str:
    """Digest of every file of the folder, of the weights, and of what is asked of them; not of their place.

    Raises:
        InputError: the folder has no `hubconf.py`, or a file is missing or cannot be read.
    """
    folder = full_path(settings.path, WHOSE)
    if not (folder / "hubconf.py").is_file():
        raise InputError(f"{WHOSE}.path: {folder} holds no hubconf.py; name a folder in torch.hub's layout")
    digest = hashlib.sha256(json.dumps([settings.entry, settings.options], sort_keys=True).encode())
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and not {".git", "__pycache__"} & set(place.parts):
            digest.update(f"{place.as_posix()} {sha256(path)}\n".encode())
    if settings.weights is not None:
        digest.update(f"weights {sha256(_weights(settings.weights))}\n".encode())
    return digest.hexdigest()[:16]


def load_hub(settings: LearnedUpsampler) -> nn.Module:
    """The network, with its weights, on the CPU and in evaluation mode. Nothing is fetched.

    Raises:
        InputError: the folder's code fails, wants to fetch something, or the weights are not the network's.
    """
    import torch

    folder, where = full_path(settings.path, WHOSE), f"{WHOSE}: entry '{settings.entry}' of {settings.path}"
    try:
        with _nothing_fetched(where):
            options: dict[str, Any] = dict(settings.options)
            model: Any = torch.hub.load(str(folder), settings.entry, source="local", **options)
        if settings.weights is not None:
            model.load_state_dict(_state(_weights(settings.weights)))
    except InputError:
        raise
    except Exception as error:  # it is another's code
        raise InputError(f"{where} cannot be loaded ({type(error).__name__}: {error})") from error
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"{where} makes a {type(model).__name__}; expected a torch.nn.Module")
    return model.eval()


def _weights(path: str) -> Path:
    file = full_path(path, WHOSE)
    if not file.is_file():
        raise InputError(f"{WHOSE}.weights: there is no file {file}")
    return file


def _state(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


@contextmanager
def _nothing_fetched(where: str) -> Iterator[None]:
    """Refuse what hub code does to get weights: they would be in no digest, even those of a cache."""
    import torch

    def refuse(url: str, *others: Any, **more: Any) -> None:
        raise InputError(
            f"{where} asks for {url}; fetch that file, name it as {WHOSE}.weights, and say in {WHOSE}.options that "
            "the entry is to load none (often `pretrained: false`)"
        )

    names = ("load_state_dict_from_url", "download_url_to_file")
    kept = {name: getattr(torch.hub, name) for name in names}
    for name in names:
        setattr(torch.hub, name, refuse)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(torch.hub, name, function)
