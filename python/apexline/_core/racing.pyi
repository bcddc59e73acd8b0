"""Core of apexline.racing, which documents and checks what it passes."""

from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexline.racing.options import GameOptions, ShapingRules

_Glyphs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]

class ResetNeededError(RuntimeError):
    """An environment was never reset, or its episode has ended."""

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
    ) -> None:
        """Makes one game per random state.

        Args:
            options: of every game.
            states: (num_envs, 6) uint64, the random state of each game: see apexline.racing.native.rng.
            autoreset: "next_step", "same_step" or "disabled".
            rules: reward shaping; None: none.
            keeps_skid_marks: whether skid marks are recorded.
            glyphs: the arrays of a GlyphTable.
            num_threads: threads, the caller's included.
        """

    def set_rules(self, rules: ShapingRules | None) -> None:
        """Replaces the shaping rules from the next step on."""

    def reset(
        self,
        resets: NDArray[np.bool_],
        recolours: NDArray[np.bool_],
        reseeds: NDArray[np.bool_],
        states: NDArray[np.uint64],
    ) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
        """Starts episodes in the games selected by `resets`: frames and reports, whose other rows are undefined.

        Args:
            resets: (num_envs,).
            recolours: (num_envs,) games that draw new colours, if they randomise them.
            reseeds: (num_envs,) games whose random state is replaced by that in `states`.
            states: (num_envs, 6).
        """

    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8] | None, NDArray[np.void] | None]:
        """Steps every game: frames, reports, last frames and last reports.

        The last two are of the episodes that ended, with same-step autoreset if one did; else None.
        """

    def observe(self) -> NDArray[np.uint8]:
        """Returns the current frames."""

    def exact_frame(self, env: int, width: int, height: int, with_skid_marks: bool) -> NDArray[np.uint8]:
        """Returns the image of a game as pygame draws it, (height, width, 3) uint8."""

    def track(self, env: int) -> dict[str, Any]:
        """Returns the fields of a TrackSnapshot."""

    def car(self, env: int) -> dict[str, Any]:
        """Returns the fields of a CarSnapshot."""

    def skid_marks(self, env: int) -> list[tuple[bool, NDArray[np.float64]]]:
        """Returns pairs of whether the mark is on grass and its points (n, 2)."""

    def failed_tracks(self, env: int) -> int:
        """Returns the number of failed attempts before the current track."""

    def random_state(self, env: int) -> NDArray[np.uint64]:
        """Returns the game's random state, (6,) uint64."""

    def save(self, env: int, note: bytes = b"") -> bytes:
        """Returns the state of a game with a note, under one checksum."""

    def load(self, env: int, state: bytes) -> bytes:
        """Restores the state of a game and returns its note.

        Raises ValueError, and changes nothing, if the bytes are not a state.
        """
