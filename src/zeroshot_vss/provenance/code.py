"""Digests of code: what a stage's modules mean, without comments, docstrings and layout."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from zeroshot_vss.errors import InputError

PACKAGE = "zeroshot_vss"


def code_digest(*modules: str) -> str:
    """Digest of some modules of the package and of all that they import from the package.

    What a registry names is not imported by the module that holds the registry: whoever chose an entry names its
    module here, so that a further entry changes no digest. Comments, docstrings and layout do not count, nor does
    the version of Python.
    """
    return _digest(tuple(sorted(modules)))


@cache
def _digest(modules: tuple[str, ...]) -> str:
    seen: set[str] = set()
    waiting = set(modules)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= _read(name)[1] - seen
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + _read(name)[0].encode())
    return digest.hexdigest()[:16]


def check_code(digest: str, modules: Iterable[str], what: str) -> None:
    """Refuse to run other code than was planned.

    Raises:
        InputError: the code has another digest by now.
    """
    now = code_digest(*modules)
    if now != digest:
        raise InputError(
            f"{what}: the code changed after the run was planned (digest {digest} then, {now} now); run the same "
            "command again"
        )


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
            node.body = [s for s in body if not _is_text(s) and not _is_registry(s)]  # pyright: ignore[reportAttributeAccessIssue]
    own = {name for name in imported if name.split(".", 1)[0] == PACKAGE and _source(name).exists()}
    return _meaning(tree), frozenset(own)


def _meaning(node: object) -> str:
    """The tree as text. `ast.dump` writes empty fields in some versions of Python and leaves them out in others."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        kept = (f"{name}={_meaning(value)}" for name, value in fields if value not in (None, []))
        return f"{type(node).__name__}({','.join(kept)})"
    if isinstance(node, list):
        return f"[{','.join(map(_meaning, node))}]"
    return repr(node)


def _is_registry(statement: object) -> bool:
    """Whether it names what can be chosen: the chosen entry counts, not what else there is."""
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "Registry"
    )


def _is_text(statement: object) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
