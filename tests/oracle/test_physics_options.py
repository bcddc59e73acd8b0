"""Friction and engine power against the stock game with changed constants, bit for bit."""

import os

import numpy as np
import pytest

from .drivers import lane_follower, nodes_of, random_driver, spinner, view_of
from .lockstep import Lockstep

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
from gymnasium.envs.box2d import car_dynamics

FRAMES = 250
FACTORS: dict[str, dict[str, float]] = {
    "little grip": {"friction": 0.3},
    "much grip": {"friction": 7.7},
    "no grip": {"friction": 1e-9},
    "weak": {"engine_power": 0.1},
    "strong": {"engine_power": 100},
    "both": {"friction": 1.7, "engine_power": 2.3},
}


@pytest.mark.parametrize("case", FACTORS)
def test_factors_of_the_constants_equal_the_stock_game(case, monkeypatch):
    factors = FACTORS[case]
    for name, factor in factors.items():
        constant = {"friction": "FRICTION_LIMIT", "engine_power": "ENGINE_POWER"}[name]
        monkeypatch.setattr(car_dynamics, constant, getattr(car_dynamics, constant) * factor)
    drivers = [lane_follower, spinner, random_driver(2)]
    lockstep = Lockstep([0, 1, 2], **factors)
    usual = Lockstep([0])  # with the changed constants in the stock game, but not in the core
    nodes = [nodes_of(game) for game in lockstep.games]
    differs = False
    for _ in range(FRAMES):
        actions = [
            driver(view_of(game, middle, int(frame)))
            for driver, game, middle, frame in zip(
                drivers, lockstep.games, nodes, lockstep.frames, strict=True
            )
        ]
        lockstep.step(np.array(actions, np.float32))
        try:
            usual.step(actions[0][None])
        except AssertionError:
            differs = True
            usual.retire(0)
    assert differs
