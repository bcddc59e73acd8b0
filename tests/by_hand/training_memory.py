"""Compares the memory of a short training run with its estimate.

Takes about ten seconds and needs /proc; not collected by pytest. Usage:

    .venv/bin/python tests/by_hand/training_memory.py
    .venv/bin/python tests/by_hand/training_memory.py --preset notebook --steps 64
    .venv/bin/python tests/by_hand/training_memory.py --backend gymnasium

The preset runs on the CPU with a small replay and one thread, in a process whose process tree is sampled every 20 ms.
Prints the resident memory (RSS, which counts shared libraries in every process) and the proportional share (PSS) of
each process when the sum of the RSS was largest. Raises AssertionError if the estimate is more than a tenth below that
sum or more than a quarter above it.
"""

import argparse
import multiprocessing
import tempfile
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from apexline.training import TrainConfig, preset, train
from apexline.training.machine.memory_check import describe_memory
from apexline.training.machine.memory_estimate import ram_bytes

MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--capacity", type=int, default=2_000)
    parser.add_argument("--backend", choices=("native", "gymnasium"), default="native")
    arguments = parser.parse_args()

    config = preset(arguments.preset)
    config = replace(
        config,
        device="cpu",
        threads=1,
        backend=arguments.backend,
        replay=replace(config.replay, capacity=arguments.capacity),
        learning=replace(config.learning, learning_starts=min(200, arguments.steps // 2)),
        budget=replace(
            config.budget,
            minutes=None,
            total_episodes=None,
            total_frames=arguments.steps * config.game.action_repeat,
        ),
        monitor=replace(config.monitor, eval_steps=max(1, arguments.steps // 2), eval_episodes=2),
    )
    print(describe_memory(config))
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(
            target=run, args=(config, Path(folder) / "run")
        )
        process.start()
        peak = watched(process)
    assert process.exitcode == 0, f"the run ended with {process.exitcode}"

    need = sum(ram_bytes(config).values()) / MIB
    rss, pss = (sum(figures[i] for figures in peak.values()) / MIB for i in (0, 1))
    for number, (own_rss, own_pss) in peak.items():
        print(f"process {number}: RSS {own_rss / MIB:.0f} MiB, PSS {own_pss / MIB:.0f} MiB")
    print(
        f"estimate {need:.0f} MiB; RSS {rss:.0f} ({need / rss:.2f} of it), PSS {pss:.0f} ({need / pss:.2f})"
    )
    assert 0.9 * rss <= need <= 1.25 * rss, (
        f"the estimate is {need / rss:.2f} of the RSS; expected 0.9 to 1.25"
    )


def run(config: TrainConfig, folder: Path) -> None:
    train(config, folder)


def watched(process: BaseProcess) -> dict[int, tuple[int, int]]:
    """RSS and PSS in bytes of each process of the tree by pid, when the sum of the RSS was largest."""
    peak: dict[int, tuple[int, int]] = {}
    assert process.pid is not None
    while process.is_alive():
        now = {number: figures for number in tree(process.pid) if (figures := memory_of(number))}
        if sum(rss for rss, _ in now.values()) > sum(rss for rss, _ in peak.values()):
            peak = now
        time.sleep(0.02)
    return peak


def tree(root: int) -> list[int]:
    """The pids of `root` and all its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for number in found:
        found += children.get(number, [])
    return found


def memory_of(number: int) -> tuple[int, int] | None:
    """RSS and PSS in bytes; None if the process has ended."""
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
    return sizes["Rss:"], sizes["Pss:"]


if __name__ == "__main__":
    main()
