import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apexline import SumTree

from .models import ListTree, StratifiedDraws

CAPACITIES = [1, 7, 8, 9, 63, 64, 65, 512, 4097]
FAN_OUT = 8
PLACES = st.integers(0, 10) | st.integers(0, 5000)
INTEGERS = st.just(0.0) | st.integers(0, 1000).map(float)
MAGNITUDES = [0.0, 5e-324, 3e-310, 2.3e-308, 1e-300, 2.0**-54, 2.0**-53, 0.1, 1.0, 1e16, 1e200, 1e290]


class SumTreeMachine(RuleBasedStateMachine):
    """Integer priorities, so that sums are exact and every result must equal that of the list."""

    @initialize(capacity=st.sampled_from(CAPACITIES), seed=st.integers(0, 2**64 - 1))
    def make(self, capacity: int, seed: int) -> None:
        self.tree = SumTree(capacity, seed)
        self.model = ListTree(capacity)
        self.draws = StratifiedDraws(seed)

    def indices(self, places: list[int]) -> list[int]:
        return [place % len(self.tree) for place in places]

    @rule(place=PLACES, priority=INTEGERS)
    def set_one(self, place: int, priority: float) -> None:
        [index] = self.indices([place])
        self.tree[index] = priority
        self.model.set([index], [priority])

    @rule(pairs=st.lists(st.tuples(PLACES, INTEGERS), max_size=40))
    def set_many(self, pairs: list[tuple[int, float]]) -> None:
        indices = self.indices([place for place, _ in pairs])
        priorities = [priority for _, priority in pairs]
        self.tree[indices] = priorities
        self.model.set(indices, priorities)

    @rule(places=st.lists(PLACES, max_size=40), priority=INTEGERS)
    def set_many_to_one_value(self, places: list[int], priority: float) -> None:
        indices = self.indices(places)
        self.tree[np.array(indices, np.int32)] = priority
        self.model.set(indices, [priority] * len(indices))

    @rule()
    def clear(self) -> None:
        self.tree.clear()
        self.model.clear()

    @rule()
    def pickle(self) -> None:
        self.tree = pickle.loads(pickle.dumps(self.tree))

    @precondition(lambda self: self.model.positive)
    @rule(fraction=st.floats(0, 1, exclude_max=True))
    def find(self, fraction: float) -> None:
        mass = float(int(fraction * self.tree.total))
        assert self.tree.find(mass) == self.model.find(mass)

    @precondition(lambda self: self.model.positive)
    @rule(n=st.integers(1, 100))
    def sample(self, n: int) -> None:
        masses = self.draws.masses(n, self.tree.total)
        assert self.tree.sample(n).tolist() == [self.model.find(mass) for mass in masses]

    @invariant()
    def equals_the_list(self) -> None:
        assert self.tree[np.arange(len(self.tree))].tolist() == self.model.leaves
        assert self.tree[len(self.tree) - 1] == self.model.leaves[-1]
        assert self.tree.total == sum(self.model.leaves)
        if self.model.positive:
            assert self.tree.min() == min(self.model.positive)
            assert self.tree.max() == max(self.model.positive)


TestSumTreeMachine = SumTreeMachine.TestCase


def leaves(tree: SumTree) -> np.ndarray:
    return tree[np.arange(len(tree))]


def built_afresh(tree: SumTree, seed: int) -> SumTree:
    fresh = SumTree(len(tree), seed)
    fresh[np.arange(len(tree))] = leaves(tree)
    return fresh


def ancestor_sums(tree: SumTree, leaf: int) -> list[str]:
    """The bits of every node above a leaf: once all leaves outside a node are zero, the total is what it stores.

    Zeroes the rest of the tree, which recomputes every other node, so one tree gives one leaf's ancestors.
    """
    width = FAN_OUT
    while width < len(tree):
        width *= FAN_OUT
    indices = np.arange(len(tree))
    sums = []
    while width > 1:
        tree[indices[indices // width != leaf // width]] = 0
        sums.append(tree.total.hex())
        width //= FAN_OUT
    return sums


@given(
    capacity=st.sampled_from(CAPACITIES),
    history=st.lists(
        st.tuples(st.sampled_from([0, 1, 8, 64, 4096]), st.floats(-300, 290).map(lambda power: 10.0**power)),
        min_size=1,
    ),
)
def test_any_history_equals_a_fresh_tree_bit_for_bit(capacity, history):
    """Few leaves, set repeatedly to very different sizes, reveal sums that are adjusted by differences."""
    tree = SumTree(capacity, seed=3)
    for place, priority in history:
        tree[place % capacity] = priority

    fresh = built_afresh(tree, seed=3)

    assert tree.total.hex() == fresh.total.hex()
    np.testing.assert_array_equal(tree.sample(500), fresh.sample(500))
    last = history[-1][0] % capacity
    assert ancestor_sums(tree, last) == ancestor_sums(fresh, last)


def test_ten_million_updates_equal_a_fresh_tree_bit_for_bit():
    capacity, batch_size = 300_007, 100_000
    random = np.random.default_rng(0)
    tree = SumTree(capacity, seed=3)
    for _ in range(100):
        tree[random.integers(0, capacity, batch_size)] = random.lognormal(sigma=5, size=batch_size)

    fresh = built_afresh(tree, seed=3)

    assert tree.total.hex() == fresh.total.hex()
    np.testing.assert_array_equal(tree.sample(capacity), fresh.sample(capacity))
    assert ancestor_sums(tree, 12_345) == ancestor_sums(fresh, 12_345)


@given(
    capacity=st.sampled_from(CAPACITIES),
    seed=st.integers(0, 2**32),
    magnitudes=st.lists(st.sampled_from(MAGNITUDES), min_size=1, max_size=4),
    positive=st.floats(0, 1),
)
def test_a_leaf_of_priority_zero_is_never_returned(capacity, seed, magnitudes, positive):
    random = np.random.default_rng(seed)
    priorities = random.choice(magnitudes, capacity) * (random.random(capacity) < positive)
    priorities[random.integers(capacity)] = 1e-300
    tree = SumTree(capacity, seed)
    tree[np.arange(capacity)] = priorities

    masses = [0.0, tree.total / 3, np.nextafter(tree.total, 0)]

    assert (priorities[tree.sample(300)] > 0).all()
    assert (priorities[[tree.find(mass) for mass in masses]] > 0).all()


@pytest.mark.parametrize("width", [1, 8, 64])
def test_mass_beyond_the_last_child_falls_into_the_last_positive_one(width):
    """The total, ((1 + 0) + (u + u)), is above 1; one after the other, 1 + 0 + u + u are rounded down to 1."""
    u = 2.0**-53
    tree = SumTree(8 * width)
    tree[[0, 2 * width, 3 * width]] = [1, u, u]
    assert tree.total > 1
    assert tree.find(1.0) == 3 * width


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_sample_lies_in_its_stratum(capacity):
    random = np.random.default_rng(capacity)
    priorities = random.integers(0, 100, capacity).astype(float)
    priorities[-1] = 1
    tree = SumTree(capacity, seed=1)
    tree[np.arange(capacity)] = priorities
    n = 1000

    drawn = tree.sample(n)

    strata = np.arange(n + 1) * tree.total / n
    ends = np.cumsum(priorities)
    assert (ends[drawn] > strata[:-1]).all()
    assert (ends[drawn] - priorities[drawn] < strata[1:]).all()
