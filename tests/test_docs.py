"""What is said of the configuration comes from its models: descriptions, manual, schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from zeroshot_vss.config.manual import PAGES, TABLES, fill
from zeroshot_vss.config.model import Config
from zeroshot_vss.config.overrides import merge
from zeroshot_vss.config.schema import schema_text
from zeroshot_vss.config.validation import models_in
from zeroshot_vss.settings.method import MethodSettings

ROOT = Path(__file__).parent.parent
MANUAL = (ROOT / "config" / "README.md").read_text()
SCHEMA = (ROOT / "config" / "schema.json").read_text()
MADE = "run `python -m zeroshot_vss.config`"
FILES = sorted((ROOT / "config").glob("*.yaml"))


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and all that it is made of."""
    inner = [one for field in model.model_fields.values() for one in models_in([field.annotation])]
    return [model, *(further for one in inner for further in models(one))]


@pytest.mark.parametrize("model", dict.fromkeys([*models(Config), *models(MethodSettings)]), ids=lambda m: m.__name__)
def test_every_field_has_a_description(model: type[BaseModel]) -> None:
    lacking = [name for name, field in model.model_fields.items() if not field.description]
    assert not lacking, f"{model.__name__}: docstrings below {lacking} are missing"


def test_the_manual_is_what_the_models_say() -> None:
    assert fill(MANUAL) == MANUAL, MADE
    assert all(f"<!-- keys of {name} -->" in MANUAL for name in TABLES)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_tables_are_what_the_code_says(page: str) -> None:
    text = (ROOT / page).read_text()
    assert "<!-- end -->" in text and fill(text) == text, MADE


def test_the_schema_is_what_the_models_say() -> None:
    assert schema_text() == SCHEMA, MADE


VALIDATOR = Draft202012Validator(json.loads(SCHEMA))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_schema_takes_every_shipped_file(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "partial",
    [
        {},
        {"clips": {"street": "street.mp4"}},
        {"datasets": {"scenes": {"options": {"count": 16}}}},
        {"methods": {"mine": {"title": "Mine", "settings": {"context": {"blocks": "single"}, "refinement": None}}}},
        {"sweeps": {"noise": {"backbones": None}}},
    ],
)
def test_the_schema_takes_files_that_change_single_values(partial: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(partial)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sead": 1},
        {"seed": 2**32},
        {"compute": {"treads": 2}},
        {"backbones": {"b": {"precision": "half"}}},
        {"methods": {"m": {"settings": {"context": {"cluster": 5}}}}},
        {"protocols": {"p": {"context": {"clusters": 300}}}},
        {"sweeps": {"s": {"variants": {"a": {"contxt": {}}}}}},
    ],
)
def test_the_schema_refuses_unknown_keys_and_values_out_of_range(wrong: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(wrong)


def test_files_merged_are_valid_too() -> None:
    values: dict[str, Any] = {}
    for name in ("config.yaml", "methods.yaml", "sweeps.yaml", "paper.yaml"):
        values = merge(values, yaml.safe_load((ROOT / "config" / name).read_text()))
    assert VALIDATOR.is_valid(values)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_tests_and_pages_that_docs_name_exist(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"`(?:tests/)?(test_\w+\.py)`", text):
        assert (ROOT / "tests" / name).is_file(), name
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / link).exists(), link
