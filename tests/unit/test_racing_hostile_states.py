"""Saved states with a valid checksum whose numbers cannot occur: refused, or harmless."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from apexline.racing import CarRacingEnv, CarRacingVectorEnv

from .state_fields import StateFields

ROOT = Path(__file__).parents[2]


def played() -> CarRacingEnv:
    env = CarRacingEnv(domain_randomize=True, frame_size=12)
    env.reset(seed=0)
    for _ in range(5):
        env.step([0, 1, 0])
    return env


def test_thousands_of_mutants_are_refused_or_harmless() -> None:
    """What is accepted is stepped, drawn, saved, restored and reset; what is refused changes nothing."""
    command = [sys.executable, "-m", "tests.unit.hostile_states", "1", "3000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert done.returncode == 0, f"after the fields {done.stdout[-200:]}: {done.stderr[-2000:]}"
    numbers = re.fullmatch(r"accepted (\d+), refused (\d+)", last)
    assert numbers is not None
    assert min(map(int, numbers.groups())) > 500


def test_corners_whose_hull_had_more_vertices_than_corners_are_refused() -> None:
    """Tiles are computed from nodes, which are on the field."""
    env = played()
    before = env.get_state()
    for row, point in enumerate([(1, 0), (1e30, 0), (3e38, 3e38), (3e38, 5)]):
        state = StateFields(before)
        state.fields["nodes"][row, 2:] = point
        with pytest.raises(
            ValueError, match=r"^cannot restore the environment: the state cannot occur: its track$"
        ):
            env.set_state(state.sealed())
    assert env.get_state() == before
    env.reset()


def change(name: str, value: float) -> Callable[[StateFields], None]:
    def changed(state: StateFields) -> None:
        state.fields[name].reshape(-1)[-1] = value

    return changed


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("phase", 3, "phase"),
        ("score", np.nan, "score"),
        ("shaping", -1, "shaping"),
        ("has_uint32", 8, "flags"),
        ("palette", 256, "colours"),
        ("nodes", np.inf, "track"),
        ("visited", 8, "tiles"),
        ("under_wheels", 2500, "tiles"),
        ("touching_wheels", 16, "tiles"),
        ("num_dropped", 1, "skid marks"),
        ("trace0.has_start", 2, "flags"),
        ("num_frames", 2**31 - 1, "counters"),
        ("start_tile", -1, "tiles"),
        ("lap_is_complete", 255, "flags"),
        ("seconds", -1, "counters"),
        ("x", np.nan, "car"),
        ("velocity_y", 1000, "car"),
        ("limit", 2, "car"),
        ("gas", 1.5, "car"),
        ("on_road", 1, "car"),
        ("total", np.inf, "statistics"),
        ("steps", -1, "statistics"),
    ],
)
def test_impossible_fields_are_refused_by_name(name: str, value: float, part: str) -> None:
    env = played()
    before = env.get_state()
    state = StateFields(before)
    change(name, value)(state)
    message = rf"^cannot restore the environment: the state cannot occur: its {part}$"
    with pytest.raises(ValueError, match=message):
        env.set_state(state.sealed())
    assert env.get_state() == before


def test_a_generator_that_repeats_one_number_is_refused() -> None:
    """A bounded draw of it never ends."""
    env = played()
    state = StateFields(env.get_state())
    state.fields["random"][:] = 0
    with pytest.raises(ValueError, match=r"cannot occur: its random generator$"):
        env.set_state(state.sealed())
    env.reset()  # draws colours
    generator = env.np_random.bit_generator
    generator.state = {**generator.state, "state": {"state": 0, "inc": 0}}
    with pytest.raises(ValueError, match=r"^states\[0, 3\] is 0; expected the low half of an odd increment$"):
        env.reset()


def test_counts_are_bounded_by_the_bytes_that_hold_them() -> None:
    env = played()
    for name in ("nodes", "visited", "touched", "under_wheels", "touching_wheels", "frames"):
        for count in (2**24, 2**61, 2**64 - 1):
            state = StateFields(env.get_state())
            state.counts[name] = count
            with pytest.raises(ValueError, match=r"the state is truncated$"):
                env.set_state(state.sealed())


def test_one_refused_state_of_several_changes_no_game() -> None:
    envs = CarRacingVectorEnv(3, frame_size=12, episode_statistics=True)
    envs.reset(seed=3)
    states = envs.get_state()
    envs.step(np.ones((3, 3)))
    bad = StateFields(states[1])
    bad.fields["omega"][2] = np.nan
    before = envs.observe().copy()
    for second, error in ((bad.sealed(), ValueError), (None, TypeError)):
        with pytest.raises(error, match="environment 1"):
            envs.set_state([states[0], second, states[2]])  # type: ignore[list-item]
        np.testing.assert_array_equal(envs.observe(), before)
        assert envs.np_random_seed == (3, 4, 5)
    envs.set_state(states)
    assert [StateFields(state).fields["num_frames"][0] for state in envs.get_state()] == [0, 0, 0]
