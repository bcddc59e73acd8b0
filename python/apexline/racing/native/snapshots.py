"""Copies of a native game's road, car and skid marks. Lengths are in the game's units, angles in radians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class TrackSnapshot:
    """The road of the running episode: `n` tiles, about 250 to 350, in driving order."""

    nodes: npt.NDArray[np.float64]
    """(n, 4): alpha, the polar angle around the middle of the field; beta, the direction across the road; x; y."""
    tiles: npt.NDArray[np.float64]
    """(n, 4, 2): the corners of each tile."""
    visited: npt.NDArray[np.bool_]
    """(n,): whether a wheel has touched the tile, which was rewarded with 1000 / n."""
    touched: npt.NDArray[np.bool_]
    """(n,): whether any part of the car has touched the tile, which changes its colour in the image."""
    under_wheels: npt.NDArray[np.int32]
    """(m,): indices of the tiles that the wheels touch now, ascending."""
    kerb_tiles: npt.NDArray[np.int32]
    """(k,): index of the tile next to each red or white kerb."""
    kerb_is_white: npt.NDArray[np.bool_]
    """(k,)"""
    kerbs: npt.NDArray[np.float64]
    """(k, 4, 2): the corners of each kerb."""
    start_tile: int
    """Index of the tile at whose end the car started: 0 without the option of this name."""


@dataclass(frozen=True, eq=False)
class CarSnapshot:
    """The state of the car. Bodies are the wheels front left, front right, rear left, rear right, then the hull."""

    x: npt.NDArray[np.float32]
    """(5,): x of Box2D's position of each body."""
    y: npt.NDArray[np.float32]
    """(5,)"""
    angle: npt.NDArray[np.float32]
    """(5,): 0 is along +y; increases to the left."""
    sine: npt.NDArray[np.float32]
    """(5,): sine of the angle, as the physics computes it."""
    cosine: npt.NDArray[np.float32]
    """(5,)"""
    velocity_x: npt.NDArray[np.float32]
    """(5,): units per second."""
    velocity_y: npt.NDArray[np.float32]
    """(5,)"""
    spin: npt.NDArray[np.float32]
    """(5,): angular velocity, radians per second."""
    omega: npt.NDArray[np.float64]
    """(4,): rolling speed of each wheel, radians per second."""
    phase: npt.NDArray[np.float64]
    """(4,): rolling angle of each wheel."""
    on_road: npt.NDArray[np.bool_]
    """(4,): whether a wheel touches a tile."""
    wheel_tiles: npt.NDArray[np.uint8]
    """(4,): number of tiles that a wheel touches."""
    steer: float
    """Steering command of the last action; +1 is left, opposite to the action's sign."""
    gas: float
    """Gas of the rear wheels, 0 to 1; it rises by at most 0.1 per frame."""
    brake: float
    """Brake of all wheels, 0 to 1."""
    seconds: float
    """Game time since reset."""
    score_on_screen: float
    """The score drawn in the observation, before rounding."""
    reward: float
    """The stock game's attribute `reward`: the score with the last frame's penalty; its differences over steps are the
    unshaped rewards, except the -100 of a car that leaves the field."""
    frames: int
    """Frames played in the episode, without the one of reset."""
    num_visited: int
    """Number of visited tiles."""
    num_tiles: int
    """Number of tiles of the road; 0 before the first reset."""

    @classmethod
    def of(cls, row: np.void) -> CarSnapshot:
        """Returns the snapshot of one row of `CarRacingVectorEnv.cars()`; its arrays are views of the row."""
        return cls(*row.item())  # the row's fields have the names and the order of the class


Cars: TypeAlias = npt.NDArray[np.void]
"""(num_envs,) structured, one row a game. Fields are those of CarSnapshot in its shapes and dtypes: x, y, angle, sine,
cosine, velocity_x, velocity_y, spin (5,) f4; omega, phase (4,) f8; on_road (4,) bool; wheel_tiles (4,) u1; steer, gas,
brake, seconds, score_on_screen, reward f8; frames, num_visited, num_tiles i4."""


@dataclass(frozen=True, eq=False)
class SkidMark:
    """A polyline left by a wheel. Recorded only with the render modes "rgb_array" and "human"."""

    on_grass: bool
    """On grass, else on the road."""
    points: npt.NDArray[np.float64]
    """(m, 2)"""
