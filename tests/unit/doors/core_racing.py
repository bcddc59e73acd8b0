"""Functions of `apexline._core.racing` with their ordinary arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from apexline import _core
from apexline.racing import CarRacingVectorEnv, GameOptions, ShapingRules
from apexline.racing.native.glyphs import load_glyphs
from apexline.racing.native.rng import generator_state

from ..native_racing import SMALL
from .values import (
    ACCEPTED,
    SAME,
    TRUNCATED,
    Argument,
    Function,
    Integer,
    Real,
    booleans,
    exact,
    flags,
    indices,
    numbers,
    objects,
    outputs,
)


def world() -> _core.racing.World:
    made = CarRacingVectorEnv(num_envs=3, **SMALL)._games.world
    every = np.ones(3, bool)
    made.reset(every, every, every, STATES)
    return made


def world_state(made: Any) -> list[bytes]:
    return [made.save(env) for env in range(3)]


STATES = np.stack([generator_state(np.random.default_rng(seed)) for seed in range(3)])
BAD_STATES = STATES.copy()
BAD_STATES[1, 4] = 2

FLOAT_MAX = float(np.finfo(float).max)
TILES = len(world().track(1)["tiles"])
SAVED = world().save(1, 1.0, 2, 3.0)
MASK = np.array([True, False, True])
OPTIONS = GameOptions(gray=True, frame_size=8)
GLYPHS = load_glyphs().arrays


def made_world(_: Any, **given: Any) -> Any:
    world = _core.racing.World(given.pop("options"), **given)
    return world.random_state(1)


ENV = Argument(1, Integer(0, 2, IndexError))
PARTS = {
    "body_values": Argument(4, Integer(0, 4, IndexError), TRUNCATED),
    **{
        name: Argument(2, Integer(0, 3, IndexError), TRUNCATED)
        for name in ("wheel_values", "joint_values", "wheel_tiles")
    },
    **{
        name: Argument(3, Integer(0, TILES - 1, IndexError), TRUNCATED)
        for name in ("tile_values", "tile_vertices")
    },
}


FUNCTIONS = {
    "mass_values": Function(
        lambda: _core.racing, lambda made, hull: made.mass_values(hull), {"hull": Argument(True, booleans)}
    ),
    "shape_vertices": Function(
        lambda: _core.racing, lambda made, hull: made.shape_vertices(hull), {"hull": Argument(True, booleans)}
    ),
    "World.__init__": Function(
        lambda: None,
        made_world,
        {
            "options": Argument(OPTIONS, objects),
            "states": Argument(STATES, exact, {"longer": ACCEPTED, "one axis more": ValueError}),
            "autoreset": Argument("next_step", objects),
            "rules": Argument(ShapingRules(), objects, {"None": ACCEPTED}),
            "keeps_skid_marks": Argument(True, booleans),
            "glyphs": Argument(GLYPHS, objects),
            "num_threads": Argument(1, Integer(1, 1024)),
            "is_single": Argument(False, booleans),
            "track_state": Argument(None, lambda _: iter(())),
        },
    ),
    "World.__init__ of a track": Function(
        lambda: None,
        lambda _, track_state: made_world(
            None,
            options=GameOptions(track_seed=1),
            states=STATES,
            autoreset="disabled",
            rules=None,
            keeps_skid_marks=False,
            glyphs=GLYPHS,
            num_threads=1,
            track_state=track_state,
        ),
        {"track_state": Argument(STATES[0], exact)},
    ),
    "World.set_rules": Function(
        world,
        lambda made, rules: made.set_rules(rules),
        {"rules": Argument(ShapingRules(), objects, {"None": SAME})},
        world_state,
    ),
    "World.exact_frame": Function(
        world,
        lambda made, env, width, height, with_skid_marks: made.exact_frame(
            env, width, height, with_skid_marks
        ),
        {
            "env": ENV,
            "width": Argument(8, Integer(4, 1000)),
            "height": Argument(8, Integer(4, 800)),
            "with_skid_marks": Argument(True, booleans),
        },
        world_state,
    ),
    "World.cars": Function(world, lambda made: made.cars()),
    **{
        f"World.{name}": Function(
            world, lambda made, env, name=name: getattr(made, name)(env), {"env": ENV}, world_state
        )
        for name in (
            "track",
            "car",
            "skid_marks",
            "palette",
            "failed_tracks",
            "random_state",
        )
    },
    "World.episode_values": Function(
        world, lambda made, env: made.episode_values(env)[1:], {"env": ENV}, world_state
    ),
    **{
        f"World.{name}": Function(
            world,
            lambda made, env, part, name=name: getattr(made, name)(env, part)[1:],
            {"env": ENV, "part": part},
            world_state,
        )
        for name, part in PARTS.items()
    },
    "World.save": Function(
        world,
        lambda made, env, total, steps, seconds: made.save(env, total, steps, seconds),
        {
            "env": ENV,
            "total": Argument(1.0, Real(-FLOAT_MAX, FLOAT_MAX)),
            "steps": Argument(3, Integer(0, 2**63 - 1)),
            "seconds": Argument(2.5, Real(-FLOAT_MAX, FLOAT_MAX)),
        },
        world_state,
    ),
    "World.load": Function(
        world,
        lambda made, envs, states: made.load(envs, states),
        {
            "envs": Argument([2, 0], objects),
            "states": Argument([SAVED, SAVED], objects),
        },
        world_state,
    ),
    "World.reset": Function(
        world,
        lambda made, resets, recolours, reseeds, states, env_ids, out: made.reset(
            resets, recolours, reseeds, states, env_ids, out
        ),
        {
            "resets": Argument(np.ones(3, bool), flags),
            "recolours": Argument(MASK, flags),
            "reseeds": Argument(MASK, flags),
            "states": Argument(STATES, exact),
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "World.step": Function(
        world,
        lambda made, actions, env_ids, out: made.step(actions, env_ids, out),
        {
            "actions": Argument(
                np.array([[0, 1, 0], [0.5, 0, 1], [-1, 0, 0.25]]),
                numbers,
                {"bool": ACCEPTED, "complex": ValueError, "strings": ValueError},
            ),
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "World.observe": Function(
        world,
        lambda made, env_ids, out: made.observe(env_ids, out),
        {
            "env_ids": Argument(np.array([2, 0, 1]), indices),
            "out": Argument(np.zeros((3, 8, 8), np.uint8), outputs),
        },
        world_state,
    ),
    "World.checked_ids": Function(
        world,
        lambda made, env_ids: made.checked_ids(env_ids),
        {"env_ids": Argument(np.array([2, 0, 1]), indices)},
        world_state,
    ),
}
