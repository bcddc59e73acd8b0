"""Scripted drivers: functions from a View of a game to an action, (3,) float32 of steering, gas and brake."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """The hull, in units, radians and seconds, and the road's centre line."""

    frame: int
    x: float
    y: float
    angle: float
    velocity_x: float
    velocity_y: float
    nodes: np.ndarray
    """(N, 2) x and y."""


Driver = Callable[[View], np.ndarray]


def nodes_of(game):
    """The centre line of a stock game's track."""
    return np.array(game.track)[:, 2:]


def view_of(game, nodes, frame):
    """The view of a stock game with these nodes."""
    hull = game.car.hull
    return View(frame, *hull.position, hull.angle, *hull.linearVelocity, nodes)  # type: ignore[call-arg]


def random_driver(seed):
    """Uniform actions, with the brake in two frames of five; with more the car hardly moves."""
    random = np.random.default_rng(seed)

    def drive(view):
        action = random.uniform([-1, 0, 0], [1, 1, 1]).astype(np.float32)
        if view.frame % 50 < 30:
            action[2] = 0
        return action

    return drive


def lane_follower(view):
    """Steers towards the node five tiles after the nearest, below 50 units a second."""
    nearest = int(np.argmin((view.nodes[:, 0] - view.x) ** 2 + (view.nodes[:, 1] - view.y) ** 2))
    x, y = view.nodes[(nearest + 5) % len(view.nodes)]
    forward_x, forward_y = -math.sin(view.angle), math.cos(view.angle)
    x, y = x - view.x, y - view.y
    error = math.atan2(forward_x * y - forward_y * x, forward_x * x + forward_y * y)
    speed = math.hypot(view.velocity_x, view.velocity_y)
    return np.array([np.clip(-2 * error, -1, 1), speed < 50, 0], np.float32)


def spinner(view):
    """Full throttle and full lock, to the right, then to the left, sometimes with locked wheels."""
    return np.array([1 if view.frame % 200 < 150 else -1, 1, 0.95 if view.frame % 97 == 0 else 0], np.float32)
