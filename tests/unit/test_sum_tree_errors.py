"""Errors name the value and its index, and leave the tree unchanged."""

import re

import numpy as np
import pytest

from apexline import SumTree


@pytest.fixture
def tree():
    tree = SumTree(4, seed=6)
    tree[np.arange(4)] = [1, 2, 3, 4]
    yield tree
    untouched = SumTree(4, seed=6)
    untouched[np.arange(4)] = [1, 2, 3, 4]
    assert tree[np.arange(4)].tolist() == [1, 2, 3, 4]
    assert tree.total == 10
    assert tree.sample(40).tolist() == untouched.sample(40).tolist()


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize(
    ("priority", "message"),
    [
        (np.nan, "priorities[1] is nan; expected from 0 to 1e+290"),
        (np.inf, "priorities[1] is inf; expected from 0 to 1e+290"),
        (-np.inf, "priorities[1] is -inf; expected from 0 to 1e+290"),
        (-0.5, "priorities[1] is -0.5; expected from 0 to 1e+290"),
        (-5e-324, "priorities[1] is -5e-324"),
        (1.5e290, "priorities[1] is 1.5e+290"),
    ],
)
def test_a_bad_priority(tree, priority, message):
    with raises(ValueError, message):
        tree[[0, 2, 3]] = [9, priority, 9]
    with raises(ValueError, message.replace("[1]", "[0]")):
        tree[2] = priority


@pytest.mark.parametrize("index", [-1, 4, 2**40, -(2**63)])
def test_an_index_out_of_range(tree, index):
    message = f"indices[2] is {index}; expected from 0 to 3"
    with raises(IndexError, message):
        tree[[0, 1, index]]
    with raises(IndexError, message):
        tree[[0, 1, index]] = 9
    with raises(IndexError, message.replace("[2]", "[0]")):
        tree[index]
    with raises(IndexError, message.replace("[2]", "[0]")):
        tree[index] = 9


@pytest.mark.parametrize("index", [1.0, [0.0, 1.0], True, [True, False], "1", None, slice(0, 2)])
def test_an_index_that_is_not_an_integer(tree, index):
    with raises(TypeError, "expected integers"):
        tree[index]
    with raises(TypeError, "expected integers"):
        tree[index] = 9


@pytest.mark.parametrize("priority", [True, "9", None, 1j, [1, None]])
def test_a_priority_that_is_not_a_real_number(tree, priority):
    with raises(TypeError, "expected real numbers"):
        tree[[0, 1]] = priority


@pytest.mark.parametrize(
    ("indices", "priorities", "message"),
    [
        ([0, 1], [9, 9, 9], "priorities has shape (3,); expected (2,)"),
        ([0, 1], [9], "priorities has shape (1,); expected (2,)"),
        ([[0, 1]], [9, 9], "priorities has shape (2,); expected (1, 2)"),
        (0, [9], "priorities has shape (1,); expected ()"),
    ],
)
def test_shapes_that_differ(tree, indices, priorities, message):
    with raises(ValueError, message):
        tree[indices] = priorities


@pytest.mark.parametrize("mass", [10, 11.5, -1, np.nan, np.inf])
def test_a_mass_that_is_not_below_the_total(tree, mass):
    with raises(ValueError, f"mass is {mass}; expected >= 0 and less than the total, 10"):
        tree.find(mass)


@pytest.mark.parametrize("n", [0, -3])
def test_a_sample_of_nothing(tree, n):
    with raises(ValueError, f"n is {n}; expected >= 1"):
        tree.sample(n)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([0, 0], TypeError, "out is of type list; expected a NumPy array"),
        (np.zeros(2, np.int32), TypeError, "out has dtype int32; expected int64"),
        (np.zeros(3, np.int64), ValueError, "out has shape (3,); expected (2,)"),
        (np.zeros((2, 1), np.int64), ValueError, "out has shape (2, 1); expected (2,)"),
        (np.zeros(4, np.int64)[::2], ValueError, "out is read-only or not C-contiguous"),
        (np.broadcast_to(np.int64(0), 2), ValueError, "out is read-only or not C-contiguous"),
    ],
)
def test_an_invalid_out(tree, out, error, message):
    with raises(error, message):
        tree.sample(2, out=out)


@pytest.mark.parametrize(
    "use", [lambda t: t.sample(1), SumTree.min, SumTree.max], ids=["sample", "min", "max"]
)
def test_all_zero(use):
    with raises(ValueError, "all priorities are zero"):
        use(SumTree(3))


@pytest.mark.parametrize("capacity", [0, -1, 2**40 + 1, 2**41])
def test_a_capacity_out_of_range(capacity):
    with raises(ValueError, f"capacity is {capacity}; expected from 1 to 2^40"):
        SumTree(capacity)


@pytest.mark.parametrize(
    ("leaves", "message"),
    [([1, np.nan], "priorities[1] is nan"), ([1, -2], "priorities[1] is -2"), ([], "capacity is 0")],
)
def test_an_invalid_state_of_a_tree(leaves, message):
    tree = SumTree.__new__(SumTree)
    with raises(ValueError, message):
        tree.__setstate__((0, 0, leaves))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"capacity": 1e6}, TypeError, "capacity is 1000000.0; expected an integer"),
        ({"capacity": 4, "seed": None}, TypeError, "seed is None; expected an integer"),
        ({"capacity": 4, "seed": -1}, ValueError, "seed is -1; expected from 0 to 2**64 - 1"),
        ({"capacity": 4, "seed": 2**64}, ValueError, f"seed is {2**64}; expected from 0 to 2**64 - 1"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(arguments, error, message):
    with raises(error, message):
        SumTree(**arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda tree: tree.sample(2.0), "n is 2.0; expected an integer"),
        (lambda tree: tree.sample(None), "n is None; expected an integer"),
        (lambda tree: tree.find("1"), "mass is '1'; expected a number"),
    ],
)
def test_an_argument_of_a_call_of_the_wrong_type_is_named(tree, call, message):
    with raises(TypeError, message):
        call(tree)
