"""The whole configuration of a run, as frozen dataclasses that tyro shows and pydantic checks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import TypeAdapter, ValidationError

from apexline.agent import AgentConfig, LinearSchedule, NoiseConfig
from apexline.racing import Backend, GameOptions, ShapingRules
from apexline.training.errors import InputError


@dataclass(frozen=True)
class ReplayConfig:
    """What is kept of the past and how it is drawn."""

    capacity: Annotated[int, Gt(0)] = 100_000
    """Frames kept over all environments."""
    frame_stack: Annotated[int, Gt(0)] = 3
    """Frames in an observation."""
    n_step: Annotated[int, Gt(0)] = 3
    """Steps in a return."""
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99
    """Discount of one step."""
    alpha: Annotated[float, Ge(0), Le(1)] = 0.6
    """How far priorities matter when drawing: 0 is uniform."""
    beta: Annotated[float, Ge(0), Le(1)] = 0.4
    """Exponent of the importance weights that undo the priorities' bias."""
    epsilon: Annotated[float, Gt(0)] = 0.01
    """Added to |td| so that nothing becomes unreachable."""
    shift: LinearSchedule = LinearSchedule(2)
    """Largest random shift of a batch's images, in whole pixels over updates: 2 suits frames of 42 pixels, 4 suits 84.
    A schedule may only decrease: shifts help early in training and later reduce the precision of positions."""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self.shift, name)
            if value is not None and (value < 0 or value != int(value)):
                raise ValueError(f"shift.{name} is {value}; expected whole pixels >= 0")
        if self.shift.end is not None and self.shift.end > self.shift.start:
            raise ValueError(f"shift.end is {self.shift.end}; expected <= shift.start, {self.shift.start}")


@dataclass(frozen=True)
class LoopConfig:
    """How acting and learning take turns."""

    batch_size: Annotated[int, Gt(0)] = 128
    """Transitions in an update."""
    replay_ratio: Annotated[float, Gt(0)] = 0.5
    """Updates per step."""
    learning_starts: Annotated[int, Ge(0)] = 4_000
    """Steps driven at random before learning starts; a run that starts from weights drives itself instead."""
    reward_scale: Annotated[float, Gt(0)] = 0.1
    """What rewards are multiplied by before they are stored."""


@dataclass(frozen=True)
class StrictConfig:
    """Rules that take the place of `rules` in a run's later part: with prices that would keep a beginner from
    driving at all, and from which an agent that drives whole laps still learns."""

    after_steps: Annotated[int, Ge(0)] = 0
    """Steps after which they do; 0: never."""
    rules: ShapingRules = field(default_factory=ShapingRules)
    """All of the rules that then hold, whatever `rules` are."""


@dataclass(frozen=True)
class BudgetConfig:
    """End of a run: the first limit that is reached; None is no limit."""

    minutes: Annotated[float, Gt(0)] | None = None
    """Wall-clock minutes of training, summed over resumed parts."""
    frames: Annotated[int, Gt(0)] | None = None
    """Game frames (1/50 s each)."""
    episodes: Annotated[int, Gt(0)] | None = None
    """Training episodes."""


@dataclass(frozen=True)
class MonitorConfig:
    """What is measured, shown and saved on the way."""

    log_seconds: Annotated[float, Gt(0)] = 10.0
    """Seconds between rows of metrics.csv."""
    checkpoint_seconds: Annotated[float, Gt(0)] = 120.0
    """Seconds between checkpoints."""
    eval_steps: Annotated[int, Gt(0)] | None = 10_000
    """Steps between evaluations, which run in other processes; None: no evaluation."""
    eval_episodes: Annotated[int, Gt(0)] = 8
    """Episodes of an evaluation."""
    eval_seed: Annotated[int, Ge(0)] = 2_000_000
    """First seed of the evaluations by which the best weights are chosen. Keep it apart from the seeds that final
    scores are reported on."""
    eval_processes: Annotated[int, Gt(0)] = 1
    """Processes that play evaluations."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run."""

    preset: str = "cpu"
    """Named defaults that the other options are laid over: `cpu` (the measured recipe), `cuda` (the same for a GPU, at
    84 pixels), `notebook` (the one this project succeeds), or `auto`, which is `cuda` where torch sees a GPU and else
    `cpu`."""
    seed: Annotated[int, Ge(0), Lt(2**63)] = 0
    """Of the weights, the noise, the replay and the tracks."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the networks live."""
    threads: Annotated[int, Gt(0)] | None = None
    """Threads of torch; racing and the replay get the processors that are left, at least one each. None measures at the
    start how many make updates fastest on a CPU. With as many as there are processors, every layer waits wherever
    another process holds one: faster on a machine left alone, many times slower on a busy one."""
    num_envs: Annotated[int, Gt(0)] = 8
    """Environments that are driven at once."""
    env: Backend = "native"
    """Who plays the game: apexline's own, the same game hundreds of times faster, or gymnasium's CarRacing-v3."""
    env_processes: bool = True
    """Give each of gymnasium's environments a process of its own; else all run in this one."""
    game: GameOptions = field(default_factory=lambda: GameOptions(channels_first=True))
    """The game: episodes, actions, and format of frames."""
    rules: ShapingRules = field(default_factory=ShapingRules)
    """Reward shaping of training episodes until that of `strict` applies."""
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    strict: StrictConfig = field(default_factory=StrictConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    monitor: MonitorConfig = field(default_factory=MonitorConfig)


_ADAPTER = TypeAdapter(TrainConfig)


def replay_options(config: ReplayConfig) -> dict[str, Any]:
    """Arguments of PrioritizedFrameReplay; the replay's shift is the schedule's largest."""
    return vars(config) | {"shift": int(config.shift.start)}


def to_dict(config: TrainConfig) -> dict[str, Any]:
    """The configuration as plain values that JSON can hold."""
    return dataclasses.asdict(config)


def from_dict(values: dict[str, Any], source: str = "") -> TrainConfig:
    """A checked configuration from plain values; `source` names where they are from. Missing fields take defaults.

    Raises:
        InputError: a field is unknown or out of range, or two do not fit each other. The message names the
            first such field and its value.
    """
    place = f"{source}: " if source else ""
    for name in _unknown(values, to_dict(TrainConfig())):
        raise InputError(f"{place}{name} is not a field of the configuration")
    try:
        config = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise InputError(place + _message(error.errors()[0])) from None
    for name, value in _floats(to_dict(config)):
        if not math.isfinite(value):
            raise InputError(f"{place}{name} is {value}; it must be finite")
    if config.strict.after_steps > 0 and config.strict.rules == ShapingRules():
        raise InputError(
            f"{place}strict.after_steps is {config.strict.after_steps}, but strict.rules are all off"
        )
    if config.replay.capacity < config.loop.batch_size:
        raise InputError(
            f"{place}replay.capacity is {config.replay.capacity}; "
            f"it must be >= loop.batch_size, {config.loop.batch_size}"
        )
    return config


def check(config: TrainConfig) -> None:
    """Raises InputError, as `from_dict`, where a configuration made in Python or by options is out of range."""
    from_dict(to_dict(config))


_EXPECTED = {
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than": "< {lt}",
    "less_than_equal": "<= {le}",
    "literal_error": "{expected}",
}
"""What pydantic's types of error mean, from their context."""


def _message(error: Any) -> str:
    """One of pydantic's errors as `<field> is <value>; expected <condition>`."""
    name = ".".join(str(part) for part in error["loc"])
    context = error.get("ctx", {})
    if error["type"] == "value_error":  # raised by a dataclass, about one of its fields
        return f"{name}.{context['error']}"
    if error["type"] in _EXPECTED:
        expected = _EXPECTED[error["type"]].format(**context)
    else:
        expected = error["msg"].removeprefix("Input should be ").partition(",")[0]
    return f"{name} is {error['input']!r}; expected {expected}"


def _floats(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _floats(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            yield prefix + name, value


def _unknown(values: dict[str, Any], known: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if name not in known:
            yield prefix + name
        elif isinstance(value, dict) and isinstance(known[name], dict):
            yield from _unknown(value, known[name], f"{prefix}{name}.")
