"""Where a result comes from: digests of code, weights and files, and the versions of the libraries."""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = "zeroshot_vss"
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


@cache
def code_digest(module: str) -> str:
    """Digest of a module of the package and of all that it imports from the package.

    Comments, docstrings and layout do not count, so that only an edit which can change results changes it.
    """
    seen: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= _read(name)[1] - seen
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + _read(name)[0].encode())
    return digest.hexdigest()[:16]


def _source(module: str) -> Path:
    root = Path(__file__).parent.parent.parent
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _read(module: str) -> tuple[str, frozenset[str]]:
    """What a module means, and the modules of the package that it imports. Read once for all stages."""
    tree = ast.parse(_source(module).read_bytes())
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)]  # pyright: ignore[reportAttributeAccessIssue]
    own = {name for name in imported if name.split(".", 1)[0] == PACKAGE and _source(name).exists()}
    return ast.dump(tree), frozenset(own)


def _is_text(statement: object) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """One digest of the contents of several files, whatever their order and folder."""
    digests = sorted(file_digest(path) for path in paths)
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on; and, where one was used, which GPU."""
    found = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    torch = sys.modules.get("torch")  # stages without it need not import it
    if torch is not None and torch.cuda.is_initialized():
        found["on"] = torch.cuda.get_device_name()
    return found
