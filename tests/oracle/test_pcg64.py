"""The core's random numbers equal NumPy's, from any state, in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apexline._core_testing import Pcg64

from .random_state import words

bounds = st.integers(2, 2**32 - 1)
ends = st.floats(-1e6, 1e6)
draws = st.lists(bounds | st.tuples(ends, ends).map(sorted), max_size=40)


@settings(deadline=None)
@given(seed=st.integers(0, 2**64), draws=draws)
def test_draws_and_states_equal_numpy(seed, draws):
    theirs = np.random.default_rng(seed)
    ours = Pcg64(words(theirs))
    for draw in draws:
        if isinstance(draw, int):
            assert ours.integers(draw) == theirs.integers(draw)
        else:
            assert ours.uniform(*draw) == theirs.uniform(*draw)
        np.testing.assert_array_equal(ours.state, words(theirs))


def test_rejections_equal_numpy():
    theirs = np.random.default_rng(8)
    ours = Pcg64(words(theirs))
    for bound in [2**31 + 1, 3 * 2**30, 2**32 - 1, 3] * 500:
        assert ours.integers(bound) == theirs.integers(bound)
    np.testing.assert_array_equal(ours.state, words(theirs))


def state(place=0, value=0):
    values = words(np.random.default_rng(0))
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        (state(4, 2), ValueError, r"state\[4\] is 2; expected has_uint32, 0 or 1"),
        (state(5, 2**32), ValueError, r"state\[5\] is 4294967296; expected uinteger, below 2\*\*32"),
        (state()[:5], ValueError, r"state has shape \(5,\); expected \(6,\)"),
        (state().astype(np.int64), TypeError, "state has dtype int64; expected uint64"),
    ],
)
def test_a_wrong_state_is_named(argument, error, message):
    with pytest.raises(error, match=message):
        Pcg64(argument)


@pytest.mark.parametrize("bound", [0, 1])
def test_a_wrong_bound_is_named(bound):
    with pytest.raises(ValueError, match=f"bound is {bound}; expected an integer >= 2"):
        Pcg64(state()).integers(bound)
