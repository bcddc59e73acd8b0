"""Profile of a window of a run's steps, as a table and as a trace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from apexline.atomic_write import atomic_write

SKIPPED = 20
"""Steps with updates before the window, so that one-time work is not in it."""
STEPS = 50
"""Steps of all environments in the window."""
TRACE = "trace.json"
TABLE = "profile.txt"

THREADS = {
    "learning": (
        "wait: acting",
        "wait: replay",
        "update: forward",
        "update: backward",
        "update: optimizer",
        "update: targets",
        "replay: priorities",
        "replay: add",
        "monitor",
    ),
    "acting": ("acting: policy", "acting: environments"),
}
"""Spans of the two threads, in the order of a step."""
STEP = "step"


class Span(NamedTuple):
    """Total over the window."""

    times: int
    seconds: float


class Profiler:
    """Profiles STEPS steps after SKIPPED ones with updates; then writes TRACE and TABLE to `folder`.

    The trace is for chrome://tracing or Perfetto. The replay's prefetch thread is not profiled; time lost to it appears
    as "wait: replay". With CUDA graphs, the spans of an update are those of its launch.

    Args:
        folder: the run folder.
        warn: called with one line if the files cannot be written; training continues.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._seen = 0
        self._profile: profile | None = None

    def step(self, updates: int) -> record_function:
        """A context for the next step, with `updates` updates."""
        if updates:
            self._seen += 1
        if self._seen == SKIPPED and self._profile is None:
            self._start()
        elif self._seen == SKIPPED + STEPS:
            self._stop()
        return record_function(STEP)

    def _start(self) -> None:
        # A private module of torch; only profiled runs depend on it.
        from torch._C._profiler import _ExperimentalConfig

        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        self._profile = profile(
            activities=activities,
            experimental_config=_ExperimentalConfig(profile_all_threads=True),
            acc_events=True,
        )
        self._profile.start()

    def _stop(self) -> None:
        if self._profile is None:
            return
        finished, self._profile = self._profile, None
        finished.stop()
        spans: dict[str, Span] = defaultdict(lambda: Span(0, 0.0))
        busy = 0.0
        for event in finished.key_averages():
            spans[event.key] = Span(event.count, event.cpu_time_total / 1e6)
            busy += event.self_device_time_total / 1e6
        try:
            self._write(finished, table(spans, busy))
        except OSError as error:
            self._warn(f"no profile written: {error.filename or self._folder}: {error.strerror}")

    def _write(self, finished: profile, text: str) -> None:
        with TemporaryDirectory(
            dir=self._folder
        ) as scratch:  # torch opens the file itself, and follows links
            written = Path(scratch) / TRACE
            finished.export_chrome_trace(str(written))
            with atomic_write(self._folder / TABLE) as file:
                file.write((text + "\n").encode())
            # On a full disk, of which torch reports nothing, the table has raised OSError.
            written.replace(self._folder / TRACE)

    def close(self) -> None:
        """Stop profiling; an incomplete window is not written."""
        if self._profile is not None:
            self._profile.stop()
            self._profile = None


def table(spans: dict[str, Span], gpu_seconds: float) -> str:
    """The spans as text: milliseconds per step, share of wall-clock time, and count per step.

    Args:
        spans: by name; STEP is the total.
        gpu_seconds: of kernels and copies; 0 leaves out their line.
    """
    steps, seconds = spans[STEP]
    lines = [f"{steps} steps of all environments, {1e3 * seconds / steps:.2f} ms each"]
    for thread, names in THREADS.items():
        lines.append(f"{thread + ' thread':24}{'ms/step':>12}{'share':>8}{'per step':>9}")
        rest = seconds
        for name in names:
            times, taken = spans.get(name, Span(0, 0.0))
            rest -= taken
            lines.append(_line(name, taken, seconds, steps, f"{times / steps:.3g}"))
        lines.append(_line("idle" if thread == "acting" else "other", rest, seconds, steps, ""))
    if gpu_seconds:
        lines.append(_line("GPU busy", gpu_seconds, seconds, steps, ""))
    return "\n".join(lines)


def _line(name: str, taken: float, whole: float, steps: int, count: str) -> str:
    return f"  {name:22}{1e3 * taken / steps:>12.3f}{taken / whole:>8.1%}{count:>9}"
