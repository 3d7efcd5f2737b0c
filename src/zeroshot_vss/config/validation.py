"""From plain values to a model, with messages that name the key, the value and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import did_you_mean

_M = TypeVar("_M", bound=BaseModel)

_SHORT = Repr()
"""Values in messages: a few lines of YAML can stand for thousands of millions."""
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring, _SHORT.maxother = 3, 8, 8, 200, 200


def validated(model: type[_M], values: object, where: str) -> _M:
    """`values` as a model.

    Raises:
        InputError: naming each wrong key and value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_described(model, fault) for fault in error.errors())
        raise InputError(f"{where}: {faults}") from error


def _described(model: type[BaseModel], fault: ErrorDetails) -> str:
    """A fault in words: its key, what is wrong, and the value where it says something."""
    key, kind = ".".join(str(part) for part in fault["loc"]), fault["type"]
    if kind == "extra_forbidden":
        *above, name = fault["loc"]
        return f"{key}: unknown key{did_you_mean(str(name), _keys(model, above))}"
    if kind == "value_error":
        what = str(fault.get("ctx", {}).get("error", fault["msg"]))
        return f"{key}: {what}" if key else what
    what = fault["msg"] if kind == "missing" else f"{fault['msg']} (got {_SHORT.repr(fault['input'])})"
    return f"{key}: {what}" if key else what


def _keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Keys of the models that stand at a place."""
    types: list[Any] = [model]
    for part in path:
        fields = [one.model_fields[str(part)].annotation for one in models_in(types) if str(part) in one.model_fields]
        # Elements of mappings have their own names, which are in no model.
        types = fields or types
    return [name for one in models_in(types) for name in one.model_fields]


def models_in(types: Sequence[Any]) -> list[type[BaseModel]]:
    """The models in types: `dict[str, M]`, `M | None`, ..."""
    models: list[type[BaseModel]] = []
    for one in types:
        if isinstance(one, type) and issubclass(one, BaseModel):
            models.append(one)
        else:
            models += models_in(get_args(one))
    return models
