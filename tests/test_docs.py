"""The manual of the configuration names every setting, with its default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings

MANUAL = (Path(__file__).parent.parent / "config" / "README.md").read_text()


def leaves(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted names and values of all settings that are no mappings."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        nested = isinstance(value, dict) and value
        found += leaves(value, f"{prefix}{key}.") if nested else [(prefix + key, value)]
    return found


METHOD = [pair for pair in leaves(MethodSettings().model_dump()) if pair[0] != "sampling.batches"]


@pytest.mark.parametrize(("name", "value"), METHOD, ids=[name for name, _ in METHOD])
def test_every_method_setting_is_in_the_manual(name: str, value: Any) -> None:
    rows = [line for line in MANUAL.splitlines() if line.startswith("|") and f"`{name}`" in line]
    assert len(rows) == 1, f"config/README.md should have one row for `{name}`"
    default = rows[0].split("|")[2].strip()
    if default not in ("", "`seed`") and not isinstance(value, dict) and "," not in rows[0].split("|")[1]:
        shown = (
            {None: "null", True: "true", False: "false"}.get(value, value) if not isinstance(value, tuple) else value
        )
        assert default == (str(list(shown)) if isinstance(shown, tuple) else str(shown))


@pytest.mark.parametrize("name", list(Baseline.model_fields) + [f"compute.{name}" for name in Compute.model_fields])
def test_every_other_setting_is_in_the_manual(name: str) -> None:
    assert f"`{name}`" in MANUAL


RELIABILITY = (Path(__file__).parent.parent / "docs" / "reliability.md").read_text()


def test_every_line_on_reliability_names_tests_that_exist() -> None:
    rows = [line for line in RELIABILITY.splitlines() if line.startswith("|") and "---" not in line]
    claims = [row.split("|")[3] for row in rows if "what was done" not in row]
    assert len(claims) > 20
    file = ""
    for claim in claims:
        names = re.findall(r"`([\w.]+)`", claim)
        assert names or claim.strip() == "as above", claim
        for name in names:
            if name.endswith(".py"):
                file = (Path(__file__).parent / name).read_text()
            else:
                assert f"def test_{name}(" in file, claim
