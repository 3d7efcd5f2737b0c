"""From plain values to a model, with messages that name the key, the value and what to do."""

from __future__ import annotations

from reprlib import Repr
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from zeroshot_vss.errors import InputError

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
        faults = []
        for fault in error.errors():
            key = ".".join(str(part) for part in fault["loc"])
            what = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
            shown = "" if fault["type"] in ("missing", "value_error") else f" (got {_SHORT.repr(fault['input'])})"
            faults.append(f"{key}: {what}{shown}" if key else what)
        raise InputError(f"{where}: {'; '.join(faults)}") from error
