"""The native game's registration with gymnasium, and specs that `gymnasium.make` and `make_vec` accept."""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import EnvSpec, VectorizeMode

from apexline.racing.native.arguments import EPISODE_STEPS

REGISTERED: dict[str, Any] = {
    "id": "apexline/CarRacing-v3",
    "entry_point": "apexline.racing.native.env:CarRacingEnv",
    "vector_entry_point": "apexline.racing.native.vector_env:CarRacingVectorEnv",
    "max_episode_steps": EPISODE_STEPS,
    "reward_threshold": 900,
}
"""Arguments of `gymnasium.register`."""
OF_VECTORS_ONLY = (
    *("num_envs", "vectorization_mode", "autoreset_mode", "num_threads"),
    *("episode_statistics", "max_episode_steps"),
)
"""Arguments of vector environments that a single one does not take."""


def vector_spec(
    num_envs: int, max_episode_steps: int | None, arguments: dict[str, Any], options: dict[str, Any]
) -> EnvSpec:
    """Returns the spec that `make_vec` gives to a vector environment with these arguments and fields of GameOptions.

    Of `arguments`, those that are None or False are left out.
    """
    kwargs = {name: value for name, value in arguments.items() if value is not None and value is not False}
    kwargs |= options
    if num_envs != 1:
        kwargs["num_envs"] = num_envs
    kwargs["max_episode_steps"] = max_episode_steps
    kwargs["vectorization_mode"] = VectorizeMode.VECTOR_ENTRY_POINT.value
    return EnvSpec(**REGISTERED, kwargs=kwargs)


def game_spec(spec: EnvSpec | None) -> EnvSpec | None:
    """Returns the spec of a single environment like those of a vector environment; None if that has none."""
    if spec is None or spec.entry_point is None:
        return None
    limit = spec.kwargs.get("max_episode_steps", spec.max_episode_steps)
    return EnvSpec(
        id=spec.id,
        entry_point=spec.entry_point,
        reward_threshold=spec.reward_threshold,
        max_episode_steps=None if limit == -1 else limit,
        kwargs={name: value for name, value in spec.kwargs.items() if name not in OF_VECTORS_ONLY},
        vector_entry_point=spec.vector_entry_point,
    )
