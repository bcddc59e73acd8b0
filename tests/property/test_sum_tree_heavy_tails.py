"""Priorities of very different sizes, whose sums are rounded, as in dqn_zoo's tests of its sum tree."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apexline import SumTree

from .models import SummedArray

CAPACITIES = st.sampled_from([1, 2, 7, 8, 9, 64, 65, 600, 4097])


def heavy_tailed(random: np.random.Generator, count: int) -> np.ndarray:
    """Most near one, some far above or below, some zero."""
    priorities = np.exp(np.clip(random.standard_t(1, size=count) * 3, -600, 600))
    return priorities * (random.random(count) < 0.8)


@given(capacity=CAPACITIES, seed=st.integers(0, 2**32), operations=st.integers(1, 25))
def test_random_operations_equal_an_array_that_is_summed_every_time(capacity, seed, operations):
    random = np.random.default_rng(seed)
    tree, model = SumTree(capacity, seed), SummedArray(capacity, seed)
    for _ in range(operations):
        operation = random.choice(["one", "some", "all", "zero", "clear"], p=[0.3, 0.4, 0.1, 0.15, 0.05])
        if operation == "clear":
            tree.clear()
            model.leaves[:] = 0
        elif operation == "one":
            index, [priority] = random.integers(capacity), heavy_tailed(random, 1)
            tree[index] = priority
            model.leaves[index] = priority
        else:
            count = {"some": random.integers(1, 40), "all": 2 * capacity, "zero": 5}[operation]
            indices = random.integers(0, capacity, count)
            priorities = heavy_tailed(random, count) * (operation != "zero")
            tree[indices] = priorities
            for index, priority in zip(indices, priorities, strict=True):
                model.leaves[index] = priority
        model.check(tree, batch_size=int(random.integers(1, 70)))
