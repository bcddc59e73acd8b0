"""How the game is presented to an agent, and the rules that hold in training episodes only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

FULL_SIDE = 96
"""Side of the game's own image, in pixels."""
CROPPED_SIDE = 84
"""Side of the image without the indicators, in pixels."""


@dataclass(frozen=True)
class ShapingRules:
    """Shapes training episodes; every rule is off by default. A step is `action_repeat` game frames.

    Raises ValueError, naming field and value, where a value is out of range.
    """

    stall_steps: int = 0
    """Steps in a row without a new tile that end an episode as terminated; 0 switches the rule off."""
    stall_penalty: float = 10.0
    """Taken from the reward of the step that ends an episode by stalling."""
    idle_penalty: float = 0.0
    """Taken from the reward of every step without a new tile; 0: rule off."""
    lap_bonus: float = 0.0
    """Added to the reward of the step that ends a lap: with the last tile visited, as the game has it, or, where
    some were missed, back at the start of the road, where the episode is then terminated; 0 switches the rule off."""
    missed_tile_penalty: float = 0.0
    """Taken from the reward of a step that leaves tiles behind unvisited, however many; 0: rule off."""
    missed_tile_margin: int = 3
    """A tile is left behind when the car is more than this many tiles past it."""

    def __post_init__(self) -> None:
        for name in ("stall_steps", "missed_tile_margin"):
            _require(self, name, 0 <= getattr(self, name) < 2**31, ">= 0 and below 2**31")
        for name in ("stall_penalty", "idle_penalty", "lap_bonus", "missed_tile_penalty"):
            _require(self, name, 0 <= getattr(self, name) < math.inf, "finite and >= 0")


@dataclass(frozen=True)
class EnvOptions:
    """What a step is, what a frame looks like, how the car is steered; by default, the plain game.

    Raises ValueError, naming field and value, where a value is out of range.
    """

    action_repeat: int = 1
    """Game frames (1/50 s each) for which an action is held; their rewards are summed."""
    crop_hud: bool = False
    """Cut off the indicators: keep rows 0:84 and columns 6:90."""
    gray: bool = False
    """One channel (0.299 R + 0.587 G + 0.114 B) instead of three."""
    road_contrast: bool = False
    """Spread the road's shades by a tone curve of gray frames (see `RoadContrast`): tiles still to be visited, whose
    shades alternate by 2 of 255, then stand out from visited ones, which are all alike."""
    frame_size: int = FULL_SIDE
    """Side of a frame in pixels, after an area mean; at most 96, or 84 where `crop_hud` is set."""
    pedal: bool = False
    """Two actions (steer, pedal), gas and brake on one axis, instead of (steer, gas, brake)."""
    skip_zoom: int = 0
    """Game frames without action after a reset, before the first observation, at most 999; they count in `frames` and
    `score`. The game zooms in over 49 frames, in which images hold little of the road."""
    rules: ShapingRules = field(default_factory=ShapingRules)
    """Rules for training episodes; evaluation never applies them."""

    def __post_init__(self) -> None:
        _require(self, "action_repeat", self.action_repeat >= 1, ">= 1")
        _require(self, "skip_zoom", 0 <= self.skip_zoom < 1000, "between 0 and 999")
        _require(self, "road_contrast", self.gray or not self.road_contrast, "False where gray is False")
        side = self.visible_side
        _require(self, "frame_size", 1 <= self.frame_size <= side, f"between 1 and {side}")

    @property
    def visible_side(self) -> int:
        """Side of the image before the area mean, in pixels."""
        return CROPPED_SIDE if self.crop_hud else FULL_SIDE

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame: (size, size) if gray, else (3, size, size)."""
        square = (self.frame_size, self.frame_size)
        return square if self.gray else (3, *square)


def _require(options: object, name: str, holds: bool, demand: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {getattr(options, name)}; it must be {demand}")
