"""Taking tokens out of unmodified transformers by forward hooks, which are gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from torch import Tensor, nn

from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import did_you_mean

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Tap:
    """Where tokens are taken."""

    module: nn.Module
    pick: Callable[[Any], Tensor]
    """From what the module is given or gives to the tokens wanted."""
    side: Literal["input", "output"] = "output"
    """Whether what it is given or what it gives."""


class _AllTakenError(Exception):
    """Ends a forward pass of which nothing more is wanted."""


@contextmanager
def tapped(taps: Mapping[K, Tap], stop: bool = False) -> Iterator[dict[K, Tensor]]:
    """Tokens at some places in the forward pass made inside, under the places' names.

    Args:
        taps: places.
        stop: end the pass, and with it what stands inside the block, once all are taken: nothing later is computed.

    Raises:
        InputError: a place was not come by.
    """
    tape: dict[K, Tensor] = {}

    def take(name: K, value: Any) -> None:
        tape[name] = taps[name].pick(value)
        if stop and len(tape) == len(taps):
            raise _AllTakenError

    def before(name: K) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            take(name, args[0] if args else kwargs["hidden_states"])

        return hook

    def after(name: K) -> Any:
        return lambda _module, _args, output: take(name, output)

    handles = [
        tap.module.register_forward_pre_hook(before(name), with_kwargs=True)
        if tap.side == "input"
        else tap.module.register_forward_hook(after(name))
        for name, tap in taps.items()
    ]
    try:
        with suppress(_AllTakenError):
            yield tape
    finally:
        for handle in handles:
            handle.remove()
    if missed := [name for name in taps if name not in tape]:
        raise InputError(
            f"the forward pass did not come by the module of block {missed[0]}; choose another options.module"
        )


def module_at(whose: str, network: nn.Module, path: str) -> nn.Module:
    """A module by its path.

    Raises:
        InputError: there is none; the message has the nearest that is.
    """
    known = dict(network.named_modules())
    if path not in known:
        raise InputError(
            f"{whose}: options.module: there is no module '{path}' in {type(network).__name__}"
            f"{did_you_mean(path, known)}"
        )
    return known[path]


def first(output: Any) -> Tensor:
    """The tensor that a module gives, or the first of several."""
    return output if isinstance(output, Tensor) else output[0]
