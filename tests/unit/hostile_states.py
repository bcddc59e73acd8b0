"""Mutants of saved states with valid checksums, each refused or played: a program, since a crash or hang ends it.

Prints the numbers of accepted and refused mutants.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from apexline.racing import CarRacingEnv, CarRacingVectorEnv
from tests.unit.state_fields import StateFields

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 7.5, 255.0, 400.0, 1e6, -1e6, 6.7e7, 1e9, 1e30, 3e38, -3e38, 5e-324]
FLOATS += [np.nan, np.inf, -np.inf, 1.7e308]
INTS = [
    0,
    1,
    -1,
    2,
    3,
    8,
    29,
    30,
    31,
    255,
    300,
    2500,
    2**31 - 1,
    -(2**31),
    2**40,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
]
CIRCLE = [(150 * np.cos(angle), 150 * np.sin(angle)) for angle in np.linspace(0, 6.2, 250)]
GAMES: list[tuple[dict[str, Any], int]] = [
    ({}, 70),
    ({"domain_randomize": True, "action_repeat": 2, "gray": True, "frame_size": 12, "frame_stack": 2}, 30),
    (
        {"friction": 100, "engine_power": 100, "start_speed": 100, "start_tile": "random", "crop_hud": True},
        300,
    ),
    ({"track": CIRCLE, "max_episode_frames": 40, "frame_size": 24, "gray": True}, 60),
    ({"frame_size": (120, 120)}, 12),
    ({}, -1),
]
"""Options, and steps before the state is saved; -1: before the first reset."""


def played(options: dict[str, Any], steps: int) -> CarRacingEnv:
    env = CarRacingEnv(render_mode="rgb_array", **options)
    if steps >= 0:
        env.reset(seed=steps)
    for step in range(steps):
        env.step([1 if step % 40 < 20 else -1, 1, step % 30 == 29])
    return env


def mutant(good: StateFields, rng: np.random.Generator) -> tuple[str, StateFields]:
    """A copy with one field changed, in a few of its elements, and the field's name."""
    changed = good.copy()
    name = str(rng.choice(list(good.fields)))
    field = changed.fields[name]
    kind = rng.integers(8)
    if kind == 0 and changed.fields[name].ndim and name in ("nodes", "visited", "under_wheels", "frames"):
        changed.counts[name] = INTS[rng.integers(len(INTS))] % 2**64
    elif kind == 1 and len(field):
        changed.fields[name] = field[: rng.integers(len(field))]
    elif kind == 2 and field.size:
        flipped = field.reshape(-1).view(np.uint8)
        flipped[rng.integers(len(flipped))] ^= 1 << rng.integers(8)
    else:
        for _ in range(int(rng.integers(1, 4)) if field.size else 0):
            place = rng.integers(field.size)
            with np.errstate(over="ignore"):
                if field.dtype.kind == "f":
                    field.reshape(-1)[place] = rng.choice(FLOATS)
                else:
                    value = INTS[rng.integers(len(INTS))]
                    field.reshape(-1)[place] = np.array([value % 2**64], np.uint64).astype(field.dtype)[0]
    return name, changed


def use(env: CarRacingEnv, *, draws: bool) -> None:
    """Plays, draws, saves and resets."""
    if len(env.track_snapshot().tiles):
        for _ in range(3):
            env.step([0.5, 1, 0])
        env.observe()
        if draws:
            env.render()
    env.set_state(env.get_state())
    env.reset()


def without_clock(envs: CarRacingVectorEnv) -> list[bytes]:
    """The states, except for the wall-clock time of the episodes."""
    states = [StateFields(state) for state in envs.get_state()]
    for state in states:
        state.fields["wall_seconds"][:] = 0
    return [state.sealed() for state in states]


def main(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    accepted = refused = 0
    vector = CarRacingVectorEnv(2, episode_statistics=True)
    vector.reset(seed=0)
    for options, steps in GAMES:
        env = played(options, steps)
        good = StateFields(env.get_state())
        env.reset(seed=1)
        before = env.get_state()
        for i in range(count // len(GAMES)):
            name, changed = mutant(good, rng)
            print(name, end=" ")  # shown after a crash
            state = changed.sealed()
            try:
                env.set_state(state)
            except ValueError:
                refused += 1
                assert env.get_state() == before
            else:
                accepted += 1
                use(env, draws=i % 8 == 0 or name.startswith(("mark", "trace")))
                before = env.get_state()
            if not options and steps > 0 and i % 10 == 0:
                both = without_clock(vector)
                try:
                    vector.set_state([before, state])
                except ValueError:
                    assert without_clock(vector) == both
                else:
                    vector.step(np.zeros((2, 3)))
    print(f"\naccepted {accepted}, refused {refused}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
