from typing import Any

import numpy as np

from benchmarks.ratios.workloads.tree import BATCH, LEAVES, TreeFind, TreeSample, TreeUpdate


def test_tree_sample(benchmark: Any) -> None:
    sample = TreeSample()

    indices = benchmark(sample.run)

    assert indices.shape == (BATCH,)
    assert (sample.priorities[indices] > 0).all()
    bounds = sample.strata()
    upper = sample.cumulative[indices]
    assert (upper > bounds[:-1]).all()
    assert (upper - sample.priorities[indices] < bounds[1:]).all()


def test_tree_update(benchmark: Any) -> None:
    update = TreeUpdate()

    indices, priorities = benchmark(update.run)

    last = dict(zip(indices.tolist(), priorities.tolist(), strict=True))
    assert update.tree[list(last)].tolist() == list(last.values())
    assert update.tree.total == update.tree[np.arange(LEAVES)].sum()


def test_tree_find(benchmark: Any) -> None:
    find = TreeFind()

    mass, found = benchmark(find.run)

    assert found == np.searchsorted(find.cumulative, mass, side="right")
