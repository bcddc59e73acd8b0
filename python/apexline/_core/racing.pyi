"""Core of apexline.racing, which checks what it passes."""

from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Glyphs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
"""Widths (11,), steps (11, 11) and coverage (height, sum of widths): apexline.racing.native.glyphs.GlyphTable."""

class ResetNeededError(RuntimeError):
    """An environment was never reset, or its episode has ended."""

@final
class World:
    def __init__(
        self,
        *,
        states: NDArray[np.uint64],
        actions: str,
        autoreset: str,
        action_repeat: int,
        skip_zoom: int,
        max_frames: int,
        domain_randomize: bool,
        ends_at_start_line: bool,
        lap_complete_percent: float,
        keeps_skid_marks: bool,
        crop_hud: bool,
        gray: bool,
        frame_size: int,
        interleaved: bool,
        road_contrast: bool,
        rules: dict[str, Any],
        glyphs: _Glyphs,
        num_threads: int,
    ) -> None: ...
    def reset(
        self,
        resets: NDArray[np.bool_],
        recolours: NDArray[np.bool_],
        reseeds: NDArray[np.bool_],
        states: NDArray[np.uint64],
    ) -> tuple[NDArray[np.uint8], NDArray[np.void]]: ...
    def step(
        self, actions: ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8] | None, NDArray[np.void] | None]: ...
    def observe(self) -> NDArray[np.uint8]: ...
    def portrait(self, env: int, width: int, height: int, with_skid_marks: bool) -> NDArray[np.uint8]: ...
    def track(self, env: int) -> dict[str, Any]: ...
    def car(self, env: int) -> dict[str, Any]: ...
    def skid_marks(self, env: int) -> list[tuple[bool, NDArray[np.float64]]]: ...
    def failed_tracks(self, env: int) -> int: ...
    def random_state(self, env: int) -> NDArray[np.uint64]: ...
    def save(self, env: int) -> bytes: ...
    def load(self, env: int, state: bytes) -> None: ...
