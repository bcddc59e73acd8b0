"""Trains at full speed for hours with faults, and measures whether anything grows or slows down: `make soak`.

    python -m benchmarks.soak.run                              # two hours
    python -m benchmarks.soak.run --minutes 20 --warm-up 4 --window 4
    python -m benchmarks.soak.run --backend gymnasium          # environments in worker processes, which are killed

Starts `apexline train` with checkpoints every minute and evaluations in a worker process, kills a random worker
(SIGKILL) every few minutes, and samples memory, open files and processor time of all its processes every 10 seconds.
At the end, the replay of the last checkpoint is loaded and checked. Writes soak.json, after every 10 minutes too, and
the output of the training to the folder, prints a table, and exits with 1 if a criterion failed. Linux.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apexline.replay import IncrementalSaver
from apexline.training.config.validation import from_dict
from apexline.training.records import checkpoint
from apexline.training.session import Session
from benchmarks.machine import here_and_now, versions
from benchmarks.soak.processes import Process, tree
from benchmarks.soak.verdict import Sample, table, verdict

SAMPLE_SECONDS = 10.0
REPORT_SECONDS = 600.0


@dataclass(frozen=True)
class Kill:
    """A worker process that was killed."""

    seconds: float
    pid: int


class Watch:
    """Samples a training and kills a worker every `kill_seconds` until `last_kill`; 0: none."""

    def __init__(self, root: int, run: Path, kill_seconds: float, last_kill: float) -> None:
        self.samples: list[Sample] = []
        self.kills: list[Kill] = []
        self._root = root
        self._run = run
        self._kill_seconds = kill_seconds
        self._last_kill = last_kill
        self._random = random.Random(0)
        self._began = time.monotonic()
        self._next_kill = kill_seconds
        self._latest: dict[int, float] = {}
        self._ended = 0.0  # processor seconds of processes that have ended

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def step(self) -> None:
        """Take a sample, and kill a worker if it is time."""
        processes = tree(self._root)
        if not processes:
            return
        now = {process.pid: process.processor_seconds for process in processes}
        self._ended += sum(seconds for pid, seconds in self._latest.items() if pid not in now)
        self._latest = now
        sample = Sample(
            seconds=round(self.seconds, 2),
            rss=processes[0].rss,
            tree_rss=sum(process.rss for process in processes),
            files=processes[0].files,
            tree_files=sum(process.files for process in processes),
            processes=len(processes),
            processor_seconds=round(self._ended + sum(now.values()), 2),
            updates=latest_updates(self._run / "metrics.csv"),
        )
        self.samples.append(sample)
        if self._kill_seconds and self._next_kill <= self.seconds <= self._last_kill:
            self._kill_one([process for process in processes if process.is_worker])

    def _kill_one(self, workers: list[Process]) -> None:
        if not workers:
            return  # tried again with the next sample
        worker = self._random.choice(workers)
        os.kill(worker.pid, signal.SIGKILL)
        self.kills.append(Kill(round(self.seconds, 2), worker.pid))
        self._next_kill += self._kill_seconds


def latest_updates(metrics: Path) -> int:
    """Updates in the last row of metrics.csv that has them; 0 before the first."""
    try:
        with metrics.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return 0
    found = [row["charts/updates"] for row in rows if row.get("charts/updates")]
    return int(float(found[-1])) if found else 0


def faults(metrics: Path) -> dict[str, float]:
    """The last values of the columns faults/*."""
    with metrics.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in (rows[0] if rows else {}) if name.startswith("faults/")]
    return {name: next((float(row[name]) for row in reversed(rows) if row[name]), 0.0) for name in columns}


def check_replay(run: Path) -> int:
    """Load the replay of the newest checkpoint and verify its invariants; returns the number of its steps."""
    saved = checkpoint.newest(run, warn=print)
    session = Session(from_dict(checkpoint.load_config(run), str(run)))
    try:
        IncrementalSaver(session.replay).load(saved.path / "replay")
        session.replay.check()
        return len(session.replay)
    finally:
        session.close()


def command(arguments: argparse.Namespace, run: Path) -> list[str]:
    options = {
        "preset": "cpu",
        "out": run,
        "backend": arguments.backend,
        "threads": arguments.threads,
        "replay.capacity": arguments.capacity,
        "budget.minutes": arguments.minutes,
        "budget.total-frames": None,
        "monitor.log-seconds": 5,
        "monitor.checkpoint-seconds": 60,
        "monitor.eval-steps": arguments.eval_steps,
    }
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return [str(Path(sys.executable).with_name("apexline")), "train", *given, *arguments.options]


def report(
    arguments: argparse.Namespace, watch: Watch, outcome: dict[str, Any], machine: dict[str, Any]
) -> dict[str, Any]:
    return {
        **machine,
        "arguments": {name: value for name, value in vars(arguments).items() if name != "out"},
        **outcome,
        "kills": [asdict(kill) for kill in watch.kills],
        "samples": [asdict(sample) for sample in watch.samples],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--warm-up", type=float, default=15, help="minutes before the first window")
    parser.add_argument("--window", type=float, default=10, help="minutes of the first and the last window")
    parser.add_argument("--kill-minutes", type=float, default=5, help="minutes between kills; 0: none")
    parser.add_argument(
        "--capacity", type=int, default=20_000, help="steps in the replay, full after the warm-up"
    )
    parser.add_argument("--eval-steps", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--backend", choices=("native", "gymnasium"), default="native")
    parser.add_argument("--out", type=Path, default=Path("runs") / time.strftime("soak-%Y%m%d-%H%M%S"))
    parser.add_argument("options", nargs="*", help="further options of `apexline train`, after --")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True)
    run = arguments.out / "run"
    machine = {"machine": here_and_now(), "versions": versions()}
    with (arguments.out / "train.log").open("w", encoding="utf-8") as log:
        training = subprocess.Popen(command(arguments, run), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        watch = Watch(training.pid, run, 60 * arguments.kill_minutes, 60 * arguments.minutes)
        written = 0.0
        try:
            while training.poll() is None:
                watch.step()
                if watch.seconds - written >= REPORT_SECONDS:
                    written = watch.seconds
                    write(arguments.out, report(arguments, watch, {"finished": False}, machine))
                time.sleep(SAMPLE_SECONDS)
        finally:
            if training.poll() is None:
                training.terminate()
                training.wait()

    # Samples after the budget, during the final evaluation, do not count.
    watch.samples = [sample for sample in watch.samples if sample.seconds <= 60 * arguments.minutes]
    rows = verdict(watch.samples, 60 * arguments.warm_up, 60 * arguments.window)
    steps = check_replay(run)
    print(table(rows))
    survived = faults(run / "metrics.csv")
    print(
        f"exit code {training.returncode}; {len(watch.kills)} workers killed; replay of {steps} steps: check passed"
    )
    print(", ".join(f"{name} {count:.0f}" for name, count in survived.items()))
    passed = training.returncode == 0 and all(row.passed for row in rows)
    outcome = {
        "finished": True,
        "passed": passed,
        "exit_code": training.returncode,
        "replay_steps_checked": steps,
        "faults": survived,
        "verdict": [asdict(row) | {"change": row.change} for row in rows],
    }
    write(arguments.out, report(arguments, watch, outcome, machine))
    print(f"{'passed' if passed else 'FAILED'}: {arguments.out / 'soak.json'}")
    sys.exit(not passed)


def write(folder: Path, content: dict[str, Any]) -> None:
    (folder / "soak.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
