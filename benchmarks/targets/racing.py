"""`python -m benchmarks.targets.racing`: the targets of the native environments and what is measured.

Random driving, with resets at the ends of episodes. The environments of a ratio are timed alternately, in bursts of a
sixteenth of an episode; a figure is the median over the rounds. Time is processor time, or wall-clock time if threads
are compared. Memory is measured in a separate process. EnvPool is timed too if `make bench-peers` has installed it.
Takes one to two minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import gymnasium as gym
import numpy as np

from apexline import _core
from apexline.racing import CarRacingEnv, CarRacingVectorEnv, random_driving
from benchmarks.machine import here_and_now, versions
from benchmarks.peers.environments import CHECKOUT, ENVIRONMENTS
from benchmarks.peers.workers import Entry, Worker

GAMES = 16
EPISODE = 1000
"""Frames per episode."""
BURST = EPISODE // 16
"""Frames per environment in a native burst; every burst contains its share of resets."""
STOCK_BURST = 16
"""Frames in a burst of the stock game, which takes milliseconds per frame."""
ZOOM = 60
"""Frames before the first burst of a single game: the zoom at the start ends after frame 49."""
ACTIONS = 256
"""Random actions per environment before they repeat."""
CALLS = 2000
"""Steps per burst when the Python overhead of a step is measured."""
RESETS = (2_000, 20_000)

PLAIN: dict[str, Any] = {}
GRAY_84: dict[str, Any] = {"action_repeat": 4, "gray": True, "crop_hud": True}
GRAY_42: dict[str, Any] = {**GRAY_84, "frame_size": 42}
NAMES = {
    "96x96x3, one frame per step": PLAIN,
    "gray 84x84, four frames per step": GRAY_84,
    "gray 42x42, four frames per step": GRAY_42,
}

Clock = Callable[[], float]
Burst = Callable[[], float]
"""Runs one burst; returns seconds per frame and environment."""


def main() -> None:
    """Measures and prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description="Targets of the native environments and what is measured, as a table."
    )
    parser.add_argument("--rounds", type=int, default=30, help="bursts of each environment; default 30")
    rounds: int = parser.parse_args().rounds
    if rounds < 1:
        parser.error(f"--rounds is {rounds}; expected >= 1")
    print(f"{here_and_now()}; ISA {_core.isa()}; {versions()}; {rounds} rounds\n")
    print("| what | measured | target |\n|---|---|---|")
    _rows_of_paces(rounds)
    _rows_of_threads(rounds)
    _row(
        "reset of one environment, with a new track",
        f"{1e3 * _seconds_per_reset(rounds):.3f} ms",
        "at most 0.5 ms",
    )
    _row(
        f"Python overhead of a step of {GAMES} environments",
        f"{1e6 * _seconds_in_python(rounds):.1f} us",
        "at most 20 us",
    )
    _row("memory of 64 environments", f"{_in_a_process('memory_of_games'):.1f} MB", "at most 100 MB")
    grown = _in_a_process("growth_over_resets")
    _row(f"memory growth from {RESETS[0]:,} to {RESETS[1]:,} resets", f"{grown:+.2f} MB", "none")


def memory_of_games() -> float:
    """MB of 64 environments and the libraries they load, after a reset and some steps."""
    actions = random_driving(np.random.default_rng(0), 64, pedal=False)
    before = _resident_megabytes()
    env = CarRacingVectorEnv(64, num_threads=1)
    env.reset(seed=0)
    for _ in range(ZOOM):
        env.step(actions)
    return _resident_megabytes() - before


def growth_over_resets() -> float:
    """MB added between the first and the last of `RESETS`."""
    env = CarRacingVectorEnv(GAMES, num_threads=1)
    env.reset(seed=0)
    megabytes = []
    done = 0
    for target in RESETS:
        while done < target:
            env.reset()
            done += GAMES
        megabytes.append(_resident_megabytes())
    return megabytes[1] - megabytes[0]


def _rows_of_paces(rounds: int) -> None:
    with _envpool() as envpool:
        bursts = [_native(options, GAMES, 1, process_time) for options in NAMES.values()]
        bursts += [_single(), _stock(), *([envpool] if envpool else [])]
        plain, gray_84, gray_42, single, stock, *pool = _in_turns(bursts, rounds)
    _row(f"frames/s, {GAMES} environments of 96x96x3, one thread", _pace(plain), "")
    _row("frames/s of the stock game, without resets", _pace(stock), "")
    _row("ratio of the two", _ratio(stock, plain), "at least 90")
    _row("frames/s of a single native environment", _pace(single), "")
    _row("ratio to the stock game", _ratio(stock, single), "at least 40")
    if pool:
        _row(f"frames/s of EnvPool, {GAMES} environments, one thread", _pace(pool[0]), "")
        _row("native frames/s over EnvPool's", _ratio(pool[0], plain), "at least 12")
    _row(f"frames/s, {GAMES} of gray 84x84, four frames per step", _pace(gray_84), "40,000 (later 100,000)")
    _row(f"frames/s, {GAMES} of gray 42x42, four frames per step", _pace(gray_42), "50,000 (later 150,000)")


def _rows_of_threads(rounds: int) -> None:
    for name, options in NAMES.items():
        for games in (GAMES, 64):
            one, two = _in_turns(
                [_native(options, games, threads, perf_counter) for threads in (1, 2)], rounds
            )
            _row(f"two threads over one, {games} environments of {name}", _ratio(one, two), "at least 1.8")


def _native(options: dict[str, Any], games: int, threads: int, clock: Clock) -> Burst:
    """Environments at evenly spread points of their episodes, so that every burst has its share of resets and zooms."""
    env = CarRacingVectorEnv(games, num_threads=threads, max_episode_frames=EPISODE, **options)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = cycle([random_driving(rng, games, pedal=False) for _ in range(ACTIONS)])
    repeat: int = options.get("action_repeat", 1)
    steps = EPISODE // repeat
    begins = np.arange(games) * steps // games
    for step in range(steps):
        if (begins == step).any():
            env.reset(options={"reset_mask": begins == step})
        env.step(next(actions))
    burst_steps = BURST // repeat

    def burst() -> float:
        begin = clock()
        for _ in range(burst_steps):
            env.step(next(actions))
        return (clock() - begin) / (burst_steps * repeat * games)

    return burst


def _single() -> Burst:
    """Bursts of one episode with its reset."""
    return _of_one_game(CarRacingEnv(max_episode_frames=EPISODE), EPISODE)


def _stock() -> Burst:
    """The stock game without gymnasium's wrappers."""
    return _of_one_game(gym.make("CarRacing-v3", disable_env_checker=True).unwrapped, STOCK_BURST)


def _of_one_game(env: gym.Env[Any, Any], frames: int) -> Burst:
    env.reset(seed=0)
    actions = cycle(random_driving(np.random.default_rng(0), ACTIONS, pedal=False))

    def play(frames: int) -> float:
        begin = process_time()
        for _ in range(frames):
            _, _, terminated, truncated, _ = env.step(next(actions))
            if terminated or truncated:
                env.reset()
        return (process_time() - begin) / frames

    play(ZOOM)
    return lambda: play(frames)


@contextmanager
def _envpool() -> Iterator[Burst | None]:
    """EnvPool with `GAMES` environments, as installed by `make bench-peers`; None if it is not installed."""
    python = ENVIRONMENTS / "envpool" / "bin" / "python"
    if not python.exists():
        yield None
        return
    entry = Entry("envpool", "games")
    worker = Worker(entry, python)

    def burst() -> float:
        worker.time()
        seconds: float = entry.rounds["step"][-1]["cpu"]
        return seconds / GAMES

    try:
        yield burst
    finally:
        worker.stop()


def _seconds_per_reset(rounds: int) -> float:
    env = CarRacingVectorEnv(GAMES, num_threads=1)
    env.reset(seed=0)

    def reset() -> float:
        begin = process_time()
        env.reset()
        return (process_time() - begin) / GAMES

    return median(_in_turns([reset], 3 * rounds)[0])


def _seconds_in_python(rounds: int) -> float:
    """Seconds per step if the C++ side returns a stored result at once."""
    env = CarRacingVectorEnv(GAMES, num_threads=1)
    env.reset(seed=0)
    actions = random_driving(np.random.default_rng(0), GAMES, pedal=False)
    result = env._games.world.step(actions)

    class StoredResult:
        def step(self, _: Any) -> Any:
            return result

    env._games._world = StoredResult()  # type: ignore[assignment]

    def burst() -> float:
        begin = process_time()
        for _ in range(CALLS):
            env.step(actions)
        return (process_time() - begin) / CALLS

    return median(_in_turns([burst], rounds)[0])


def _in_turns(bursts: Sequence[Burst], rounds: int) -> list[list[float]]:
    """Seconds of each burst in each round, alternating; one warm-up burst each is not counted."""
    for burst in bursts:
        burst()
    seconds = [[burst() for burst in bursts] for _ in range(rounds)]
    return [list(each) for each in zip(*seconds, strict=True)]


def _in_a_process(function: str) -> float:
    module = "benchmarks.targets.racing"
    command = [sys.executable, "-c", f"from {module} import {function}; print({function}())"]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def _resident_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


def _pace(seconds: Sequence[float]) -> str:
    return f"{1 / median(seconds):,.0f}"


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    return f"{median(ours / theirs for ours, theirs in zip(slow, fast, strict=True)):.3g}"


def _row(what: str, figure: str, target: str) -> None:
    print(f"| {what} | {figure} | {target} |", flush=True)


if __name__ == "__main__":
    main()
