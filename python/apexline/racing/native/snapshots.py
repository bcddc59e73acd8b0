"""What can be seen of a native game besides its image. Lengths are in the game's units, angles in radians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class TrackSnapshot:
    """A copy of the road of the running episode; `n` tiles, 250 to 350 of them, in driving order."""

    nodes: npt.NDArray[np.float64]
    """(n, 4): alpha, the angle seen from the middle of the field; beta, the direction across the road; x; y."""
    tiles: npt.NDArray[np.float64]
    """(n, 4, 2): the corners of each tile."""
    visited: npt.NDArray[np.bool_]
    """(n,): whether a wheel has touched the tile, which paid 1000 / n."""
    touched: npt.NDArray[np.bool_]
    """(n,): whether any part of the car has, which makes it change its colour on the image."""
    under_wheels: npt.NDArray[np.int32]
    """(m,): the tiles that the wheels touch now, ascending."""
    kerb_tiles: npt.NDArray[np.int32]
    """(k,): the tile beside which each red or white kerb lies."""
    kerb_is_white: npt.NDArray[np.bool_]
    """(k,)"""
    kerbs: npt.NDArray[np.float64]
    """(k, 4, 2): the corners of each kerb."""


@dataclass(frozen=True, eq=False)
class CarSnapshot:
    """A copy of the car's state. Bodies are its four wheels, front left, front right, rear left and rear right, then
    its hull."""

    x: npt.NDArray[np.float32]
    """(5,): a body's place, Box2D's position."""
    y: npt.NDArray[np.float32]
    """(5,)"""
    angle: npt.NDArray[np.float32]
    """(5,): 0 heads along +y; it grows to the left."""
    sine: npt.NDArray[np.float32]
    """(5,): of the angle, as the physics has it."""
    cosine: npt.NDArray[np.float32]
    """(5,)"""
    velocity_x: npt.NDArray[np.float32]
    """(5,): units a second."""
    velocity_y: npt.NDArray[np.float32]
    """(5,)"""
    spin: npt.NDArray[np.float32]
    """(5,): radians a second."""
    omega: npt.NDArray[np.float64]
    """(4,): how fast a wheel rolls, radians a second."""
    phase: npt.NDArray[np.float64]
    """(4,): how far a wheel has rolled."""
    on_road: npt.NDArray[np.bool_]
    """(4,): whether a wheel touches a tile."""
    steer: float
    """The steering that was asked for last; +1 is left, against the action's sign."""
    gas: float
    """Of the rear wheels, 0 to 1; it rises by at most 0.1 a frame."""
    brake: float
    seconds: float
    """The game's clock."""
    score_on_screen: float
    """The number in the observation, before it is rounded."""


@dataclass(frozen=True, eq=False)
class SkidMark:
    """A line that a wheel has drawn. Marks are kept only where a render mode shows them."""

    on_grass: bool
    points: npt.NDArray[np.float64]
    """(m, 2)"""
