"""Configs of a diffusers folder: read, and refused where the method cannot use what they say. Imports no torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zeroshot_vss.errors import InputError

PREDICTIONS = ("epsilon", "v_prediction")
"""What a network may predict, see :func:`zeroshot_vss.backbones.sampling.to_epsilon`."""
SPACINGS = ("linear", "scaled_linear", "squaredcos_cap_v2")
"""Schedules of betas."""


def read_json(whose: str, path: Path) -> dict[str, Any]:
    """The names and values of a JSON file.

    Raises:
        InputError: it is missing, no regular file, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{whose}: {path} is missing or no regular file; get it again")
    try:
        values = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{whose}: {path} is no JSON ({error})") from error
    if not isinstance(values, dict):
        raise InputError(f"{whose}: {path} must hold names and values")
    return values


def check_scheduler(whose: str, path: Path) -> None:
    """Refuse noise schedules that are not told in full, and predictions that the sampler does not know.

    Raises:
        InputError: naming the file, the key and the value.
    """
    config = read_json(whose, path)
    predicted = config.get("prediction_type", PREDICTIONS[0])
    if predicted not in PREDICTIONS:
        raise InputError(
            f"{whose}: {path}: prediction_type is {predicted!r}; known: {', '.join(PREDICTIONS)}: "
            "take a model that predicts the noise or the velocity"
        )
    if config.get("timestep_type") == "continuous":
        wanted = ("sigma_min", "sigma_max")
    elif config.get("trained_betas") is not None:
        wanted = ("num_train_timesteps",)
    else:
        wanted = ("num_train_timesteps", "beta_start", "beta_end")
        if config.get("beta_schedule") not in SPACINGS:
            raise InputError(
                f"{whose}: {path}: beta_schedule is {config.get('beta_schedule')!r}; known: {', '.join(SPACINGS)}; "
                "get the file again"
            )
    for key in wanted:
        if not _positive(config.get(key)):
            raise InputError(
                f"{whose}: {path}: {key} is {config.get(key)!r}; expected a number above 0: get it again"
            )


def check_autoencoder(whose: str, path: Path) -> None:
    """Refuse latents that cannot be scaled, or are shifted, too.

    Raises:
        InputError: naming the file, the key and the value.
    """
    config = read_json(whose, path)
    if not _positive(factor := config.get("scaling_factor", 1.0)):
        raise InputError(f"{whose}: {path}: scaling_factor is {factor!r}; expected a number above 0, as SD's 0.18215")
    for key in ("shift_factor", "latents_mean", "latents_std"):
        if config.get(key):
            raise InputError(
                f"{whose}: {path}: {key} is {config[key]!r}; autoencoders with shifted latents are not known"
            )


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def is_flow(config: Mapping[str, Any]) -> bool:
    """Whether a scheduler's config is of flow matching."""
    told = "FlowMatch" in str(config.get("_class_name")) or config.get("prediction_type") == "flow_prediction"
    return told or bool(config.get("use_flow_sigmas"))


def check_path(whose: str, path: Path) -> None:
    """Refuse schedulers of transformers of which no path between latent and noise can be made.

    Raises:
        InputError: naming the file, the key and the value.
    """
    config = read_json(whose, path)
    if is_flow(config):
        shift = config.get("flow_shift", config.get("shift", 1.0))
        if not _positive(shift):
            raise InputError(f"{whose}: {path}: the shift is {shift!r}; expected a number above 0: get it again")
        return
    check_scheduler(whose, path)
    if not str(config.get("_class_name", "")).endswith("Scheduler"):
        raise InputError(f"{whose}: {path}: _class_name is {config.get('_class_name')!r}; get it again")
