"""What a replay is built with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from apexline import _core
from apexline.replay.fields import Field


@dataclass(frozen=True, slots=True)
class Settings:
    """The converted arguments of `PrioritizedFrameReplay`, in its order and under its names."""

    capacity: int
    num_envs: int
    frame_shape: tuple[int, ...]
    action_shape: tuple[int, ...]
    frame_dtype: np.dtype[Any]
    action_dtype: np.dtype[Any]
    extras: dict[str, Field]
    frame_stack: int
    n_step: int
    gamma: float
    alpha: float
    beta: float
    epsilon: float
    shift: int
    seed: int
    num_threads: int | None

    def make_core(self) -> _core.replay.Replay:
        """An empty replay.

        Raises:
            ValueError: a setting is out of range.
            MemoryError: the address space is too small.
        """
        action = ("action", self.action_shape, self.action_dtype)
        return _core.replay.Replay(
            capacity=self.capacity,
            num_envs=self.num_envs,
            frame_shape=self.frame_shape,
            frame_dtype=self.frame_dtype,
            fields=[action, *((name, *field) for name, field in self.extras.items())],
            frame_stack=self.frame_stack,
            n_step=self.n_step,
            gamma=self.gamma,
            alpha=self.alpha,
            beta=self.beta,
            epsilon=self.epsilon,
            shift=self.shift,
            seed=self.seed,
            num_threads=self.num_threads,
        )

    def batch_fields(self) -> list[Field]:
        """The arrays of a `Batch` in its order, `extras` one by one."""
        stack = Field((self.frame_stack, *self.frame_shape), self.frame_dtype)
        scalar = Field((), np.dtype(np.float32))
        handle = Field((), np.dtype(np.int64))
        action = Field(self.action_shape, self.action_dtype)
        return [stack, action, scalar, scalar, stack, scalar, handle, *self.extras.values()]


def settings_of(pickled: object) -> Settings:
    """The settings in the pickled state of a replay.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(pickled, dict) and pickled.keys() == {"settings", "state"}:
        settings = pickled["settings"]
        if isinstance(settings, Settings):
            return settings
    raise ValueError(f"the state is of type {type(pickled).__name__}; expected a dict of settings and state")


class ReadOnlySettings:
    """Base of `PrioritizedFrameReplay`: read-only properties for the arguments that it was built with."""

    __slots__ = ("_settings",)

    _settings: Settings

    @property
    def num_envs(self) -> int:
        """Environments, of which `add` stores one step each."""
        return self._settings.num_envs

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame."""
        return self._settings.frame_shape

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one action."""
        return self._settings.action_shape

    @property
    def frame_dtype(self) -> np.dtype[Any]:
        """Dtype of frames."""
        return self._settings.frame_dtype

    @property
    def action_dtype(self) -> np.dtype[Any]:
        """Dtype of actions."""
        return self._settings.action_dtype

    @property
    def extras(self) -> Mapping[str, Field]:
        """Shape and dtype of each extra field, by name."""
        return MappingProxyType(self._settings.extras)

    @property
    def frame_stack(self) -> int:
        """Frames in an observation."""
        return self._settings.frame_stack

    @property
    def n_step(self) -> int:
        """Steps in a return."""
        return self._settings.n_step

    @property
    def gamma(self) -> float:
        """Discount factor of one step."""
        return self._settings.gamma

    @property
    def alpha(self) -> float:
        """Prioritization exponent; 0 is uniform sampling."""
        return self._settings.alpha

    @property
    def epsilon(self) -> float:
        """Added to |TD error| before the exponent."""
        return self._settings.epsilon

    @property
    def shift(self) -> int:
        """Largest random shift in pixels; `sample` and `prefetch` take a smaller one."""
        return self._settings.shift

    @property
    def seed(self) -> int:
        """Seed of the random streams at construction; loading a state replaces the streams, not this number."""
        return self._settings.seed
