"""The benchmarks, used by the pytest-benchmark suites and by `check.py`."""

from __future__ import annotations

from benchmarks.ratios.workloads.env import EnvStep
from benchmarks.ratios.workloads.native import NativeReset, NativeSize64, NativeSize95, NativeStep
from benchmarks.ratios.workloads.replay import (
    ReplayAdd,
    ReplaySample42,
    ReplaySample84,
    ReplaySample84Shifted,
    ReplayUpdatePriorities,
)
from benchmarks.ratios.workloads.tree import TreeFind, TreeSample, TreeUpdate
from benchmarks.ratios.workloads.update import UpdateAgent, UpdateLearner
from benchmarks.ratios.workloads.workload import Workload

WORKLOADS: dict[str, type[Workload]] = {
    workload.name: workload
    for workload in (
        TreeSample,
        TreeUpdate,
        TreeFind,
        ReplayAdd,
        ReplaySample42,
        ReplaySample84,
        ReplaySample84Shifted,
        ReplayUpdatePriorities,
        EnvStep,
        NativeStep,
        NativeReset,
        NativeSize64,
        NativeSize95,
        UpdateAgent,
        UpdateLearner,
    )
}
"""Benchmarks by name, in the order of the report."""
