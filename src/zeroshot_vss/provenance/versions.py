"""Versions of the libraries that results depend on."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import version

LIBRARIES = (
    "torch",
    "diffusers",
    "transformers",
    "scikit-learn",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "h5py",
)
"""Those that can change a result. Python's own version is recorded beside them, and changes none."""


@cache
def library_versions() -> dict[str, str]:
    """The installed versions, by library."""
    return {name: version(name) for name in LIBRARIES}


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries; and, where one was used, which GPU."""
    known = {"python": platform.python_version()} | library_versions()
    torch = sys.modules.get("torch")  # stages without it need not import it
    if torch is not None and torch.cuda.is_initialized():
        known["on"] = torch.cuda.get_device_name()
    return known
