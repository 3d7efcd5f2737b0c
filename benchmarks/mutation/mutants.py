"""The list of mutants: which text of which file becomes what, and the tests that should notice."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).parent / "mutants"
PACKAGE = Path("src") / "zeroshot_vss"


class TextGoneError(Exception):
    """The code no longer holds a mutant's text; the message says what to do."""


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    name: str
    file: str
    """In the package."""
    old: str
    new: str
    tests: tuple[str, ...]
    """Files of tests/, the likeliest first."""
    reason: str | None = None
    """Why no test can notice it, if none can."""

    def place(self, root: Path) -> Path:
        """The file.

        Raises:
            TextGoneError: it does not hold the text, or not once; names the files that do.
        """
        package = root / PACKAGE
        known = package / self.file
        if known.is_file() and known.read_text().count(self.old) == 1:
            return known
        matches = [path for path in sorted(package.rglob("*.py")) if path.read_text().count(self.old)]
        where = f"is in {', '.join(str(path.relative_to(package)) for path in matches)}" if matches else "is gone"
        raise TextGoneError(f"{self.file}: {self.old.strip().splitlines()[0]!r} {where}; write the mutant anew")

    def applied(self, text: str) -> str:
        """The file's text with the fault."""
        return text.replace(self.old, self.new)

    def chosen(self, root: Path, left_out: Sequence[str]) -> list[str]:
        """The tests that are there."""
        return [name for name in self.tests if name not in left_out and (root / "tests" / name).is_file()]

    def digest(self, root: Path, tests: Sequence[str]) -> str:
        """Of what the verdict depends on: the faulty file and the tests, as far as one file tells."""
        texts = [self.applied(self.place(root).read_text()), *((root / "tests" / name).read_text() for name in tests)]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def read(path: Path) -> Iterator[Mutant]:
    """The mutants of one list: tables `[[module]]` with `file`, `tests`, and `[[module.mutant]]` with the fault.

    A fault can have a `file` of its own and further `tests`, which are then run first.
    """
    for module in tomllib.loads(path.read_text())["module"]:
        for fault in module["mutant"]:
            tests = tuple(dict.fromkeys([*fault.get("tests", []), *module["tests"]]))
            yield Mutant(
                fault["name"],
                fault.get("file", module["file"]),
                fault["old"],
                fault["new"],
                tests,
                fault.get("reason"),
            )


def read_all(lists: Sequence[str] = ()) -> list[Mutant]:
    """The mutants of some lists, by default of all, their names made sure to differ."""
    paths = [LIST / f"{name}.toml" for name in lists] or sorted(LIST.glob("*.toml"))
    mutants = [mutant for path in paths for mutant in read(path)]
    names = [mutant.name for mutant in mutants]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"mutants share the name {doubled.pop()!r}")
    return mutants
