"""Target: sequences of calls of a vector environment, valid and invalid ones, against single environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded

from apexline.racing import CarRacingEnv, CarRacingVectorEnv

from .mutators import NUMBERS, Mutator
from .target import Files, Target

CALLS = "calls.json"
OPTIONS: list[dict[str, Any]] = [
    {"gray": True, "frame_size": 8},
    {"gray": True, "frame_size": 12, "action_repeat": 3, "pedal": True, "frame_stack": 2},
    {"frame_size": 9, "domain_randomize": True, "max_episode_frames": 30, "channels_first": True},
    {"continuous": False, "frame_size": 8, "gray": True, "start_tile": "random", "start_speed": 80},
]
REFUSED = (IndexError, KeyError, OverflowError, ResetNeeded, RuntimeError, TypeError, ValueError)


def mutant_calls(mutate: Mutator) -> Files:
    names = ["step"] * 10 + ["part", "reset", "state", "look", "wrong", "wrong", "rules"]
    calls = [
        [mutate.pick(names), *[mutate.below(10**6) for _ in range(4)]] for _ in range(5 + mutate.below(25))
    ]
    return {CALLS: json.dumps([mutate.below(len(OPTIONS)), 1 + mutate.below(9), calls]).encode()}


def run_calls(folder: Path) -> bool:
    game, num_envs, calls = json.loads((folder / CALLS).read_bytes())
    options = OPTIONS[game]
    envs = CarRacingVectorEnv(
        num_envs, autoreset_mode="Disabled", max_episode_steps=None, num_threads=2, **options
    )
    singles = [CarRacingEnv(**options) for _ in range(num_envs)]
    seeds = [100 * game + env for env in range(num_envs)]
    frames, _ = envs.reset(seed=seeds)
    for frame, single, seed in zip(frames, singles, seeds, strict=True):
        assert np.array_equal(single.reset(seed=seed)[0], frame)
    ended = np.zeros(num_envs, bool)
    for name, *numbers in calls:
        random = np.random.default_rng(numbers)
        match name:
            case "step" | "part":
                chosen = np.flatnonzero(~ended)
                if name == "part" and len(chosen):
                    chosen = random.permutation(chosen)[: 1 + numbers[0] % len(chosen)]
                if len(chosen):
                    step(envs, singles, chosen, ended, random)
            case "reset":
                mask = ended | (random.random(num_envs) < 0.3)
                reset(envs, singles, mask, numbers[1] % 2 == 0, numbers[2])
                ended &= ~mask
            case "state":
                one, other = numbers[0] % num_envs, numbers[1] % num_envs
                state = envs.get_state(one)
                envs.set_state(state, other)
                singles[other].set_state(state)
                ended[other] = ended[one]
            case "look":
                observed = envs.observe()
                for frame, single in zip(observed, singles, strict=True):
                    assert np.array_equal(single.observe(), frame)
                envs.cars()
                envs.track_snapshot(numbers[0] % num_envs)
            case "rules":
                rules = [None, {"stall_steps": 1 + numbers[0] % 50}, {"idle_penalty": 0.5}][numbers[1] % 3]
                envs.set_rules(rules)
                for single in singles:
                    single.set_rules(rules)
            case "wrong":
                before = envs.get_state()
                refuse(envs, *numbers)
                assert envs.get_state() == before, "a refused call has changed a game"
    return True


def actions_for(envs: CarRacingVectorEnv, count: int, random: np.random.Generator) -> Any:
    space = envs.single_action_space
    if space.shape == ():
        return random.integers(5, size=count)
    scale = random.choice([1.0, 1.0, 3.0, 1e30])
    return random.uniform(-1, 1, (count, *(space.shape or ()))) * scale


def step(envs: Any, singles: list[Any], chosen: Any, ended: Any, random: np.random.Generator) -> None:
    actions = actions_for(envs, len(chosen), random)
    env_ids = None if len(chosen) == len(singles) and (np.diff(chosen) == 1).all() else chosen
    frames, rewards, terminated, truncated, _ = envs.step(actions, env_ids=env_ids)
    for row, env in enumerate(chosen):
        action = actions[row] if actions.ndim > 1 else int(actions[row])
        frame, reward, has_terminated, has_truncated, _ = singles[env].step(action)
        assert np.array_equal(frame, frames[row])
        assert (reward, has_terminated, has_truncated) == (rewards[row], terminated[row], truncated[row])
        ended[env] = has_terminated or has_truncated


def reset(envs: Any, singles: list[Any], mask: Any, seeded: bool, seed: int) -> None:
    if not mask.any():
        return
    seeds = [seed + env for env in range(len(singles))] if seeded else None
    frames, _ = envs.reset(seed=seeds, options={"reset_mask": mask})
    for env in np.flatnonzero(mask):
        frame, _ = singles[env].reset(seed=None if seeds is None else seeds[env])
        assert np.array_equal(frame, frames[env])


def refuse(envs: Any, kind: int, *numbers: int) -> None:
    """A call that is refused."""
    count, number = envs.num_envs, NUMBERS[numbers[0] % len(NUMBERS)]
    actions = actions_for(envs, count, np.random.default_rng(0))
    state = envs.get_state(0)
    cut = numbers[1] % len(state)
    bit = bytes([state[cut] ^ 1 << numbers[2] % 8])
    wrong_actions = actions.astype(float) * np.nan if actions.ndim > 1 else actions + 5
    calls = [
        lambda: envs.step(wrong_actions),
        lambda: envs.step(actions[:-1]),
        lambda: envs.step(actions, env_ids=[count]),
        lambda: envs.step(actions, env_ids=[0] * count if count > 1 else [-1]),
        lambda: envs.step(actions, out=np.zeros(3, np.uint8)),
        lambda: envs.step(None),
        lambda: envs.step([["x"]] * count),
        lambda: envs.set_state(state[:cut], 0),
        lambda: envs.set_state(state[:cut] + bit + state[cut + 1 :], 0),
        lambda: envs.set_state(state, count + abs(int(min(number, 2.0**70)))),
        lambda: envs.set_state([state] * (count + 1)),
        lambda: envs.reset(seed=[1] * (count + 1)),
        lambda: envs.reset(seed=-1 - numbers[1]),
        lambda: envs.reset(options={"reset_mask": np.zeros(count, bool)}),
        lambda: envs.reset(options={"reset_mask": np.ones(count + 1, bool)}),
        lambda: envs.set_rules({"stall_steps": -1 - numbers[1]}),
        lambda: envs.set_rules({"unknown": 1}),
        lambda: envs.observe(env_ids=[]),
        lambda: envs.track_snapshot(count),
    ]
    try:
        calls[kind % len(calls)]()
    except REFUSED:
        return
    raise AssertionError(f"wrong call {kind % len(calls)} was accepted")


TARGETS = {"racing_calls": Target(mutant_calls, run_calls)}
