"""The architecture: imports run one way, and files are short."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import zeroshot_vss

PACKAGE = "zeroshot_vss"
SOURCES = Path(zeroshot_vss.__file__).parent
LONGEST = 400
"""Lines of a file."""
Graph = Mapping[str, set[str]]


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCES.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SOURCES.rglob("*.py"))}


def for_types(node: ast.AST) -> bool:
    """Whether it is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(tree: ast.AST, types: bool) -> Iterable[ast.stmt]:
    """All imports that can run, inside functions as well; with `types` those for types alone, too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif types or not for_types(node):
            yield from statements(node, types)


def imported(source: str, types: bool = False) -> set[str]:
    """The package's modules that a source imports."""
    modules: set[str] = set()
    for node in statements(ast.parse(source), types):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            assert isinstance(node, ast.ImportFrom) and not node.level, "imports are absolute"
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            names = {name if name in FILES else str(node.module) for name in below}
        modules |= {name for name in names if name in FILES}
    return modules


APART = {f"{PACKAGE}.classifiers", f"{PACKAGE}.upsamplers", f"{PACKAGE}.datasets.base", f"{PACKAGE}.classifiers.base"}
"""Registries and interfaces, which lower packages name and others fill in: rooms of their own."""


def room(module: str) -> str:
    """The package that a module lies in; modules at the top are rooms of their own."""
    return module if module in APART or "." not in module else module.split(".")[1]


def rooms(graph: Graph) -> dict[str, set[str]]:
    imports_of: dict[str, set[str]] = {}
    for module, imports in graph.items():
        imports_of.setdefault(room(module), set()).update(room(other) for other in imports)
    return {name: others - {name} for name, others in imports_of.items()}


def cycles(graph: Graph) -> list[set[str]]:
    """Groups of nodes that reach each other, of two or more."""

    def reached(start: str) -> set[str]:
        seen, waiting = set[str](), list(graph.get(start, ()))
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        return seen

    ahead = {node: reached(node) for node in graph}
    groups = {frozenset({node} | {other for other in ahead[node] if node in ahead[other]}) for node in graph}
    return [set(group) for group in groups if len(group) > 1]


IMPORTS = {module: imported(path.read_text()) - {module, PACKAGE} for module, path in FILES.items()}
del IMPORTS[PACKAGE]
"""Without the package itself, which hands on what users call and loads it when asked for."""

PLANNING = {"figures", "report", "workflow"}
"""The plans of figures and of pages stand beside what they plan, and ask the workflow's stages; the workflow's plan
holds them all. Their modules make no circle."""


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert imported("def f():\n    from zeroshot_vss.registry import Registry\n") == {"zeroshot_vss.registry"}
    assert imported("if TYPE_CHECKING:\n    import zeroshot_vss.registry\n") == set()


def test_no_modules_import_each_other() -> None:
    assert cycles(IMPORTS) == []


def test_nor_for_their_types() -> None:
    named = {module: imported(path.read_text(), types=True) - {module, PACKAGE} for module, path in FILES.items()}
    del named[PACKAGE]
    assert cycles(named) == []


def test_packages_import_one_way() -> None:
    assert [group for group in cycles(rooms(IMPORTS)) if not group <= PLANNING] == []


def test_low_packages_know_nothing_of_high_ones() -> None:
    graph = rooms(IMPORTS)
    for low in ("io", "method", "settings", "machine", "provenance", "backbones", "datasets", "metrics"):
        high = {"workflow", "stages", "jobs", "config", "tables", "figures", "report", "preflight", "console"}
        assert not graph[low] & high, low


def test_files_are_short() -> None:
    repository = SOURCES.parent.parent
    files = [*FILES.values(), *(repository / "rules").glob("*.smk"), *(repository / "scripts").glob("*.py")]
    long = {path.name: count for path in files if (count := len(path.read_text().splitlines())) > LONGEST}
    assert long == {}
