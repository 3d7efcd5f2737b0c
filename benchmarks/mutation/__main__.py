"""``python -m benchmarks.mutation``: put each mutant into a copy of the tree, run its tests, say what survives."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.mutants import Mutant, TextGoneError, read_all
from benchmarks.mutation.running import Outcome, copy_tree, preload, run_tests

ROOT = Path(__file__).resolve().parents[2]
GONE = "text gone"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    name: str
    key: str
    status: str
    """`killed`, `survived`, or `text gone`."""
    said: str
    seconds: float = 0


def options(args: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("lists", nargs="*", help="lists of mutants/ (backbones, data, ...); all of them by default")
    parser.add_argument("--only", default="", help="mutants whose name or file holds this text")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="TEST", help="files of tests/ that do not run")
    parser.add_argument("--results", type=Path, default=Path("mutation.jsonl"), help="kept verdicts; taken up again")
    parser.add_argument("--work", type=Path, help="where the copy is made; a temporary folder by default")
    parser.add_argument("--timeout", type=float, default=300, help="processor seconds for the tests of a mutant")
    parser.add_argument("--places", action="store_true", help="only say which mutants' texts are gone")
    parser.add_argument("--check-tests", action="store_true", help="run all selected tests without a mutant first")
    return parser.parse_args(args)


def known(path: Path) -> dict[str, Verdict]:
    """Verdicts of earlier runs, by key."""
    if not path.is_file():
        return {}
    verdicts = [Verdict(**json.loads(line)) for line in path.read_text().splitlines()]
    return {verdict.key: verdict for verdict in verdicts}


def judge(mutant: Mutant, copy: Path, tests: list[str], key: str, timeout: float) -> Verdict:
    """Run a mutant's tests; the copy is afterwards as before."""
    place = mutant.place(copy)
    text = place.read_text()
    place.write_text(mutant.applied(text))
    try:
        outcome = run_tests(copy, tests, timeout, copy.parent / "said.txt") if tests else Outcome("passed", "", 0)
    finally:
        place.write_text(text)
    survived = outcome.status == "passed"
    return Verdict(mutant.name, key, "survived" if survived else "killed", outcome.said, round(outcome.seconds, 1))


def summary(mutants: list[Mutant], verdicts: list[Verdict]) -> str:
    """Survivors with their reasons, texts that are gone, and the share that was killed."""
    reasons = {mutant.name: mutant.reason for mutant in mutants}
    lines = []
    for status in ("survived", GONE):
        for verdict in (v for v in verdicts if v.status == status):
            why = reasons[verdict.name] or "NO TEST NOTICES IT" if status == "survived" else verdict.said
            lines.append(f"{status}: {verdict.name}: {why}")
    run = [verdict for verdict in verdicts if verdict.status != GONE]
    killed = sum(verdict.status == "killed" for verdict in run)
    share = f" ({100 * killed / len(run):.1f} %)" if run else ""
    gone = len(verdicts) - len(run)
    lines.append(f"{killed} of {len(run)} mutants killed{share}" + (f"; the text of {gone} is gone" if gone else ""))
    return "\n".join(lines)


def main() -> int:
    chosen = options()
    mutants = [m for m in read_all(chosen.lists) if chosen.only in m.name or chosen.only in m.file]
    if not mutants:
        sys.exit(f"no mutant's name or file holds {chosen.only!r}")
    earlier, verdicts = known(chosen.results), []
    with tempfile.TemporaryDirectory() as temporary:
        work = (chosen.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        copy = copy_tree(ROOT, work)
        if not chosen.places:
            preload()
        if chosen.check_tests and not chosen.places:
            tests = sorted({name for mutant in mutants for name in mutant.chosen(copy, chosen.leave_out)})
            outcome = run_tests(copy, tests, 3600, work / "said.txt", first=False)
            print(f"without a mutant: {outcome.status}, {outcome.said} ({outcome.seconds:.0f} s)", flush=True)
            if outcome.status != "passed":
                return 1
        for number, mutant in enumerate(mutants, 1):
            tests = mutant.chosen(copy, chosen.leave_out)
            try:
                key = mutant.digest(copy, tests)
            except TextGoneError as gone:
                verdicts.append(Verdict(mutant.name, "", GONE, str(gone)))
                print(f"[{number}/{len(mutants)}] {GONE}: {mutant.name}: {gone}", flush=True)
                continue
            if chosen.places:
                continue
            verdict = earlier.get(key)
            if verdict is None:
                verdict = judge(mutant, copy, tests, key, chosen.timeout)
                with chosen.results.open("a") as file:
                    file.write(json.dumps(vars(verdict)) + "\n")
            verdicts.append(verdict)
            said = f"[{number}/{len(mutants)}] {verdict.status}: {mutant.file}: {mutant.name}"
            print(f"{said} ({verdict.said}, {verdict.seconds} s)", flush=True)
    print(summary(mutants, verdicts) if verdicts else "every mutant's text is there")
    unexplained = {m.name for m in mutants if m.reason is None}
    return int(any(v.status == GONE or (v.status == "survived" and v.name in unexplained) for v in verdicts))


if __name__ == "__main__":
    sys.exit(main())
