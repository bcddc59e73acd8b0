"""UpdateSchedule is exact over any window of steps; the random shift decreases in equal steps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apexline.agent import LinearSchedule
from apexline.training.learning.schedule import UpdateSchedule, shift_at


@given(ratio=st.decimals("0.01", "4", places=2), steps=st.lists(st.integers(0, 40), max_size=60))
def test_due_updates_are_exact_over_every_window(ratio: object, steps: list[int]) -> None:
    schedule = UpdateSchedule(float(str(ratio)))
    updates = [schedule.due(step) for step in steps]
    for begin in range(len(steps)):
        for end in range(begin, len(steps) + 1):
            due = Fraction(str(ratio)) * sum(steps[begin:end])
            assert abs(sum(updates[begin:end]) - due) < 1
    assert sum(updates) == floor(Fraction(str(ratio)) * sum(steps))


@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.7])
def test_rounding_errors_do_not_accumulate(ratio: float) -> None:
    schedule = UpdateSchedule(ratio)
    assert sum(schedule.due(1) for _ in range(100_000)) == round(100_000 * ratio)


def test_the_shift_decreases_in_equal_steps() -> None:
    assert [shift_at(LinearSchedule(2, 0, 6), updates) for updates in range(9)] == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert [shift_at(LinearSchedule(4, 0, 2), updates) for updates in range(4)] == [4, 2, 0, 0]
    assert [shift_at(LinearSchedule(3), updates) for updates in (0, 1, 10**9)] == [3, 3, 3]
    assert shift_at(LinearSchedule(0, 0, 6), 1) == 0


@given(
    start=st.integers(0, 48),
    end=st.integers(0, 48),
    over=st.integers(1, 10**6),
    updates=st.integers(0, 2 * 10**6),
)
def test_the_shift_equals_exact_arithmetic(start: int, end: int, over: int, updates: int) -> None:
    exact = start + (end - start) * min(Fraction(updates, over), 1)
    assert shift_at(LinearSchedule(start, end, over), updates) == ceil(exact)
