"""The SLURM profile knows every rule (without a SLURM; on one: tests/test_slurm.py)."""

from __future__ import annotations

import re
from typing import Any

import yaml

from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.config import read_config

PROFILE: dict[str, Any] = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())


def rules() -> dict[str, str]:
    """Text of each rule that does something, by its name."""
    commands: dict[str, str] = {}
    for path in (ROOT / "rules").glob("*.smk"):
        _, *parts = re.split(r"^rule (\w+):$", path.read_text(), flags=re.MULTILINE)
        commands |= {name: text for name, text in zip(parts[::2], parts[1::2], strict=True) if "    shell:" in text}
    return commands


RULES = rules()
SUBMITTED = {name for name, text in RULES.items() if "localrule: True" not in text}


def test_what_runs_where_snakemake_runs() -> None:
    assert set(RULES) - SUBMITTED == {
        "quality_table", "table", "frontier", "sweep", "overview", "figure",
        "table_page", "clips_page", "runs_page", "leaderboard", "classes_table", "intervals_figure",
        "attributes_table",
    }  # fmt: skip


def test_every_submitted_rule_is_a_group_of_its_own() -> None:
    groups = dict(line.split("=") for line in PROFILE["groups"])
    assert groups == {name: name for name in SUBMITTED}


def test_the_rules_with_a_gpu_go_to_its_partition_and_no_others() -> None:
    asking = {name for name, text in RULES.items() if re.search(r"^        gpu=1,$", text, re.MULTILINE)}
    assert asking and asking <= SUBMITTED
    assert set(PROFILE["set-resources"]) == asking
    everywhere = PROFILE["default-resources"]
    for own in PROFILE["set-resources"].values():
        assert set(own) < set(everywhere) and own["slurm_partition"] != everywhere["slurm_partition"]


def test_jobs_have_the_cores_that_they_use() -> None:
    for overlays in ((), ("paper.yaml",)):
        assert PROFILE["default-resources"]["cpus_per_task"] == read_config(shipped(*overlays)).compute.threads


def test_another_attempt_has_more_time() -> None:
    assert PROFILE["retries"] == 1
    for own in (PROFILE["default-resources"], *PROFILE["set-resources"].values()):
        assert re.fullmatch(r"\d+ \* attempt", own["runtime"])
