"""The list of faults for `python -m benchmarks.mutation` fits the code, so that a run of it judges every one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from benchmarks.mutation.mutants import Mutant, TextGoneError, read_all

ROOT = Path(__file__).parents[1]
MUTANTS = read_all()


def test_every_fault_is_in_the_code_and_is_python() -> None:
    for mutant in MUTANTS:
        text = mutant.place(ROOT).read_text()
        faulty = mutant.applied(text)
        assert faulty != text, mutant.name
        ast.parse(faulty)


def test_its_tests_are_there() -> None:
    for mutant in MUTANTS:
        assert mutant.tests and list(mutant.tests) == mutant.chosen(ROOT, []), mutant.name


def test_a_text_that_moved_or_is_gone_is_named() -> None:
    known = next(mutant for mutant in MUTANTS if mutant.file == "backbones/hooks.py")
    moved = Mutant(known.name, "method/elsewhere.py", known.old, known.new, known.tests)
    with pytest.raises(TextGoneError, match=r"method/elsewhere\.py: .* is in backbones/hooks\.py; write"):
        moved.place(ROOT)
    with pytest.raises(TextGoneError, match=r"method/elsewhere\.py: 'no such text' is gone; write the mutant anew"):
        Mutant("gone", "method/elsewhere.py", "no such text", "", ()).place(ROOT)
