"""Functions of `apexline.racing` with their ordinary arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ClosedEnvironmentError

import apexline.racing as racing
from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, ShapingRules

from ..native_racing import SMALL
from .core_racing import FLOAT_MAX, MASK
from .values import (
    ACCEPTED,
    SAME,
    Argument,
    Case,
    Function,
    Integer,
    Real,
    booleans,
    flags,
    indices,
    numbers,
    objects,
    outputs,
)

INT32_MAX = 2**31 - 1
BOOL = Argument(False, objects)
NONE = {"None": ACCEPTED}
LARGE = {"of 10^400": ACCEPTED}
ANY_SEED = Integer(0, 10**500)
SEEDS = (gym.error.Error, TypeError, ValueError)
"""What gymnasium raises of a seed."""
ACTIONS = np.array([[0, 1, 0], [0.5, 0, 1], [-1, 0, 0.25]])
ANY_NUMBERS = {"bool": ACCEPTED, "complex": ValueError, "strings": ValueError}


def gymnasium_seeds(value: int) -> Iterator[Case]:
    for name, given, _ in ANY_SEED(value):
        yield name, given, ACCEPTED if name in ("None", "of 10^400") else SEEDS


def vector() -> CarRacingVectorEnv:
    envs = CarRacingVectorEnv(3, render_mode="rgb_array", render_size=(8, 8), **SMALL)
    envs.reset(seed=1)
    return envs


def single() -> CarRacingEnv:
    env = CarRacingEnv(render_mode="rgb_array", render_size=(8, 8), **SMALL)
    env.reset(seed=1)
    return env


def state_of(envs: Any) -> Any:
    return envs.get_state()


def close(envs: Any) -> None:
    envs.close()


def method(make: Callable[[], Any], call: Callable[..., Any], arguments: Any = None) -> Function:
    """Of an environment, which raises after `close`."""
    return Function(make, call, arguments or {}, state_of, close, ClosedEnvironmentError)


def single_method(call: Callable[..., Any], arguments: Any = None) -> Function:
    """Of a single environment, which continues after `close`, as the stock one."""
    return method(single, call, arguments)._replace(closed=SAME)


def row_of(frames_and_reports: Any) -> Any:
    """The arrays of a result, without infos, which are dicts with wall-clock times."""
    return list(frames_and_reports)[:4]


OPTIONS: dict[str, Any] = {
    "lap_complete_percent": Argument(0.5, Real(-FLOAT_MAX, FLOAT_MAX)),
    **dict.fromkeys(
        ("domain_randomize", "pedal", "ends_at_start_line", "crop_hud", "gray", "keep_dim"), BOOL
    ),
    "continuous": Argument(True, objects),
    "action_repeat": Argument(2, Integer(1, INT32_MAX)),
    "max_episode_frames": Argument(100, Integer(1, INT32_MAX), NONE),
    "track_seed": Argument(3, ANY_SEED, NONE | LARGE),
    "start_tile": Argument(1, Integer(-INT32_MAX, INT32_MAX)),
    "start_speed": Argument(3.0, Real(0, 100)),
    "friction": Argument(1.0, Real(0, 100, is_open=True)),
    "engine_power": Argument(1.0, Real(0, 100, is_open=True)),
    "zoom": Argument(2.0, Real(0.1, 5)),
    "skip_zoom": Argument(3, Integer(0, 49), {"of 50": ACCEPTED}),
    "frame_size": Argument(12, Integer(1, 96), {**NONE, "of 97": ACCEPTED}),
    "frame_stack": Argument(2, Integer(1, 256)),
}
RULES: dict[str, Any] = {
    "stall_steps": Argument(3, Integer(1, INT32_MAX), NONE),
    "stall_penalty": Argument(3.0, Real(0, FLOAT_MAX)),
    "idle_penalty": Argument(3.0, Real(0, FLOAT_MAX)),
    "lap_bonus": Argument(3.0, Real(0, FLOAT_MAX), NONE),
    "missed_tile_penalty": Argument(3.0, Real(0, FLOAT_MAX)),
    "missed_tile_margin": Argument(3, Integer(0, INT32_MAX)),
}
RULES_LIKE = Argument(ShapingRules(), objects, NONE)
IDS = Argument(np.array([2, 0, 1]), indices)
OUT = Argument(np.zeros((3, 8, 8), np.uint8), outputs)


def made(cls: Any, **given: Any) -> str:
    env = cls(**given, **SMALL)
    shown = repr(env)
    env.close()
    return shown


def wrapper(name: str, **arguments: Argument) -> dict[str, Function]:
    """The row of a wrapper of the stock environment."""

    def make(_: Any, **given: Any) -> str:
        env = gym.make("CarRacing-v3").unwrapped
        wrapped = getattr(racing, name)(env, **given)
        shown = f"{wrapped.observation_space} {wrapped.action_space}"
        wrapped.close()
        return shown

    return {f"{name}.__init__": Function(lambda: None, make, arguments)}


FUNCTIONS = {
    "GameOptions.__init__": Function(lambda: None, lambda _, **given: GameOptions(**given), OPTIONS),
    "GameOptions.for_evaluation": Function(GameOptions, lambda options: options.for_evaluation()),
    "GameOptions.native_only_errors": Function(GameOptions, lambda options: options.native_only_errors()),
    "ShapingRules.__init__": Function(lambda: None, lambda _, **given: ShapingRules(**given), RULES),
    "CarRacingVectorEnv.__init__": Function(
        lambda: CarRacingVectorEnv,
        made,
        {
            "num_envs": Argument(2, Integer(1, 65536)),
            "render_mode": Argument("rgb_array", objects, NONE),
            "render_size": Argument((8, 8), objects),
            "autoreset_mode": Argument("Disabled", objects),
            "num_threads": Argument(1, Integer(1, 1024), NONE),
            "rules": RULES_LIKE,
            "max_episode_steps": Argument(10, Integer(1, INT32_MAX), NONE),
        },
    ),
    "CarRacingVectorEnv.reset": method(
        vector,
        lambda envs, seed, mask, env_ids, out: row_of(
            envs.reset(seed=seed, options={"reset_mask": mask}, out=out)
            if env_ids is None
            else envs.reset(seed=seed, env_ids=env_ids, out=out)
        )[0],
        {
            "seed": Argument(3, ANY_SEED, NONE | LARGE),
            "mask": Argument(MASK, flags, {"a list": TypeError}),
            "env_ids": Argument(None, lambda _: iter(())),
            "out": OUT,
        },
    ),
    "CarRacingVectorEnv.reset of some": method(
        vector, lambda envs, env_ids: envs.reset(seed=3, env_ids=env_ids)[0], {"env_ids": IDS}
    ),
    "CarRacingVectorEnv.step": method(
        vector,
        lambda envs, actions, env_ids, out: row_of(envs.step(actions, env_ids, out=out)),
        {"actions": Argument(ACTIONS, numbers, ANY_NUMBERS), "env_ids": IDS, "out": OUT},
    ),
    "CarRacingVectorEnv.step_raw": method(
        vector,
        lambda envs, actions, env_ids, out: row_of(envs.step_raw(actions, env_ids, out=out)),
        {"actions": Argument(ACTIONS, numbers, ANY_NUMBERS), "env_ids": IDS, "out": OUT},
    ),
    "CarRacingVectorEnv.observe": method(
        vector, lambda envs, env_ids, out: envs.observe(env_ids, out=out), {"env_ids": IDS, "out": OUT}
    ),
    "CarRacingVectorEnv.render": method(vector, lambda envs: list(envs.render())),
    "CarRacingVectorEnv.cars": method(vector, lambda envs: envs.cars()),
    "CarRacingVectorEnv.set_rules": method(
        vector, lambda envs, rules: envs.set_rules(rules), {"rules": RULES_LIKE}
    ),
    **{
        f"CarRacingVectorEnv.{name}": method(
            vector,
            lambda envs, env, name=name: repr(getattr(envs, name)(env)),
            {"env": Argument(1, Integer(0, 2, IndexError))},
        )
        for name in ("track_snapshot", "car_snapshot", "skid_marks")
    },
    "CarRacingVectorEnv.get_state": method(
        vector,
        lambda envs, env: envs.get_state(env),
        {"env": Argument(1, Integer(0, 2, IndexError), {"None": ACCEPTED})},
    ),
    "CarRacingVectorEnv.set_state": method(
        vector,
        lambda envs, state, env: envs.set_state(state, env),
        {
            "state": Argument(vector().get_state(1), objects),
            "env": Argument(1, Integer(0, 2, IndexError), {"None": TypeError}),
        },
    ),
    "CarRacingEnv.__init__": Function(
        lambda: CarRacingEnv,
        made,
        {
            "render_mode": Argument("rgb_array", objects, NONE),
            "render_size": Argument((8, 8), objects),
            "rules": RULES_LIKE,
        },
    ),
    "CarRacingEnv.reset": single_method(
        lambda env, seed: env.reset(seed=seed)[0], {"seed": Argument(3, gymnasium_seeds)}
    ),
    "CarRacingEnv.step": single_method(
        lambda env, action: row_of(env.step(action)),
        {"action": Argument(ACTIONS[1], numbers, ANY_NUMBERS)},
    ),
    "CarRacingEnv.observe": single_method(lambda env: env.observe()),
    "CarRacingEnv.render": single_method(lambda env: env.render()),
    "CarRacingEnv.get_state": single_method(lambda env: env.get_state()),
    "CarRacingEnv.set_state": single_method(
        lambda env, state: env.set_state(state),
        {"state": Argument(single().get_state(), objects)},
    ),
    "CarRacingEnv.set_rules": single_method(lambda env, rules: env.set_rules(rules), {"rules": RULES_LIKE}),
    **{
        f"CarRacingEnv.{name}": single_method(lambda env, name=name: repr(getattr(env, name)()))
        for name in ("track_snapshot", "car_snapshot", "skid_marks")
    },
    "make_env": Function(
        lambda: None,
        lambda _, **given: repr(racing.make_env(**given)),
        {
            "options": Argument(GameOptions(**SMALL), objects),
            "backend": Argument("native", objects),
            "rules": RULES_LIKE,
            "render_mode": Argument("rgb_array", objects, NONE),
        },
    ),
    "make_vector": Function(
        lambda: None,
        lambda _, **given: repr(racing.make_vector(**given)),
        {
            "options": Argument(GameOptions(**SMALL), objects),
            "num_envs": Argument(2, Integer(1, 65536)),
            "backend": Argument("native", objects),
            "rules": RULES_LIKE,
            "num_threads": Argument(1, Integer(1, 1024), NONE),
        },
    ),
    "random_driving": Function(
        lambda: None,
        lambda _, rng, num, pedal: racing.random_driving(rng or np.random.default_rng(0), num, pedal),
        {
            "rng": Argument(None, lambda _: iter(())),
            "num": Argument(4, Integer(0, INT32_MAX)),
            "pedal": Argument(True, booleans),
        },
    ),
    **wrapper("ActionRepeat", repeat=Argument(2, Integer(1, INT32_MAX))),
    **wrapper("AreaMean", size=Argument(12, Integer(1, 96))),
    **wrapper("CropHud"),
    **wrapper("ChannelsFirst"),
    **wrapper("Grayscale", keep_dim=Argument(True, booleans)),
    **wrapper("IdlePenalty", penalty=Argument(3.0, Real(0, FLOAT_MAX))),
    **wrapper("LapTermination", bonus=Argument(3.0, Real(0, FLOAT_MAX), NONE)),
    **wrapper(
        "MissedTilePenalty",
        penalty=Argument(3.0, Real(0, FLOAT_MAX)),
        margin=Argument(3, Integer(0, INT32_MAX)),
    ),
    **wrapper("PedalAction"),
    **wrapper("RoadContrast"),
    **wrapper("Shaping", rules=RULES_LIKE),
    **wrapper("SkipZoom", frames=Argument(3, Integer(0, INT32_MAX))),
    **wrapper("StackFrames", depth=Argument(3, Integer(1, 256))),
    **wrapper(
        "StallTermination",
        steps=Argument(3, Integer(1, INT32_MAX), NONE),
        penalty=Argument(3.0, Real(0, FLOAT_MAX)),
    ),
    **wrapper("SurfaceSize", size=Argument((40, 50), objects)),
    **wrapper("UnshapedScore"),
}
