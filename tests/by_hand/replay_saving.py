"""Measures `IncrementalSaver` on a full replay of a million frames of 42x42 pixels.

Needs 4 GiB of memory, 4 GB on a disk and a minute or two; not collected by pytest. Usage:

    .venv/bin/python tests/by_hand/replay_saving.py /tmp
    .venv/bin/python tests/by_hand/replay_saving.py /tmp --frames 200_000 --new-steps 2_000 --steps-per-second 1_000

A thread writes snapshots while this one adds steps at a given rate. Prints the time of `snapshot`, of the complete and
of the following incremental writes, and the times of `add` without and during writes. The loaded folders are compared
with the replay. A plain write and synchronization of as many bytes shows what the disk can do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apexline import PrioritizedFrameReplay
from apexline.replay import IncrementalSaver

NUM_ENVS = 16
SIDE = 42


class Game:
    """Random steps of all environments for a replay."""

    def __init__(self, replay: PrioritizedFrameReplay, per_second: float) -> None:
        self.replay = replay
        self.per_second = per_second
        self.random = np.random.default_rng(0)
        self.frames = self.random.integers(0, 256, (64, NUM_ENVS, SIDE, SIDE), np.uint8)
        self.steps = 0

    def add(self) -> float:
        """One step; returns the seconds that `add` took."""
        frames = self.frames[self.steps % len(self.frames)]
        truncated = np.full(NUM_ENVS, self.steps % 250 == 249)
        self.steps += 1
        begin = time.perf_counter()
        self.replay.add(
            frames, np.zeros((NUM_ENVS, 3)), np.ones(NUM_ENVS), np.zeros(NUM_ENVS, bool), truncated, frames
        )
        return time.perf_counter() - begin

    def add_until(self, is_over: Callable[[], bool]) -> NDArray[np.float64]:
        """Steps at the given rate; returns the seconds of each."""
        begin, seconds = time.perf_counter(), []
        while not is_over():
            seconds.append(self.add())
            time.sleep(max(0.0, begin + len(seconds) / self.per_second - time.perf_counter()))
        return np.array(seconds)


def print_adds(what: str, seconds: NDArray[np.float64]) -> None:
    median, high = 1e6 * np.quantile(seconds, [0.5, 0.99])
    print(
        f"{what:34} {len(seconds):6} adds: median {median:6.0f} us, 99% {high:6.0f} us, "
        f"longest {1e3 * seconds.max():6.1f} ms, all {seconds.sum():.2f} s"
    )


def save(saver: IncrementalSaver, game: Game, folder: Path, what: str) -> None:
    begin = time.perf_counter()
    snapshot = saver.snapshot()
    stall = time.perf_counter() - begin
    expected = saver_state(game.replay)
    begin = time.perf_counter()
    writer = threading.Thread(target=saver.write, args=(snapshot, folder))
    writer.start()
    seconds = game.add_until(lambda: not writer.is_alive())
    writer.join()
    spent = time.perf_counter() - begin
    files = list(folder.iterdir())
    new = sum(path.stat().st_size for path in files if path.stat().st_nlink == 1)
    print(
        f"{what:34} snapshot {1e3 * stall:.1f} ms, write {spent:.2f} s, {new / 1e6:.1f} MB new, {len(files)} files"
    )
    print_adds("  during it", seconds)
    twin = PrioritizedFrameReplay(**options(game.replay.capacity))  # type: ignore[arg-type]
    begin = time.perf_counter()
    IncrementalSaver(twin).load(folder)
    print(f"  loaded in {time.perf_counter() - begin:.2f} s")
    assert saver_state(twin) == expected


def saver_state(replay: PrioritizedFrameReplay) -> tuple[object, ...]:
    """Counters and priorities, for a comparison."""
    state = replay._core.state()
    return state["rings"], state["draws"], state["priorities"].tobytes()


def options(frames: int) -> dict[str, object]:
    return {
        "capacity": frames,
        "num_envs": NUM_ENVS,
        "frame_shape": (SIDE, SIDE),
        "action_shape": (3,),
        "frame_stack": 4,
        "n_step": 3,
        "seed": 1,
    }


def write_plainly(folder: Path, nbytes: int) -> float:
    """Seconds to write and synchronize as many bytes in 64 MB files."""
    block = np.random.default_rng(0).bytes(64 << 20)
    begin = time.perf_counter()
    for number in range(nbytes // len(block) + 1):
        with (folder / f"plain-{number}").open("wb") as file:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
    seconds = time.perf_counter() - begin
    for path in folder.glob("plain-*"):
        path.unlink()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="on the disk to measure")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--new-steps", type=int, default=5_000, help="between two saves, of each environment")
    parser.add_argument("--steps-per-second", type=float, default=500, help="during a save")
    arguments = parser.parse_args()
    replay = PrioritizedFrameReplay(**options(arguments.frames))  # type: ignore[arg-type]
    game = Game(replay, arguments.steps_per_second)
    for _ in range(arguments.frames // NUM_ENVS + 100):
        game.add()
    print(
        f"{arguments.frames:,} frames of {SIDE}x{SIDE} in {NUM_ENVS} environments: {replay.nbytes / 1e9:.2f} GB"
    )
    print_adds("no save", np.array([game.add() for _ in range(5_000)]))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        print(f"a plain write of as many bytes: {write_plainly(folder, replay.nbytes):.2f} s")
        saver = IncrementalSaver(replay)
        save(saver, game, folder / "0", "complete")
        for number in range(1, 4):
            for _ in range(arguments.new_steps):
                game.add()
            save(saver, game, folder / str(number), f"after {arguments.new_steps * NUM_ENVS:,} steps more")


if __name__ == "__main__":
    main()
