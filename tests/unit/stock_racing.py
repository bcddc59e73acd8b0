"""The stock game without its images, in gymnasium's vector environments, as a reference for the native one."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
from gymnasium.envs.box2d.car_racing import CarRacing
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from apexline.racing import ActionRepeat, Shaping, ShapingRules, UnshapedScore

Actions = npt.NDArray[np.float32]


class UndrawnCarRacing(CarRacing):
    """Without drawing, which takes 98% of the stock game's time."""

    road: Any

    def _render(self, mode: str) -> Any:
        return np.zeros((96, 96, 3), np.uint8) if mode == "state_pixels" else None


def stock_game(
    *,
    max_episode_frames: int = 1000,
    action_repeat: int = 1,
    rules: ShapingRules | None = None,
    **options: Any,
) -> Any:
    """Its infos hold score, frames, tiles and repeats; the shaping rules are wrappers."""
    env: Any = TimeLimit(UndrawnCarRacing(**options), max_episode_frames)
    return Shaping(UnshapedScore(ActionRepeat(env, action_repeat)), rules)


def stock_vector(num_envs: int, autoreset_mode: AutoresetMode, **options: Any) -> SyncVectorEnv[Any, Any]:
    games: list[Callable[[], Any]] = [lambda: stock_game(**options) for _ in range(num_envs)]
    return SyncVectorEnv(games, autoreset_mode=autoreset_mode)


def wild_driving(rng: np.random.Generator, num_envs: int) -> Actions:
    """Mostly full throttle with random steering: leaves the road, spins, and drives far."""
    steer = rng.choice([-1, -0.2, 0, 0.2, 1], num_envs, p=[0.1, 0.2, 0.4, 0.2, 0.1])
    gas = rng.choice([0, 1], num_envs, p=[0.2, 0.8])
    brake = rng.choice([0, 0.9], num_envs, p=[0.95, 0.05])
    return np.stack([steer, gas, brake], 1).astype(np.float32)


def follow_the_road(track: Any, car: Any, look_ahead: int) -> Actions:
    """Steers a native car to the point `look_ahead` tiles ahead, at 70 units/s, slower in turns."""
    hull = 4
    x, y, angle = float(car.x[hull]), float(car.y[hull]), float(car.angle[hull])
    near = int(np.argmin(np.hypot(track.nodes[:, 2] - x, track.nodes[:, 3] - y)))
    _, _, to_x, to_y = track.nodes[(near + look_ahead) % len(track.nodes)]
    bearing = math.atan2(x - to_x, to_y - y) - angle
    turn = (bearing + math.pi) % (2 * math.pi) - math.pi
    wanted = 70 * (1 - 0.8 * min(abs(turn), 1))
    pedal = np.clip(0.1 * (wanted - math.hypot(car.velocity_x[hull], car.velocity_y[hull])), -0.6, 0.4)
    return np.array([np.clip(-turn, -1, 1), max(pedal, 0), max(-pedal, 0)], np.float32)


def assert_same_infos(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Checks keys, dtypes and values, bit for bit, except images."""
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            assert_same_infos(ours[key], value)
            continue
        assert ours[key].dtype == value.dtype, key
        if key == "final_obs":
            assert [frame is None for frame in ours[key]] == [frame is None for frame in value]
        else:
            np.testing.assert_array_equal(ours[key], value, err_msg=key, strict=True)
