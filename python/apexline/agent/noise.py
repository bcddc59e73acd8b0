"""Exploration noise for the actions of all environments, in the units of the actions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt

from apexline.agent.schedule import LinearSchedule

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NoiseConfig:
    """Exploration noise: type, scale, schedule, per-environment factors.

    Raises:
        ValueError: sigma starts or ends below 0.
    """

    kind: Literal["gaussian", "ou", "none"] = "gaussian"
    """`gaussian`: independent at each step. `ou`: the Ornstein-Uhlenbeck process of Lillicrap et al. 2015."""
    sigma: LinearSchedule = LinearSchedule(1.0, 0.5, 80_000)
    """Standard deviation in units of the action, over agent steps of all environments together; of `ou`: that of the
    increments per unit of time."""
    env_factors: tuple[Annotated[float, Ge(0)], ...] = (0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4)
    """Factors of sigma: of N environments, environment i uses factor i * len(env_factors) // N; empty: 1 for all."""
    theta: Annotated[float, Ge(0)] = 0.15
    """Rate of the return of `ou` to mu, per unit of time."""
    mu: float = 0.0
    """Mean of `ou`."""
    dt: Annotated[float, Gt(0)] = 0.01
    """Time of one agent step in `ou`; keras-rl uses 0.01."""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self.sigma, name)
            if value is not None and value < 0:
                raise ValueError(f"sigma.{name} is {value}; expected >= 0")


class Noise(ABC):
    """Exploration noise with its own random generator.

    Args:
        config: type, scale and schedule.
        num_envs: number of environments.
        action_size: components of an action.
        seed: of the random generator.

    Raises:
        ValueError: `num_envs` or `action_size` is below 1.
    """

    def __init__(self, config: NoiseConfig, num_envs: int, action_size: int, seed: int) -> None:
        if num_envs < 1 or action_size < 1:
            raise ValueError(f"num_envs is {num_envs} and action_size is {action_size}; expected >= 1")
        factors = config.env_factors or (1.0,)
        self.config = config
        self.shape = (num_envs, action_size)
        self.factors = np.array([[factors[env * len(factors) // num_envs]] for env in range(num_envs)])
        self.rng = np.random.default_rng(seed)

    def scale(self, steps: int) -> npt.NDArray[np.float64]:
        """Standard deviation (num_envs, 1) float64 of each environment's noise after `steps` agent steps."""
        return self.factors * self.config.sigma(steps)

    @abstractmethod
    def sample(self, steps: int) -> FloatArray:
        """Noise (num_envs, action_size) float32 for the next step, after `steps` agent steps."""

    def reset(self, envs: npt.NDArray[np.bool_]) -> None:  # noqa: B027 - only `ou` has a state
        """Reset the noise of the environments in the mask (num_envs,) bool, at the start of their episodes."""

    def state_dict(self) -> dict[str, Any]:
        """State of the random generator and the process, as plain Python values."""
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.rng.bit_generator.state = state["rng"]


class GaussianNoise(Noise):
    """Independent normal noise."""

    def sample(self, steps: int) -> FloatArray:
        return (self.scale(steps) * self.rng.standard_normal(self.shape)).astype(np.float32)


class OrnsteinUhlenbeckNoise(Noise):
    """x += theta * (mu - x) * dt + sigma * sqrt(dt) * N(0, 1), with x = 0 at the start of each episode.

    This is keras-rl's OrnsteinUhlenbeckProcess, a first-order autoregression with factor f = 1 - theta * dt.
    Its stationary distribution has mean mu and variance sigma^2 * dt / (1 - f^2), about sigma^2 / (2 * theta).
    """

    def __init__(self, config: NoiseConfig, num_envs: int, action_size: int, seed: int) -> None:
        super().__init__(config, num_envs, action_size, seed)
        self.x = np.zeros(self.shape)

    def sample(self, steps: int) -> FloatArray:
        config = self.config
        drift = config.theta * (config.mu - self.x) * config.dt
        self.x += drift + self.scale(steps) * np.sqrt(config.dt) * self.rng.standard_normal(self.shape)
        return self.x.astype(np.float32)

    def reset(self, envs: npt.NDArray[np.bool_]) -> None:
        self.x[envs] = 0.0

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"x": self.x.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.x = np.array(state["x"]).reshape(self.shape)


def make_noise(config: NoiseConfig, num_envs: int, action_size: int, seed: int) -> Noise:
    """Noise of the configured kind for `num_envs` environments with `action_size` action components."""
    if config.kind == "ou":
        return OrnsteinUhlenbeckNoise(config, num_envs, action_size, seed)
    if config.kind == "none":
        config = replace(config, sigma=LinearSchedule(0.0))
    return GaussianNoise(config, num_envs, action_size, seed)
