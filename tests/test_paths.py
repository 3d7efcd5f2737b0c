"""Names of folders: different settings never share one, and none is too long for a file system or a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniatures import write_paper
from small_models import save_stable_diffusion, save_stable_video_diffusion
from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.upsampling import Modulation, Upsampling
from zeroshot_vss.workflow.paths import folder_name
from zeroshot_vss.workflow.plan import Plan

LONGEST_ARGUMENT, LONGEST_NAME, LONGEST_PATH = 128 * 1024, 255, 4096
"""Bytes: Linux's MAX_ARG_STRLEN, NAME_MAX and PATH_MAX."""
PARTIAL = len(".part")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6) | st.sampled_from(["1", "1.0", "True", "yes", "none", "null", "a=b", "a~b", "a+b", "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4,
)  # fmt: skip
options = st.dictionaries(
    st.text(min_size=1, max_size=8) | st.sampled_from(["k", "k-1", "a+b", "a~b=1"]), values, max_size=3
)
contexts = st.builds(
    ContextModel, blocks=st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True).map(tuple),
    clusters=st.integers(1, 50), seed=st.integers(0, 10**9), classifier_options=options,
)  # fmt: skip
modulations = st.builds(
    Modulation, block=st.integers(0, 11), strength=st.floats(0.001, 1e9), injection=st.booleans(),
    apart=st.none() | st.integers(2, 5),
)  # fmt: skip
upsamplers = st.builds(Upsampling, modulation=modulations, filter=st.none() | st.floats(0.01, 1e6))
features = st.builds(Features, blocks=st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True).map(tuple))
baselines = st.builds(
    Baseline, kind=st.just("colour"), cell=st.integers(1, 64), clusters=st.integers(1, 50),
    position=st.floats(0.001, 1e3),
)  # fmt: skip
few = settings(max_examples=150, deadline=None)


def as_text(model: Any) -> str:
    """Its JSON: what a job is told of it, which tells 1 from 1.0, true and "1"."""
    return model.model_dump_json()


@few
@given(st.one_of(*(st.tuples(kind, kind) for kind in (contexts, upsamplers, features, baselines))))
def test_different_settings_have_different_names(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert (folder_name(one) == folder_name(other)) == (as_text(one) == as_text(other))
    for name in map(folder_name, pair):
        assert 0 < len(name.encode()) <= LONGEST_NAME - PARTIAL and name.isascii()
        assert not set("/,\0\n '\"") & set(name) and name not in (".", "..")


@pytest.mark.parametrize(
    "spelled", [(1, 1.0, "1", True), (0, 0.0, "0", False), (None, "null", "none"), ([1], "[1]", [[1]])]
)
def test_options_keep_their_type(spelled: tuple[Any, ...]) -> None:
    names = [folder_name(ContextModel(classifier_options={"max_features": value})) for value in spelled]
    assert len(set(names)) == len(spelled)


def test_options_do_not_run_into_each_other() -> None:
    alike: list[dict[str, Any]] = [
        {"a": 1, "b": 2}, {"a": "1+b-2"}, {"a-1+b": 2}, {"a": {"b": 2}}, {"a": '1~b="2"'}, {"a": 1, "b": "2"},
    ]  # fmt: skip
    assert len({folder_name(ContextModel(classifier_options=some)) for some in alike}) == len(alike)


def test_the_paper_fits_command_lines_and_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job of every table, sweep and figure; of VSPW as many clips as its validation set has."""
    write_paper(tmp_path)
    for name in ("vspw", "cityscapes", "camvid", "davis", "clvos"):
        monkeypatch.setenv(f"{name.upper()}_ROOT", str(tmp_path / name))
    models = {"sd21": save_stable_diffusion(tmp_path / "sd"), "svd": save_stable_video_diffusion(tmp_path / "svd")}
    paths = {"backbones": {name: {"path": str(path)} for name, path in models.items()}}
    plan = Plan(read_config(merge(shipped("paper.yaml"), paths)), home=ROOT)
    for table in plan.config.tables:
        plan.tables.table(table)
    for sweep in plan.config.sweeps:
        plan.tables.sweep(sweep)
    assert plan.figures.planned
    jobs = {id(job): job for job in plan.stages.jobs.values()}
    assert len(jobs) > 1000
    for job in jobs.values():
        assert len(job.model_dump_json(exclude_defaults=True).encode()) < LONGEST_ARGUMENT, job.outputs()
        for path in (*job.inputs(), *job.outputs()):
            assert len(path.encode()) < LONGEST_PATH // 2, path
            assert all(len(name.encode()) <= LONGEST_NAME - PARTIAL for name in path.split("/")), path
