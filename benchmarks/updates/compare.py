"""`python benchmarks/updates.py`: the whole gradient update of apexline and of others, on the same networks and batch.

All are timed in turns, a burst of each in every round, each round beginning one further; a ratio is the median over the
rounds of the peer's time over apexline's in the same round. On the CPU time is processor time of the process, which
other work on the machine hardly moves; on a GPU it is wall-clock time, from idle to idle.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import stable_baselines3
import torch

from apexline.training import preset
from benchmarks.machine import here_and_now, versions
from benchmarks.updates.updaters import UPDATERS, Setting, Updater

BURST = 0.25
"""Seconds that a burst is meant to take."""
CALLS = ("update", "replay_update")

METHOD = """\
`fixed batch` is the gradient update alone; `own replay` also draws the batch from the peer's own replay of 5,000
transitions and, in apexline's, returns the priorities. Times are the median over {rounds} rounds and, in brackets, the
shortest round. A ratio is the median over the rounds of the peer's time over apexline's in the same round: above 1 the
peer is slower. {clock} {threads} of torch and the replays."""

DIFFERENCES = """\
The encoder, the bottleneck behind it (Linear, LayerNorm, Tanh), the widths of the hidden layers, the batch, the
learning rates and the n-step discount are the same for all. What is not:

- apexline computes encoders in bfloat16 and has LayerNorm in hidden layers; the others compute in float32 without it.
  The float32 row of apexline tells how much of the ratio is arithmetic.
- On a GPU apexline's update is one CUDA graph, as in training; the others launch every kernel.
- apexline mirrors transitions by chance; its critic has importance weights, its actor a penalty, both losses smoothing
  noise; it keeps a weight average for evaluation, reads no value on the host, and moves all copies in one call.
- The bottleneck is one a head in apexline and DrQ-v2, one an encoder elsewhere.
- apexline's replay is prioritized, n-step 3 and shifts images; stable-baselines3's is uniform, with n-step 3."""


@dataclass
class Row:
    """An updater and the seconds of a call in each round, by call and clock."""

    updater: Updater
    size: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)


def main() -> None:
    """Measures and prints a Markdown table; writes it where it is told to."""
    parser = argparse.ArgumentParser(description="Gradient updates of apexline and of others, as a table.")
    parser.add_argument("--preset", choices=("cpu", "cuda"), default="cpu", help="whose networks and batch")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of torch and the replays; default 1")
    parser.add_argument("--rounds", type=int, default=30, help="bursts of everything; default 30")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write README.md and rounds.json there")
    options = parser.parse_args()
    for name in ("threads", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; it must be >= 1")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device is cuda, but torch sees no GPU")

    torch.set_num_threads(options.threads)
    setting = Setting(preset(options.preset), torch.device(options.device), options.threads)
    rows = [Row(updater(setting)) for updater in UPDATERS]
    for row in rows:
        make_ready(row, setting.device)
    for turn in range(options.rounds):
        first = turn % len(rows)
        for row in rows[first:] + rows[:first]:
            for call, rounds in row.rounds.items():
                rounds.append(burst(getattr(row.updater, call), row.size[call], setting.device))
    for row in rows:
        row.updater.check()
    text = report(rows, setting, options.rounds)
    print(text)
    if options.out is not None:
        write(options.out, text, rows, setting)


def make_ready(row: Row, device: torch.device) -> None:
    """Checks what the updater does, warms it up and chooses how many calls make a burst."""
    row.updater.check()
    for call in CALLS if row.updater.has_replay else CALLS[:1]:
        update = getattr(row.updater, call)
        burst(update, 3, device)
        row.size[call] = max(1, round(BURST / burst(update, 3, device)["wall"]))
        row.rounds[call] = []


def burst(call: Callable[[], None], count: int, device: torch.device) -> dict[str, float]:
    """Seconds a call, by the processor (all threads of the process together) and by the clock."""
    call()
    _wait(device)
    clock, processor = perf_counter(), process_time()
    for _ in range(count):
        call()
    _wait(device)
    return {"cpu": (process_time() - processor) / count, "wall": (perf_counter() - clock) / count}


def ratio(row: Row, base: Row, call: str, clock: str) -> float:
    """Median over the rounds of the row's time over the base's."""
    pairs = zip(row.rounds[call], base.rounds[call], strict=True)
    return median(theirs[clock] / ours[clock] for theirs, ours in pairs)


def report(rows: Sequence[Row], setting: Setting, rounds: int) -> str:
    """The table, and what must be known to read it."""
    config, device = setting.config, setting.device.type
    clock = "cpu" if device == "cpu" else "wall"
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    networks = f"encoder {config.agent.encoder}, hidden {config.agent.hidden}, batch {config.loop.batch_size}"
    found = {**versions(), "stable-baselines3": stable_baselines3.__version__}
    method = METHOD.format(
        rounds=rounds,
        clock=f"Time is {'processor' if clock == 'cpu' else 'wall-clock'} time.",
        threads="One thread" if setting.threads == 1 else f"{setting.threads} threads",
    )
    sections = [
        "# Gradient updates of apexline and of others",
        f"{here_and_now()}. Preset `{config.preset}` on {name}: observations {setting.shape}, {networks}.",
        method,
        table(rows, clock),
        "## Differences",
        DIFFERENCES,
        "\n".join(f"- {row.updater.name}: {row.updater.notes}." for row in rows),
        "## Versions",
        ", ".join(f"{package} {version}" for package, version in found.items()),
    ]
    return "\n\n".join(sections)


def table(rows: Sequence[Row], clock: str) -> str:
    """One row an updater; the first two, with one critic and with two, are what all are held against."""
    lines = [
        "| update | critics | fixed batch, ms | to one critic | to two | own replay, ms | to one critic | to two |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = [row.updater.name, str(row.updater.critics)]
        for call in CALLS:
            if call not in row.rounds:
                cells += ["-"] * 3
                continue
            times = [1e3 * each[clock] for each in row.rounds[call]]
            cells += [f"{median(times):.2f} ({min(times):.2f})"]
            cells += [f"{ratio(row, base, call, clock):.3g}" for base in rows[:2]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write(folder: Path, text: str, rows: Sequence[Row], setting: Setting) -> None:
    """README.md and rounds.json, with every round's times."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(text + "\n")
    raw = {
        "made": here_and_now(),
        "versions": {**versions(), "stable-baselines3": stable_baselines3.__version__},
        "preset": setting.config.preset,
        "device": torch.cuda.get_device_name() if setting.device.type == "cuda" else "cpu",
        "threads": setting.threads,
        "rows": [
            {
                "name": row.updater.name,
                "critics": row.updater.critics,
                "calls": row.size,
                "rounds": row.rounds,
            }
            for row in rows
        ],
    }
    (folder / "rounds.json").write_text(json.dumps(raw, indent=1) + "\n")


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
