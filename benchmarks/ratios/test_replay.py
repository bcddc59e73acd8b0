from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.ratios.workloads.replay import (
    ALPHA,
    EPSILON,
    GAMMA,
    N_STEP,
    NUM_ENVS,
    ReplayAdd,
    ReplaySample,
    ReplaySample42,
    ReplaySample84,
    ReplaySample84Shifted,
    ReplayUpdatePriorities,
)

ROWS = 8
"""Transitions per batch that are compared with naively gathered ones."""


def test_replay_add(benchmark: Any) -> None:
    add = ReplayAdd()

    benchmark(add.run)

    batch = add.filled.replay.sample(ROWS)
    slots = add.filled.replay.capacity // NUM_ENVS
    assert (batch.action[:, 1] >= add.filled.steps - slots).all()
    assert np.array_equal(batch.obs, add.filled.stacks(batch.action))
    assert np.array_equal(batch.next_obs, add.filled.stacks(batch.action, later=N_STEP))


@pytest.mark.parametrize("workload", [ReplaySample42, ReplaySample84, ReplaySample84Shifted])
def test_replay_sample(benchmark: Any, workload: type[ReplaySample]) -> None:
    sample = workload()

    batch = benchmark(sample.run)

    stored = sample.filled.stacks(batch.action[:ROWS])
    later = sample.filled.stacks(batch.action[:ROWS], later=N_STEP)
    for row in range(ROWS):
        assert is_shifted(batch.obs[row], stored[row], workload.shift)
        assert is_shifted(batch.next_obs[row], later[row], workload.shift)
    assert batch.reward == pytest.approx(sum(GAMMA**step for step in range(N_STEP)))
    assert batch.discount == pytest.approx(GAMMA**N_STEP)
    assert batch.weights.min() > 0
    assert batch.weights.max() == 1


def test_replay_update_priorities(benchmark: Any) -> None:
    update = ReplayUpdatePriorities()

    handles, stale = benchmark(update.run)

    assert stale == 0
    expected = (np.abs(update.td_errors) + EPSILON) ** ALPHA
    priorities = update.filled.replay.priorities
    given = np.unique(priorities[(priorities != 0) & (priorities != 1)])
    assert len(given) > 0.9 * len(np.unique(handles))
    assert np.isclose(given[:, None], expected, rtol=1e-12, atol=0).any(axis=1).all()


def is_shifted(stack: NDArray[np.uint8], stored: NDArray[np.uint8], most: int) -> bool:
    """True if `stack` (frame_stack, H, W) is `stored` shifted by up to `most` pixels, with its edges repeated."""
    height, width = stored.shape[1:]
    padded = np.pad(stored, ((0, 0), (most, most), (most, most)), mode="edge")
    return any(
        np.array_equal(stack, padded[:, down : down + height, right : right + width])
        for down in range(2 * most + 1)
        for right in range(2 * most + 1)
    )
