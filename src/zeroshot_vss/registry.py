"""What can be chosen by name in a configuration: names and import paths, loaded when chosen.

A registry holds `"name": "package.module:attribute"`, so that adding an entry imports nothing, and so that the code
of an entry belongs to the results of those jobs alone that chose it (see `provenance`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from zeroshot_vss.errors import InputError


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'davis'?` where a known name is close, and nothing elsewhere."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean '{close[0]}'?" if close else ""


class Registry(Mapping[str, str]):
    """Names of one kind of part, and where each is defined.

    Args:
        what: the kind of part in messages: `classifier`, `data set`.
        entries: name to `"module:attribute"`.
    """

    def __init__(self, what: str, entries: Mapping[str, str]) -> None:
        self.what, self._entries = what, dict(entries)

    def __getitem__(self, name: str) -> str:
        """`"module:attribute"` of an entry.

        Raises:
            InputError: there is no such entry.
        """
        if name not in self._entries:
            raise InputError(
                f"there is no {self.what} '{name}'{did_you_mean(name, self._entries)}; known: {', '.join(self)}"
            )
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def known(self, name: str) -> str:
        """The name itself, as a validator of settings. Raises ValueError where there is no such entry."""
        try:
            self[name]
        except InputError as error:
            raise ValueError(str(error)) from None
        return name

    def module(self, name: str) -> str:
        """The module that defines an entry. Raises InputError where there is none."""
        return self[name].partition(":")[0]

    def load(self, name: str) -> Any:
        """What an entry stands for; its module is imported now. Raises InputError where there is none."""
        module, _, attribute = self[name].partition(":")
        return getattr(import_module(module), attribute)
