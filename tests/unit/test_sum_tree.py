import copy
import pickle
import threading

import numpy as np
import pytest

from apexline import SumTree


def tree_of(priorities, seed=0):
    tree = SumTree(len(priorities), seed)
    tree[np.arange(len(priorities))] = priorities
    return tree


def test_starts_empty():
    tree = SumTree(5)
    assert len(tree) == 5
    assert tree.total == 0
    assert tree[[0, 1, 2, 3, 4]].tolist() == [0] * 5


def test_an_integer_returns_a_float_and_an_array_an_array_of_its_shape():
    tree = tree_of([1, 2, 3, 4])
    assert type(tree[2]) is float
    assert tree[2] == 3
    assert tree[[[3, 0], [0, 1]]].tolist() == [[4, 1], [1, 2]]
    assert tree[[]].shape == (0,)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint16, np.uint64])
def test_indices_may_be_integers_of_any_width(dtype):
    tree = SumTree(9)
    tree[np.array([8, 2], dtype)] = [5, 6]
    tree[dtype(3)] = 7
    assert tree[[8, 2, 3]].tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    "priorities", [[1, 2], np.array([1, 2], np.float32), np.array([9, 1, 9, 2])[1::2], (1.0, 2.0)]
)
def test_priorities_may_be_real_numbers_of_any_kind(priorities):
    tree = SumTree(4)
    tree[[0, 3]] = priorities
    assert tree[[0, 3]].tolist() == [1, 2]


def test_one_priority_is_set_for_all_indices():
    tree = SumTree(6)
    tree[[[1, 2], [3, 3]]] = 4
    assert tree[np.arange(6)].tolist() == [0, 4, 4, 4, 0, 0]
    assert tree.total == 12


def test_the_last_of_equal_indices_counts():
    tree = SumTree(3)
    tree[[1, 0, 1]] = [5, 6, 7]
    assert tree[[0, 1, 2]].tolist() == [6, 7, 0]
    assert tree.total == 13


def test_find_returns_the_first_index_whose_cumulative_sum_is_greater():
    tree = tree_of([0, 2, 0, 3, 1, 0])
    assert [tree.find(mass) for mass in (0, 1, 1.999, 2, 4.5, 5, 5.999)] == [1, 1, 1, 3, 3, 4, 4]


def test_min_and_max_are_over_current_positive_leaves():
    tree = tree_of([0, 3, 0.5, 9, 0])
    assert (tree.min(), tree.max()) == (0.5, 9)
    tree[[2, 3]] = 0
    assert (tree.min(), tree.max()) == (3, 3)


def test_minus_zero_is_zero():
    tree = tree_of([1, 1])
    tree[0] = -0.0
    assert str(tree[0]) == "0.0"


def test_clear_zeroes_the_leaves_and_keeps_the_random_stream():
    tree, other = tree_of([1, 2, 3, 4], seed=8), tree_of([1, 2, 3, 4], seed=8)
    tree.sample(5)
    other.sample(5)
    tree.clear()
    assert tree.total == 0
    assert tree[np.arange(4)].tolist() == [0] * 4
    tree[np.arange(4)] = [1, 2, 3, 4]
    assert tree.sample(50).tolist() == other.sample(50).tolist()


def test_consecutive_samples_continue_one_random_stream():
    first, second = tree_of([1.0], seed=2), tree_of([1.0], seed=2)
    for n in (1, 2, 3):
        first.sample(n)
    second.sample(6)
    assert first.__getstate__()[:2] == second.__getstate__()[:2] == (2, 6)


def test_seeds_give_different_samples():
    samples = {tuple(tree_of(np.ones(100), seed).sample(20)) for seed in (0, 1, 2**64 - 1)}
    assert len(samples) == 3


def test_sample_writes_into_out():
    tree, other = tree_of([1, 2, 3]), tree_of([1, 2, 3])
    out = np.full(20, -1)
    assert tree.sample(20, out=out) is out
    assert out.tolist() == other.sample(20).tolist()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda tree: pickle.loads(pickle.dumps(tree))])
def test_a_copy_continues_as_the_original(copied):
    tree = tree_of(np.random.default_rng(0).random(100), seed=4)
    tree.sample(7)
    other = copied(tree)
    assert other.total == tree.total
    assert other[np.arange(100)].tolist() == tree[np.arange(100)].tolist()
    assert other.sample(50).tolist() == tree.sample(50).tolist()
    tree[0] = 5
    assert other[0] != 5


def test_threads_may_share_a_tree():
    tree = tree_of(np.ones(1000))

    def work(part: int) -> None:
        own = np.arange(part * 100, part * 100 + 100)
        for step in range(200):
            tree[own] = np.arange(100) + step
            tree.sample(32)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert tree.total == 4 * sum(range(199, 299)) + 600
    assert tree.__getstate__()[1] == 4 * 200 * 32


def test_it_is_a_documented_class_of_the_public_module():
    assert (SumTree.__module__, SumTree.__qualname__) == ("apexline", "SumTree")
    assert "capacity" in SumTree.__doc__
    for name in ("__getitem__", "__setitem__", "clear", "find", "max", "min", "sample", "total"):
        assert getattr(SumTree, name).__doc__


def test_the_repr_shows_capacity_seed_and_total():
    assert repr(tree_of([1, 2, 3.5], seed=4)) == "<SumTree: capacity=3, seed=4, total=6.5>"


@pytest.mark.parametrize("copied", [copy.copy, lambda tree: pickle.loads(pickle.dumps(tree))])
def test_a_copy_is_of_the_public_class_with_its_capacity_and_seed(copied):
    tree = copied(SumTree(np.int64(7), seed=np.uint64(2**64 - 1)))
    assert type(tree) is SumTree
    assert (tree.capacity, len(tree), tree.seed) == (7, 7, 2**64 - 1)


@pytest.mark.parametrize("name", ["capacity", "seed", "total", "capasity"])
def test_attributes_cannot_be_set(name):
    with pytest.raises(AttributeError):
        setattr(SumTree(3), name, 1)


def test_numpy_numbers_are_accepted():
    tree = tree_of([1, 2, 3])
    tree[np.uint8(1)] = np.float32(5)
    assert tree[np.int16(1)] == 5
    assert tree.find(np.float32(1.5)) == 1
    assert tree.sample(np.int32(4)).shape == (4,)
