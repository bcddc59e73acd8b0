"""An own track: nodes as in the stock game's `track`, or points of a centre line, checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from apexline.racing.validation import require

Nodes: TypeAlias = tuple[tuple[float, float, float, float], ...]
"""alpha, beta, x, y of each node in driving order: the angle of the point around the field's centre, the heading across
the road (its driving direction is (-sin beta, cos beta)), and the point; radians and units."""
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

SHAPES = "nodes (n, 4) or points (n, 2)"
MIN_NODES = 8
MAX_NODES = 2500
"""kMaxNodes of the C++ core; the stock game's tracks have about 230 to 360."""
FIELD = 2000 / 6
"""PLAYFIELD: largest |x| and |y| of the car before the episode ends, units."""
EDGE = 40 / 6
"""TRACK_WIDTH: from the centre line to the edge of the road, units."""
KERB = 8 / 6
"""BORDER: width of a kerb, units."""
MIN_STEP = 1.0
"""Least distance of neighbouring points, units."""
MAX_STEP = 19.0
"""Largest distance of neighbouring points: a straight tile is then at most MAX_ACROSS across, units."""
MAX_ACROSS = 23.5
"""Largest distance of two corners of a tile, which the renderers need, units."""
MIN_EDGE = 0.1
"""Least length of a tile's edge, below which Box2D would merge its ends, units."""
MIN_TURN = 0.02
"""Least cross product of neighbouring edges, square units: 20 times the rounding errors of corners in float32, so that
Box2D's convex hull has all four."""


def require_track(track: object) -> Nodes:
    """Returns a track as nodes.

    Args:
        track: nodes (n, 4) or points (n, 2), as sequences or an array; n from MIN_NODES to MAX_NODES.

    Raises TypeError or ValueError, naming the place, if this is no closed road on the playfield.
    """
    rows = _rows(track)
    line = np.array(rows, np.float64)
    points = line[:, -2:]
    _require_rows(rows, np.all(np.isfinite(line), axis=1), "finite numbers")
    _require_rows(
        rows,
        np.all(np.abs(points) <= FIELD, axis=1),
        f"a point on the playfield, |x| and |y| at most {FIELD:.1f}",
    )
    step = _length(points - np.roll(points, 1, 0))
    is_apart = (step >= MIN_STEP) & (step <= MAX_STEP)
    _require_rows(rows, is_apart, f"a point {MIN_STEP:g} to {MAX_STEP:g} units from the one before")
    nodes = line if line.shape[1] == 4 else _nodes_along(points)
    _require_rows(
        rows,
        _are_whole(nodes),
        f"a road along the line, with turns of a radius above {EDGE + KERB:g} units: this tile is folded or more than "
        f"{MAX_ACROSS:g} units across",
    )
    return tuple((alpha, beta, x, y) for alpha, beta, x, y in nodes.tolist())


def _rows(track: object) -> list[Sequence[float]]:
    """The rows, of equal length 2 or 4, as they were given."""
    if not isinstance(track, Sequence | np.ndarray) or isinstance(track, str | bytes):
        raise TypeError(f"track is {track!r}; expected None, {SHAPES}")
    rows = track.tolist() if isinstance(track, np.ndarray) else list(track)
    if not isinstance(rows, list):
        rows = [rows]
    require("len(track)", len(rows), MIN_NODES <= len(rows) <= MAX_NODES, f"from {MIN_NODES} to {MAX_NODES}")
    for i, row in enumerate(rows):
        if isinstance(row, np.ndarray):
            rows[i] = row = row.tolist()
        is_row = isinstance(row, Sequence) and not isinstance(row, str | bytes)
        if not is_row or not all(isinstance(value, float | int | np.number) for value in row):
            raise TypeError(f"track[{i}] is {row!r}; expected {'2 or 4' if i == 0 else len(rows[0])} numbers")
        condition = "2 or 4 numbers" if i == 0 else f"{len(rows[0])} numbers as track[0]"
        require(f"track[{i}]", row, len(row) in ((2, 4) if i == 0 else (len(rows[0]),)), condition)
    return rows


def _require_rows(rows: list[Sequence[float]], holds: Any, condition: str) -> None:
    if not holds.all():
        i = int(np.argmin(holds))
        require(f"track[{i}]", rows[i], False, condition)


def _nodes_along(points: Floats) -> Floats:
    """Nodes whose heading is the direction from the previous point to the next."""
    along_x, along_y = (np.roll(points, -1, 0) - np.roll(points, 1, 0)).T
    beta = np.unwrap(np.arctan2(-along_x, along_y))
    alpha = np.arctan2(points[:, 1], points[:, 0])
    return np.column_stack([alpha, beta, points])


def _are_whole(nodes: Floats) -> Flags:
    """Whether each tile, with a kerb on either side, is at most MAX_ACROSS across and convex with its corners in the
    order of the road.

    Tile 0 may be folded, since the ends of the stock game's tracks do not always meet; its convex hull needs an area.
    """
    beta, points = nodes[:, 1], nodes[:, 2:]
    side = np.column_stack([np.cos(beta), np.sin(beta)])
    here = [points + offset * side for offset in (-EDGE - KERB, -EDGE, EDGE, EDGE + KERB)]
    last = [np.roll(edge, 1, 0) for edge in here]
    are_whole = np.ones(len(nodes), bool)
    for left, right in ((0, 1), (2, 3), (1, 2)):
        corners = [here[left], here[right], last[right], last[left]]
        across = [_length(a - b) for a, b in combinations(corners, 2)]
        turns = [
            _cross(b - a, c - a) for a, b, c in combinations(corners, 3)
        ]  # of an order clockwise: all negative
        is_tile = (left, right) == (1, 2)
        fits = (np.max(across, 0) <= MAX_ACROSS) & (np.min(across, 0) >= (MIN_EDGE if is_tile else 0))
        is_convex = np.max(turns, 0) <= -MIN_TURN
        is_convex[0] = np.min(np.abs(turns), 0)[0] >= MIN_TURN or not is_tile
        are_whole &= fits & is_convex
    return are_whole


def _length(vectors: Floats) -> Floats:
    length: Floats = np.hypot(vectors[..., 0], vectors[..., 1])
    return length


def _cross(a: Floats, b: Floats) -> Floats:
    product: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
