"""Configurations to and from plain values, and what makes one invalid."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apexline.training.config.train_config import ShapingPhase, TrainConfig
from apexline.training.errors import InputError

LARGEST = 1e9
"""Largest number of a configuration. The square of a product of two of them, such as a loss of scaled rewards, is
finite as float32."""
TIMES = ("budget.", "monitor.")
"""Prefixes of the fields that are times, which may be larger."""

_ADAPTER = TypeAdapter(TrainConfig)


def to_dict(config: TrainConfig) -> dict[str, Any]:
    """The configuration as plain values that JSON can represent."""
    return dataclasses.asdict(config)


def from_dict(values: dict[str, Any], source: str = "") -> TrainConfig:
    """A valid configuration from plain values; missing fields take their defaults.

    Args:
        values: as from `to_dict`.
        source: the file that they were read from, for errors.

    Raises:
        InputError: a field is unknown or out of range, or two fields contradict each other. The message names the first
            such field and its value.
    """
    place = f"{source}: " if source else ""
    for name in _unknown(values, to_dict(TrainConfig())):
        hint = "; the file may be from another version of apexline" if source else ""
        raise InputError(f"{place}{name} is not a field of the configuration{hint}")
    try:
        config = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise InputError(place + _message(error.errors())) from None
    for name, value in _numbers(to_dict(config)):
        if not math.isfinite(value):
            raise InputError(f"{place}{name} is {value}; expected a finite number")
        if abs(value) > LARGEST and not name.startswith(TIMES):
            raise InputError(f"{place}{name} is {value}; expected a number from {-LARGEST:g} to {LARGEST:g}")
    for message in _contradictions(config):
        raise InputError(place + message)
    return config


def check(config: TrainConfig) -> None:
    """Raises InputError, as `from_dict`, if the configuration is invalid."""
    from_dict(to_dict(config))


def _contradictions(config: TrainConfig) -> Iterator[str]:
    """What no run can mean, though each field is within its range."""
    game, agent, replay = config.game, config.agent, config.replay
    if replay.capacity < config.learning.batch_size:
        yield (
            f"replay.capacity is {replay.capacity}; expected >= learning.batch_size, "
            f"{config.learning.batch_size}"
        )
    slots = replay.frame_stack + replay.n_step
    if slots > replay.capacity:
        yield f"replay.frame_stack + replay.n_step is {slots}; expected <= replay.capacity, {replay.capacity}"
    elif replay.capacity // config.num_envs < slots:
        yield (
            f"num_envs is {config.num_envs}; expected <= {replay.capacity // slots}, as each environment needs "
            f"replay.frame_stack + replay.n_step, {slots}, of replay.capacity, {replay.capacity}, frames"
        )
    if not game.continuous:
        yield "game.continuous is False; expected True, as DDPG chooses continuous actions"
    if not game.gray and not game.channels_first:
        yield "game.channels_first is False; expected True for colour images (game.gray is False)"
    if game.keep_dim and not game.channels_first:
        yield "game.channels_first is False; expected True with game.keep_dim"
    if game.frame_stack != 1:
        yield f"game.frame_stack is {game.frame_stack}; expected 1, as replay.frame_stack makes the stacks of a run"
    if game.max_episode_frames is None:
        yield (
            "game.max_episode_frames is None; expected a limit, such as 1000, without which an evaluation may never end"
        )
    if config.backend != "native":
        yield from (f"game.{message}" for message in game.native_only_errors())
    default = type(game)().lap_complete_percent
    if game.lap_complete_percent != default and not game.ends_at_start_line and game.start_tile == 0:
        yield (
            f"game.lap_complete_percent is {game.lap_complete_percent}; expected {default} if "
            "game.ends_at_start_line is False, as it has no effect then"
        )
    if agent.flip_augmentation and not game.crop_hud:
        yield (
            "agent.flip_augmentation is True; expected False if game.crop_hud is False, as a flip would also "
            "mirror the indicators"
        )
    if agent.smoothing_sigma > 0 and agent.smoothing_clip == 0:
        yield f"agent.smoothing_clip is 0; expected > 0 with agent.smoothing_sigma, {agent.smoothing_sigma}"
    if config.deterministic and config.threads not in (None, 1):
        yield f"threads is {config.threads}; expected 1 or None if deterministic is True"
    if config.deterministic and config.backend != "native":
        yield f"backend is {config.backend}; expected native if deterministic is True, as only its games can be saved"
    yield from _disorder(config.shaping)


def _disorder(phases: tuple[ShapingPhase, ...]) -> Iterator[str]:
    """What is wrong with the order of the phases."""
    if not phases:
        yield "shaping is empty; expected at least one phase"
        return
    if phases[0].start_step != 0:
        yield f"shaping.0.start_step is {phases[0].start_step}; expected 0"
    for i, (before, phase) in enumerate(pairwise(phases)):
        if phase.start_step <= before.start_step:
            yield (
                f"shaping.{i + 1}.start_step is {phase.start_step}; expected > shaping.{i}.start_step, "
                f"{before.start_step}"
            )
        if phase.rules == before.rules:
            yield f"shaping.{i + 1}.rules are those of shaping.{i}; expected other rules"


_EXPECTED = {
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than": "< {lt}",
    "less_than_equal": "<= {le}",
    "literal_error": "{expected}",
}
"""Conditions of pydantic's types of error, from their context."""
_KINDS = {"int": "an integer", "tuple[int, int]": "two integers"}
"""The types of fields that may have one of several, as pydantic names them, and in an error."""


def _message(errors: Sequence[Any]) -> str:
    """The first field with pydantic's errors as `<field> is <value>; expected <condition>`.

    A field of one type has one error; a field of several types has errors for each, which end in the type's name.
    """
    first = errors[0]
    name = _field_of(first["loc"])
    if first["type"] == "value_error":  # raised by a dataclass, about one of its fields
        return f"{name}.{first['ctx']['error']}"
    depth = name.count(".") + 1
    expected = dict.fromkeys(_expected(e, depth) for e in errors if _field_of(e["loc"]) == name)
    return f"{name} is {first['input']!r:.120}; expected {' or '.join(expected)}"


def _expected(error: Any, depth: int) -> str:
    """The condition of one of pydantic's errors, whose field has a name of `depth` parts."""
    if len(error["loc"]) > depth:
        kind = str(error["loc"][depth])
        return _KINDS.get(kind, kind)
    if error["type"] in _EXPECTED:
        return _EXPECTED[error["type"]].format(**error.get("ctx", {}))
    message: str = error["msg"]
    return message.removeprefix("Input should be ").partition(",")[0]


def _field_of(loc: Sequence[str | int]) -> str:
    """The dotted name of a field, without the names of types that follow it."""
    known: Any = to_dict(TrainConfig())
    names = []
    for part in loc:
        if isinstance(known, tuple) and known and isinstance(part, int):
            known = known[0]
        elif isinstance(known, dict) and part in known:
            known = known[part]
        else:
            break
        names.append(str(part))
    return ".".join(names)


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """The floats in nested plain values, with their dotted names."""
    if isinstance(value, float):
        yield name, value
    elif isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _numbers(part, f"{name}.{key}" if name else str(key))


def _unknown(values: Any, known: Any, prefix: str = "") -> Iterator[str]:
    """The names in `values` that `known` does not have; every phase of a curriculum is as the first one."""
    if isinstance(values, dict) and isinstance(known, dict):
        for name, value in values.items():
            if name not in known:
                yield prefix + name
            else:
                yield from _unknown(value, known[name], f"{prefix}{name}.")
    elif isinstance(values, list | tuple) and isinstance(known, tuple) and known:
        for i, value in enumerate(values):
            yield from _unknown(value, known[0], f"{prefix}{i}.")
