"""Targets: sequences of calls of a replay, valid and invalid ones, against its naive model; and of its core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from apexline.replay import PrioritizedFrameReplay

from ..property.models import EnvStep, ReplayModel, ReplaySpec, add_to
from ..unit import replays
from .mutators import NUMBERS, Mutator
from .target import Files, Target

CALLS = "calls.json"
REFUSED = (IndexError, KeyError, MemoryError, OverflowError, RuntimeError, TypeError, ValueError)


def mutant_calls(mutate: Mutator) -> Files:
    """A random specification and calls as JSON."""
    frame_stack, n_step = 1 + mutate.below(4), 1 + mutate.below(5)
    spec = {
        "num_envs": 1 + mutate.below(3),
        "slots": frame_stack + n_step + mutate.below(10),
        "frame_stack": frame_stack,
        "n_step": n_step,
        "alpha": mutate.pick([0.0, 0.6, 1.0]),
        "seed": mutate.below(1000),
    }
    weights = {
        "add": 12,
        "sample": 3,
        "update": 3,
        "cut": 1,
        "clear": 0.1,
        "state": 0.5,
        "wrong": 3,
        "save": 0.3,
    }
    names, chances = list(weights), np.array(list(weights.values()))
    calls = []
    for _ in range(20 + mutate.below(60)):
        name = str(mutate.random.choice(names, p=chances / chances.sum()))
        calls.append([name, *[mutate.below(1000) for _ in range(5)]])
    return {CALLS: json.dumps([spec, calls]).encode()}


def steps_of(numbers: list[int], num_envs: int, first: int) -> list[EnvStep | None]:
    """One step of each environment; about a tenth ends or is masked."""
    steps: list[EnvStep | None] = []
    for env in range(num_envs):
        kind = numbers[env] % 12
        number = first + 2 * env
        if kind == 0:
            steps.append(None)
        else:
            steps.append(EnvStep(number, kind in (1, 3), kind in (2, 3), number + 1))
    return steps


def run_calls(folder: Path) -> bool:
    spec_values, calls = json.loads((folder / CALLS).read_bytes())
    spec = ReplaySpec(gamma=0.5, **spec_values)
    replay, model = spec.build(), ReplayModel(spec)
    for place, (name, *numbers) in enumerate(calls):
        match name:
            case "add":
                steps = steps_of(numbers, spec.num_envs, 1 + 10 * place)
                add_to(replay, steps)
                model.add(steps)
            case "sample" if model.priority:
                beta = numbers[0] % 3 / 2
                model.check_batch(replay.sample(1 + numbers[1] % 9, beta), beta)
            case "update" if model.start_of_handle:
                handles = list(model.start_of_handle)
                chosen = [handles[number % len(handles)] for number in numbers[:3]]
                td_errors = [number / 100 - 5 for number in numbers[:3]]
                assert replay.update_priorities(chosen, td_errors) == model.update(chosen, td_errors)
            case "cut":
                mask = np.array([number % 2 == 0 for number in numbers[: spec.num_envs]])
                replay.cut_episodes(mask)
                model.cut([int(env) for env in np.flatnonzero(mask)])
            case "clear":
                replay.clear()
                model.clear()
            case "state":
                replay.load_state_dict(replay.state_dict())
            case "save":
                replay.save(folder / "file")
                replay.load(folder / "file")
            case "wrong":
                refuse(replay, *numbers)
        model.check(replay)
    return True


def refuse(replay: PrioritizedFrameReplay, kind: int, *numbers: int) -> None:
    """A call that is refused."""
    number = NUMBERS[numbers[0] % len(NUMBERS)]
    wrong = [None, "x", [], np.zeros(3), np.array(None), -1, 10**30][numbers[1] % 7]
    nan = [np.nan, np.inf, -np.inf][numbers[2] % 3]
    num_envs = replay.num_envs
    frames = np.zeros((num_envs, 2), np.int32)
    ends = np.zeros(num_envs, bool)
    calls: list[Any] = [
        lambda: replay.update_priorities([-1 - numbers[0]], [1.0]),
        lambda: replay.update_priorities([2**62 + numbers[0]], [1.0]),
        lambda: replay.update_priorities([0], [nan]),
        lambda: replay.update_priorities([0, 1], [1.0]),
        lambda: replay.sample(0),
        lambda: replay.sample(4, beta=nan),
        lambda: replay.sample(4, out=replay.empty_batch(3)),
        lambda: replay.sample(4, shift=1 + numbers[0]),
        lambda: replay.add(frames, np.full((num_envs, 2), nan), ends, ends, ends),
        lambda: replay.add(frames[:, :1], np.zeros((num_envs, 2)), ends, ends, ends),
        lambda: replay.add(frames, np.zeros((num_envs, 2)), np.full(num_envs, nan), ends, ends),
        lambda: replay.add(frames, np.zeros((num_envs, 2)), np.zeros(num_envs), ends, ~ends),
        lambda: replay.cut_episodes(wrong if wrong is not None else ends[:-1]),
        lambda: replay.load_state_dict({**replay.state_dict(), "draws": -1 - numbers[0]}),
        lambda: replay.load_state_dict({"shape": wrong}),
        lambda: setattr(replay, "beta", 2.0 + abs(number)),
        lambda: replay.prefetch(0),
        lambda: replay.prefetch(4, 0),
    ]
    try:
        calls[kind % len(calls)]()
    except REFUSED:
        return
    raise AssertionError(f"wrong call {kind % len(calls)} was accepted")


def mutant_core_calls(mutate: Mutator) -> Files:
    calls = []
    for _ in range(5 + mutate.below(25)):
        name = mutate.pick(
            ["restore", "write", "read", "sample", "update", "add", "check", "swap", "cut", "clear"]
        )
        calls.append([name, *[mutate.below(2**31) for _ in range(3)]])
    return {CALLS: json.dumps(calls).encode()}


def run_core_calls(folder: Path) -> bool:
    """Calls of the private core in any order, with wrong counters and slots: no crash; errors are exceptions."""
    replay, other = replays.filled(), replays.filled(13)
    for name, *seeds in json.loads((folder / CALLS).read_bytes()):
        try:
            core_call(replay, other, name, Mutator(np.random.default_rng(seeds)))
        except REFUSED:
            continue
    return True


def core_call(
    replay: PrioritizedFrameReplay, other: PrioritizedFrameReplay, name: str, mutate: Mutator
) -> None:
    core = replay._core
    match name:
        case "restore":
            state = core.state()
            key = mutate.pick(sorted(state))
            value = state[key]
            state[key] = (
                mutate.array(value) if isinstance(value, np.ndarray) else mutate.near(mutate.json(value))
            )
            if key == "rings" and mutate.chance(0.7):
                state[key] = [tuple(int(n) + mutate.below(3) - 1 for n in ring) for ring in value]
            fresh = replay._settings.make_core()
            fresh.restore({**state, "rings": [tuple(ring) for ring in state["rings"]]})
            core.swap_contents(fresh)
        case "write" | "read":
            env = mutate.below(3)
            head, first = core.state()["rings"][env][:2]
            begin = max(first, head - 30) + mutate.below(30)
            end = min(head, begin + 1 + mutate.below(4))
            frames, fields, rewards, in_episode, flags = core.read_slots(env, begin, end)
            if name == "write":
                in_episode, flags = mutate.array(in_episode), mutate.array(flags)
                core.write_slots(env, begin, frames, fields, rewards, in_episode, flags)
        case "sample":
            replay.sample(1 + mutate.below(20))
        case "update":
            replay.update_priorities([mutate.below(2**20) for _ in range(3)], [1.0, 2.0, 3.0])
        case "add":
            replays.add_random_step(replay, mutate.random)
        case "check":
            replay.check()
        case "swap":
            core.swap_contents(other._core)
        case "cut":
            replay.cut_episodes()
        case "clear" if mutate.chance(0.2):
            replay.clear()


TARGETS = {
    "replay_calls": Target(mutant_calls, run_calls),
    "core_calls": Target(mutant_core_calls, run_core_calls),
}
