"""Worker processes, one per peer and work, and the rounds in which they are timed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from benchmarks.peers.environments import CHECKOUT, ENVIRONMENTS

LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in LIBRARIES}
START_LIMIT = 600.0
"""Seconds until a worker must have filled and checked its buffer."""
BURST_LIMIT = 60.0


@dataclass
class Entry:
    """A peer with one work: a row of a table."""

    peer: str
    work: str
    facts: dict[str, Any] = field(default_factory=dict)
    """calls, notes and versions, as reported by the worker."""
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    """Seconds per call by name of the call, one {"cpu": ..., "wall": ...} per round."""
    failure: str | None = None


class WorkerError(Exception):
    """A worker ended or exceeded its time limit. The message is the reason."""


class Worker:
    """A process that has prepared one work."""

    def __init__(self, entry: Entry, python: Path) -> None:
        self.entry = entry
        self._log = ENVIRONMENTS / f"{entry.peer}-{entry.work}.log"
        module = f"benchmarks.peers.works.{entry.peer.replace('-', '_')}"
        with self._log.open("w") as log:
            self._process = process = subprocess.Popen(
                [str(python), "-m", module, entry.work],
                cwd=CHECKOUT,
                env=os.environ | ONE_THREAD,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # a process group with all of its child processes
            )
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._replies = process.stdin, process.stdout
        entry.facts = self._answer(START_LIMIT)
        entry.rounds = {call: [] for call in entry.facts["calls"]}

    def time(self) -> None:
        """Adds a round to the entry."""
        for call, results in self.entry.rounds.items():
            try:
                self._requests.write(f"{call}\n")
                self._requests.flush()
            except BrokenPipeError:
                raise WorkerError(self._reason()) from None
            results.append(self._answer(BURST_LIMIT))

    def stop(self) -> None:
        self._kill()
        self._process.communicate()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _answer(self, limit: float) -> dict[str, Any]:
        timer = Timer(limit, self._kill)
        timer.start()
        line = self._replies.readline()
        timer.cancel()
        if not line:
            raise WorkerError(self._reason())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _reason(self) -> str:
        self._process.wait()
        lines = self._log.read_text().strip().splitlines()
        if self._process.returncode < 0:
            return f"ended by signal {-self._process.returncode}"
        return lines[-1].replace(f"{CHECKOUT}/", "") if lines else f"ended with {self._process.returncode}"


def time_in_turns(entries: Sequence[Entry], pythons: dict[str, Path], rounds: int) -> None:
    """Starts a worker for each entry and times every worker once per round.

    Workers are started one after another, so that no two fill their buffers at the same time. Other load on the machine
    affects whole rounds, so it affects ratios within a round little. Each round starts with the next worker, so that
    none always follows the same one.
    """
    workers: list[Worker] = []
    try:
        for entry in entries:
            print(f"preparing {entry.peer} {entry.work}", file=sys.stderr, flush=True)
            try:
                workers.append(Worker(entry, pythons[entry.peer]))
            except WorkerError as error:
                entry.failure = str(error)
        for number in range(rounds):
            first = number % len(workers) if workers else 0
            for worker in workers[first:] + workers[:first]:
                if worker.entry.failure is None:
                    try:
                        worker.time()
                    except WorkerError as error:
                        worker.entry.failure = str(error)
    finally:
        for worker in workers:
            worker.stop()
