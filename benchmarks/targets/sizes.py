"""`python -m benchmarks.targets.sizes`: the time of a frame for sizes and formats of images, and its ratio to 96x96x3.

Steps of 16 environments on one thread with random driving, one frame per step, without resets. All formats are timed
alternately in bursts of 40 steps; a time is the median over the rounds, a ratio the median of the ratios of the rounds.
Time is processor time. With `--large`, sizes above 96 are timed too, of one environment. `APEXLINE_ISA` chooses the
instruction set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from apexline import _core
from apexline.racing import CarRacingVectorEnv, random_driving
from benchmarks.machine import here_and_now, versions

GAMES = 16
STEPS = 40
"""Steps in a burst."""
LARGE_STEPS = 8
TARGET = 1.5
"""Largest ratio to 96x96x3 for sizes up to 96."""

GRAY: dict[str, Any] = {"gray": True}
CROPPED: dict[str, Any] = {"crop_hud": True}
FORMATS: dict[str, dict[str, Any]] = {
    "96x96x3": {},
    "96x96 gray": GRAY,
    **{f"{side}x{side} gray": {**GRAY, "frame_size": side} for side in (84, 64, 48)},
    **{f"{side}x{side}x3": {"frame_size": side} for side in (95, 84, 64, 48)},
    **{f"{side}x{side} gray, cropped": {**GRAY, **CROPPED, "frame_size": side} for side in (84, 64, 42)},
    "64x64x3, cropped": {**CROPPED, "frame_size": 64},
    "84x96x3": {"frame_size": (84, 96)},
    "50x77x3": {"frame_size": (50, 77)},
    "96x12x3": {"frame_size": (96, 12)},
}
LARGE: dict[str, dict[str, Any]] = {
    f"{height}x{width}x3": {"frame_size": (height, width)}
    for height, width in ((128, 128), (192, 192), (256, 256), (400, 600), (800, 1000))
}


class Burst:
    """Steps of environments with one format."""

    def __init__(self, options: dict[str, Any], games: int, steps: int) -> None:
        self.env = CarRacingVectorEnv(games, num_threads=1, max_episode_steps=None, **options)
        random = np.random.default_rng(0)
        self.actions = [random_driving(random, games, pedal=False) for _ in range(steps)]
        self.env.reset(seed=0)

    def microseconds(self) -> float:
        """Runs one burst; returns the time of a frame."""
        start = process_time()
        for actions in self.actions:
            self.env.step_raw(actions)
        return 1e6 * (process_time() - start) / (len(self.actions) * self.env.num_envs)


def main() -> None:
    """Measures and prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description="Time of a frame for sizes and formats of images, as a table."
    )
    parser.add_argument("--rounds", type=int, default=30, help="bursts of each format; default 30")
    parser.add_argument("--large", action="store_true", help="also sizes above 96")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; expected >= 1")
    print(f"{here_and_now()}; ISA {_core.isa()}; {versions()}; {options.rounds} rounds\n")
    print("| image | us per frame | ratio to 96x96x3 |\n|---|---|---|")
    bursts = {name: Burst(fields, GAMES, STEPS) for name, fields in FORMATS.items()}
    if options.large:
        bursts |= {name: Burst(fields, 1, LARGE_STEPS) for name, fields in LARGE.items()}
    rounds = [[burst.microseconds() for burst in bursts.values()] for _ in range(options.rounds)]
    for name, times in zip(bursts, zip(*rounds, strict=True), strict=True):
        _row(name, times, [whole for whole, *_ in rounds])


def _row(name: str, times: Sequence[float], whole: Sequence[float]) -> None:
    ratio = median(time / reference for time, reference in zip(times, whole, strict=True))
    note = f" (target {TARGET})" if name in FORMATS and ratio > TARGET else ""
    print(f"| {name} | {median(times):.1f} | {ratio:.2f}{note} |", flush=True)


if __name__ == "__main__":
    main()
