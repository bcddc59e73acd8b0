"""Update and frame rates of a run, and GPU utilization from the profiler and from nvidia-smi."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from apexline.training import TrainConfig
from apexline.training.machine.tuning import tuned
from apexline.training.session import Session

WARM_UP = 50
"""Steps or updates before a measurement: graph capture, caches, prefetched batches."""
PROFILED = 0.02
"""Length of the profiled time after a measurement, relative to it; a trace contains every kernel."""
SMI = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]

Figures = dict[str, Any]
Step = Callable[[], None]


def measure(config: TrainConfig, seconds: float) -> Figures:
    """Rates of updates alone, back to back, and of the whole training loop at its replay ratio.

    Updates alone include sampling from the prioritized replay, the copy to the device and the priority updates. Each is
    measured for `seconds` after learning has started.
    """
    config = tuned(config)
    session = Session(config)
    learner, collector = session.learner, session.collector

    def step() -> None:
        session.step(session.take_due_updates())

    try:
        session.begin_episodes()
        while collector.steps < config.learning.learning_starts or learner.updates == 0:
            step()
        loop = _window(session, step, seconds)
        alone = _window(session, learner.update, seconds)
        metrics = learner.read_metrics()
        assert all(math.isfinite(value) for value in metrics.values()), metrics
        assert int(session.agent.updates) == learner.updates
    finally:
        session.close()
    return {"whole_loop": loop, "updates_alone": alone}


def _window(session: Session, step: Step, seconds: float) -> Figures:
    for _ in range(WARM_UP):
        step()
    is_cuda = session.agent.device.type == "cuda"
    updates, frames = session.learner.updates, session.collector.frames
    with _utilization(is_cuda) as samples:
        taken = _repeat(step, seconds, is_cuda)
    figures: Figures = {
        "updates_per_second": (session.learner.updates - updates) / taken,
        "frames_per_second": (session.collector.frames - frames) / taken,
    }
    if is_cuda:
        figures["busy_share_profiler"] = _busy_share(step, seconds * PROFILED)
        figures["busy_share_nvidia_smi"] = mean(samples) / 100 if samples else None
    return figures


def _repeat(step: Step, seconds: float, is_cuda: bool) -> float:
    """Calls `step` for `seconds`. Returns the wall-clock seconds between two synchronizations."""
    if is_cuda:
        torch.cuda.synchronize()
    began = perf_counter()
    while perf_counter() - began < seconds:
        step()
    if is_cuda:
        torch.cuda.synchronize()
    return perf_counter() - began


def _busy_share(step: Step, seconds: float) -> float:
    """Share of the time in which a kernel ran. Profiling makes launches slower."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        taken = _repeat(step, seconds, is_cuda=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiled.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    kernels = ((event["ts"], event["ts"] + event["dur"]) for event in events if event.get("cat") == "kernel")
    return covered(kernels) / 1e6 / taken


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of the spans (begin, end)."""
    length, reached = 0.0, -math.inf
    for begin, end in sorted(spans):
        length += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return length


@contextmanager
def _utilization(is_cuda: bool) -> Iterator[list[float]]:
    """Yields a list that holds nvidia-smi's GPU utilization in percent after the block."""
    samples: list[float] = []
    if not is_cuda:
        yield samples
        return
    try:
        reader = subprocess.Popen(SMI, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        yield samples
        return
    try:
        yield samples
    finally:
        reader.terminate()
        output, _ = reader.communicate()
        samples += [float(line) for line in output.split() if line.replace(".", "", 1).isdigit()]
