"""What is measured: one definition for the pytest-benchmark suites and for `check.py`."""

from __future__ import annotations

from workloads.env import EnvStep
from workloads.native import NativeReset, NativeStep
from workloads.replay import (
    ReplayAdd,
    ReplaySample42,
    ReplaySample84,
    ReplaySample84Shifted,
    ReplayUpdatePriorities,
)
from workloads.tree import TreeFind, TreeSample, TreeUpdate
from workloads.update import UpdateAgent, UpdateLearner
from workloads.workload import Workload

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
        UpdateAgent,
        UpdateLearner,
    )
}
"""By name, in the order they are reported."""
