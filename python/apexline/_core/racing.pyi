"""Core of apexline.racing, which documents and checks what it passes."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline.racing.options import GameOptions, ShapingRules

_Glyphs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]

class ResetNeededError(RuntimeError):
    """An environment was never reset, or its episode has ended and autoreset is "disabled"."""

class InvalidActionError(ValueError):
    """An action has the wrong shape, dtype or value."""

@final
class World:
    """Games of CarRacing stepped together."""

    def __init__(
        self,
        options: GameOptions,
        *,
        states: NDArray[np.uint64],
        autoreset: str,
        rules: ShapingRules | None,
        keeps_skid_marks: bool,
        glyphs: _Glyphs,
        num_threads: int,
        is_single: bool = False,
        track_state: NDArray[np.uint64] | None = None,
    ) -> None:
        """Makes one game per random state.

        Args:
            options: of every game.
            states: (num_envs, 6) uint64, the random state of each game: see apexline.racing.native.rng.
            autoreset: "next_step", "same_step", "disabled" or "continue" (games that have ended are stepped on).
            rules: reward shaping; None: none.
            keeps_skid_marks: whether skid marks are recorded.
            glyphs: the arrays of a GlyphTable.
            num_threads: threads, the caller's included.
            is_single: whether `step` takes the action of one game, or None, instead of one per game.
            track_state: (6,) uint64, the random state that `options.track_seed` gives, if it is not None.
        """

    def set_rules(self, rules: ShapingRules | None) -> None:
        """Replaces the shaping rules from the next step on."""

    def checked_ids(self, env_ids: ArrayLike) -> NDArray[np.int64]:
        """Returns `env_ids` as (n,) int64.

        Raises IndexError, TypeError or ValueError unless they are n >= 1 different integers from 0 to num_envs - 1.
        """

    def reset(
        self,
        resets: NDArray[np.bool_],
        recolours: NDArray[np.bool_],
        reseeds: NDArray[np.bool_],
        states: NDArray[np.uint64],
        env_ids: ArrayLike | None = None,
        out: NDArray[np.uint8] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
        """Starts episodes in the games selected by `resets`: frames and reports, whose other rows are undefined.

        Args:
            resets: (rows,).
            recolours: (rows,) games that draw new colours, if they randomise them.
            reseeds: (rows,) games whose random state is replaced by that in `states`.
            states: (rows, 6).
            env_ids: the games of the rows; None: all.
            out: array to which the frames are written; None: a new one.
        """

    def step(
        self, actions: ArrayLike, env_ids: ArrayLike | None = None, out: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8] | None, NDArray[np.void] | None]:
        """Steps the games: frames, reports, last frames and last reports.

        The last two are of the episodes that ended, with same-step autoreset if one did; else None.
        """

    def observe(
        self, env_ids: ArrayLike | None = None, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Returns the current frames."""

    def exact_frame(self, env: int, width: int, height: int, with_skid_marks: bool) -> NDArray[np.uint8]:
        """Returns the image of a game as pygame draws it, (height, width, 3) uint8."""

    def track(self, env: int) -> dict[str, Any]:
        """Returns the fields of a TrackSnapshot."""

    def car(self, env: int) -> np.void:
        """Returns the fields of a CarSnapshot, structured."""

    def cars(self) -> NDArray[np.void]:
        """Returns the fields of a CarSnapshot of every game, (num_envs,) structured."""

    def skid_marks(self, env: int) -> list[tuple[bool, NDArray[np.float64]]]:
        """Returns pairs of whether the mark is on grass and its points (n, 2)."""

    def episode_values(self, env: int) -> tuple[int, int, int, float, float, float, bool]:
        """Returns (episode, tiles of the road, visited tiles, t, reward, prev_reward, new_lap).

        The last four are CarRacing's attributes. The number of the episode is unique in the process; 0 before the first
        reset.
        """

    def palette(self, env: int) -> NDArray[np.float64]:
        """Returns the colours of road, background and grass, (3, 3) float64."""

    def body_values(
        self, env: int, body: int
    ) -> tuple[int, float, float, float, float, float, float, float, float, float, float]:
        """Returns (episode, x, y, angle, sine, cosine, centre x, centre y, velocity x, velocity y, spin).

        Bodies are the four wheels, then the hull; the centre is that of mass.
        """

    def wheel_values(self, env: int, wheel: int) -> tuple[int, float, float, float, float, float, bool, int]:
        """Returns (episode, steer, gas, brake, omega, phase, whether a skid mark can start, index of its mark).

        The index is of `skid_marks`, or -1: none, -2: dropped. Steering and gas are those of the car.
        """

    def joint_values(self, env: int, wheel: int) -> tuple[int, float, float, float, float, float]:
        """Returns (episode, motor speed, impulse x, impulse y, impulse of the limit, of the motor)."""

    def wheel_tiles(self, env: int, wheel: int) -> tuple[int, list[int]]:
        """Returns (episode, indices of the tiles that the wheel touches, ascending)."""

    def tile_values(self, env: int, tile: int) -> tuple[int, bool, bool]:
        """Returns (episode, whether a wheel has visited the tile, whether any part of the car has touched it)."""

    def tile_vertices(self, env: int, tile: int) -> list[tuple[float, float]]:
        """Returns the vertices of Box2D's polygon of a tile, pairs of float32."""

    def failed_tracks(self, env: int) -> int:
        """Returns the number of failed attempts before the current track."""

    def random_state(self, env: int) -> NDArray[np.uint64]:
        """Returns the game's random state, (6,) uint64."""

    def save(self, env: int, total: float = 0.0, steps: int = 0, seconds: float = 0.0) -> bytes:
        """Returns the state of a game with statistics of its episode, under one checksum."""

    def load(self, envs: Sequence[int], states: Sequence[bytes]) -> list[tuple[float, int, float]]:
        """Restores the states of games and returns their statistics.

        Raises ValueError, naming the game, and changes nothing, if bytes are not a state that can occur.
        """

def mass_values(hull: bool) -> tuple[float, float, float, float]:
    """Returns mass, inertia about the origin, x and y of the centre of mass of the hull, or of a wheel."""

def shape_vertices(hull: bool) -> list[list[tuple[float, float]]]:
    """Returns the vertices of Box2D's polygons of the hull, or of a wheel: lists of pairs of float32."""
