"""`python -m benchmarks.updates.compare`: gradient updates of apexline and other libraries, same networks and batch.

Every round times a burst of each, starting with another one each time. A ratio is the median over the rounds of the
other library's time over apexline's in the same round. Time is processor time on a CPU, and wall-clock time between
two synchronizations on a GPU.
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
"""Seconds per burst, approximately."""
CALLS = ("update", "replay_update")

METHOD = """\
`fixed batch` is the gradient update alone; `own replay` also samples the batch from the library's own replay of 5,000
transitions and, for apexline, updates the priorities. Times are the median over {rounds} rounds and, in brackets, the
shortest round. A ratio is the median over the rounds of the library's time over apexline's in the same round: above 1
the library is slower. {clock} {threads} for torch and the replays."""

DIFFERENCES = """\
The encoder, the bottleneck behind it (Linear, LayerNorm, Tanh), the widths of the hidden layers, the batch, the
learning rates and the n-step discount are the same for all. The differences:

- apexline computes encoders in bfloat16 and has LayerNorm in hidden layers; the others compute in float32 without it.
  The float32 row of apexline shows how much of the ratio comes from the precision.
- On a GPU apexline's update is one CUDA graph, as in training; the others launch every kernel.
- apexline flips transitions at random; its critic has importance weights, its actor a penalty, both losses smoothing
  noise; it keeps a weight average for evaluation, reads no value on the host, and updates all copies in one call.
- apexline and DrQ-v2 have one bottleneck per head, the others one per encoder.
- apexline's replay is prioritized, with n-step 3 and random shifts; stable-baselines3's is uniform, with n-step 3."""


@dataclass
class Row:
    """An updater, the calls per burst, and the seconds per call in each round, by call and clock."""

    updater: Updater
    size: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)


def main() -> None:
    """Measures and prints a Markdown table; `--out` writes it to a folder."""
    parser = argparse.ArgumentParser(
        description="Gradient updates of apexline and other libraries, as a table."
    )
    parser.add_argument(
        "--preset", choices=("cpu", "cuda"), default="cpu", help="preset of the networks and the batch"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch and the replays; default 1")
    parser.add_argument("--rounds", type=int, default=30, help="bursts of each updater; default 30")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write README.md and rounds.json there")
    options = parser.parse_args()
    for name in ("threads", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; expected >= 1")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device is cuda, but torch finds no GPU")

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
    """Checks the updater, warms it up and sets the number of calls per burst."""
    row.updater.check()
    for call in CALLS if row.updater.has_replay else CALLS[:1]:
        update = getattr(row.updater, call)
        burst(update, 3, device)
        row.size[call] = max(1, round(BURST / burst(update, 3, device)["wall"]))
        row.rounds[call] = []


def burst(call: Callable[[], None], count: int, device: torch.device) -> dict[str, float]:
    """Seconds per call: processor time (all threads of the process together) and wall-clock time."""
    call()
    _wait(device)
    clock, processor = perf_counter(), process_time()
    for _ in range(count):
        call()
    _wait(device)
    return {"cpu": (process_time() - processor) / count, "wall": (perf_counter() - clock) / count}


def ratio(row: Row, base: Row, call: str, clock: str) -> float:
    """Median over the rounds of the time of `row` over the time of `base`."""
    pairs = zip(row.rounds[call], base.rounds[call], strict=True)
    return median(theirs[clock] / ours[clock] for theirs, ours in pairs)


def report(rows: Sequence[Row], setting: Setting, rounds: int) -> str:
    """The table with the method, the differences and the versions."""
    config, device = setting.config, setting.device.type
    clock = "cpu" if device == "cpu" else "wall"
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    networks = (
        f"encoder {config.agent.encoder}, hidden {config.agent.hidden}, batch {config.learning.batch_size}"
    )
    found = {**versions(), "stable-baselines3": stable_baselines3.__version__}
    method = METHOD.format(
        rounds=rounds,
        clock=f"Time is {'processor' if clock == 'cpu' else 'wall-clock'} time.",
        threads="One thread" if setting.threads == 1 else f"{setting.threads} threads",
    )
    sections = [
        "# Gradient updates of apexline and other libraries",
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
    """A row for each updater; the ratios are to the first two, which have one critic and two."""
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
    """Writes README.md, and rounds.json with the times of every round."""
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
