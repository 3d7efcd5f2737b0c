"""Digests of code: an edit that can change results changes those of the stages that use it, and of no others."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import zeroshot_vss.provenance.code as installed
from test_config import shipped
from zeroshot_vss.config import read_config
from zeroshot_vss.jobs import JOBS
from zeroshot_vss.provenance.files import file_digest, files_digest
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import make_row

PACKAGE = Path(installed.__file__).parent.parent

MODULES = {
    "a": '"""A."""\nfrom zeroshot_vss.b import double\n\n\ndef run(x):\n    """Run."""\n    return double(x) + 1\n',
    "b": "import json\n\nfrom zeroshot_vss import c\n\n\ndef double(x):\n    return c.TWO * x\n",
    "c": "TWO = 2\n",
    "lazy": "def run():\n    from zeroshot_vss.sub.d import three\n    return three\n",
    "sub/__init__": "from zeroshot_vss.sub.d import three\n",
    "sub/d": "three = 3\n",
    "loop": "import zeroshot_vss.loop\nimport zeroshot_vss.c\n",
}


def digests(root: Path) -> Callable[..., str]:
    """`code_digest` of the copy of the package below `root`, which looks at the sources beside itself."""
    path = root / "zeroshot_vss" / "provenance" / "code.py"
    actual = importlib.util.spec_from_file_location("copied_provenance", path)
    assert actual is not None and actual.loader is not None
    module = importlib.util.module_from_spec(actual)
    actual.loader.exec_module(module)
    return module.code_digest


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package of a few modules."""
    package = tmp_path / "zeroshot_vss"
    (package / "sub").mkdir(parents=True)
    (package / "provenance").mkdir()
    shutil.copy(installed.__file__, package / "provenance")
    for name, text in MODULES.items():
        (package / f"{name}.py").write_text(text)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / "zeroshot_vss" / f"{name}.py").write_text(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a", "# a comment\n" + MODULES["a"]),
        ("a", MODULES["a"].replace('"""Run."""', '"""Something else entirely,\n    on two lines."""')),
        ("a", MODULES["a"].replace('    """Run."""\n', "").replace('"""A."""\n', "")),
        ("a", MODULES["a"].replace("double(x) + 1", "(\n        double( x )   + 1  # one\n    )")),
        ("b", MODULES["b"].replace("\n\n\n", "\n\n\n\n\n")),
        ("c", 'TWO = 2\n"""What a pair has."""\n'),
        ("sub/d", "three = 4\n"),
    ],
)
def test_edits_without_meaning_to_a_module_change_nothing(small: Path, name: str, text: str) -> None:
    before = digests(small)("zeroshot_vss.a")
    write(small, name, text)
    assert digests(small)("zeroshot_vss.a") == before


@pytest.mark.parametrize(
    ("module", "name", "text"),
    [
        ("a", "a", MODULES["a"].replace("+ 1", "+ 2")),
        ("a", "b", MODULES["b"].replace("*", "+")),
        ("a", "c", "TWO = 3\n"),
        ("a", "c", 'TWO = "2"\n'),
        ("lazy", "sub/d", "three = 4\n"),
        ("sub", "sub/d", "three = 4\n"),
        ("loop", "c", "TWO = 3\n"),
    ],
)
def test_edits_with_a_meaning_reach_all_that_import_the_module(
    small: Path, module: str, name: str, text: str
) -> None:
    before = digests(small)(f"zeroshot_vss.{module}")
    write(small, name, text)
    assert digests(small)(f"zeroshot_vss.{module}") != before


def modules_of_stages() -> dict[str, tuple[str, ...]]:
    """The modules of each stage's job on the generated scenes, with an image model and its default parts."""
    plan = Plan(read_config(shipped()))
    ours = make_row(plan.config, "scenes", "ours", "scenes-tiny")
    plan.stages.of_row(ours)
    plan.stages.of_row(make_row(plan.config, "scenes", "colour-grid", "scenes-tiny"))
    plan.tables.scores(ours)
    plan.target("results/figures/overview.png")
    plan.target("results/table1.csv")
    actual: dict[str, tuple[str, ...]] = {}
    for job in plan.stages.jobs.values():
        actual.setdefault(job.stage, job.modules)
    return actual


MODULES_OF = modules_of_stages()


def stages(root: Path) -> dict[str, str]:
    """Digest of each stage's code in a copy of the package."""
    digest = digests(root)
    return {stage: digest(*modules) for stage, modules in MODULES_OF.items()}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of the package itself and its digests."""
    root = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, root / "zeroshot_vss", ignore=shutil.ignore_patterns("__pycache__"))
    return root, stages(root)


MODEL = {"features", "upsample"}
LABELS = {"correspondences", "coarse", "upsample", "baseline", "features"}
READING = {"check", "features", "coarse", "upsample", "baseline", "score", "overview"}
EVERY = {*MODULES_OF}


@pytest.mark.parametrize(
    ("module", "changed", "unchanged"),
    [
        ("metrics/boundary", {"score"}, LABELS | {"check"}),
        ("tables/quality", {"table"}, LABELS | {"check", "score"}),
        ("method/correspondence", {"correspondences"}, MODEL | {"check", "baseline", "score"}),
        ("method/context", {"coarse", "baseline"}, MODEL | {"check", "correspondences", "score"}),
        ("method/difference", {"upsample"}, {"features", "correspondences", "coarse", "check", "baseline", "score"}),
        ("backbones/image_diffusion", MODEL, {"check", "baseline", "coarse", "correspondences", "score"}),
        ("method/seeds", MODEL, {"check", "baseline", "coarse", "correspondences", "score"}),
        ("io/palette", {"overview"}, {"table"}),
        ("workflow/run", set(), EVERY),
        # What was chosen by name counts, and nothing else that could have been.
        ("datasets/scenes", READING, {"table", "correspondences"}),
        ("classifiers/knn", {"coarse"}, MODEL | {"check", "correspondences", "score"}),
        ("upsamplers/modulation", {"upsample"}, EVERY - {"upsample"}),
        ("datasets/vspw", set(), EVERY),
        ("classifiers/mlp", set(), EVERY),
        ("upsamplers/nearest", set(), EVERY),
        ("backbones/video", set(), EVERY),
        ("metrics/protocols/objects", set(), EVERY),
        ("workflow/plan", set(), EVERY),
        ("__main__", set(), EVERY),
    ],
)
def test_an_edit_reaches_the_stages_that_use_it(
    before: tuple[Path, dict[str, str]], module: str, changed: set[str], unchanged: set[str]
) -> None:
    root, digest = before
    path = root / "zeroshot_vss" / f"{module}.py"
    text = path.read_text()
    path.write_text(f"{text}\nADDED = 1\n")
    after = stages(root)
    path.write_text(text)
    differing = {stage for stage in EVERY if digest[stage] != after[stage]}
    assert changed <= differing and not differing & unchanged


def test_an_entry_more_in_a_registry_changes_nothing(before: tuple[Path, dict[str, str]]) -> None:
    root, digest = before
    for package in ("datasets", "classifiers", "upsamplers", "metrics/protocols", "jobs"):
        path = root / "zeroshot_vss" / package / "__init__.py"
        text = path.read_text()
        path.write_text(
            re.sub(r"(Registry\(\n    \"[^\"]*\",\n    \{\n)", r'\1        "new": "zeroshot_vss.new:New",\n', text)
        )
        assert path.read_text() != text
    assert stages(root) == digest


def test_every_stage_has_its_own_code_and_imports_no_snakemake() -> None:
    codes = {stage: installed.code_digest(f"zeroshot_vss.stages.{stage}", JOBS.module(stage)) for stage in JOBS}
    assert len(set(codes.values())) == len(JOBS)
    for path in PACKAGE.rglob("*.py"):
        assert "import snakemake" not in path.read_text() and "from snakemake" not in path.read_text(), path


def test_digests_of_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"abc")
    other.write_bytes(b"")
    # FIPS 180-4's example.
    assert file_digest(one) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files_digest([one, other]) == files_digest([other, one])
    assert files_digest([one, other]) != files_digest([one])
