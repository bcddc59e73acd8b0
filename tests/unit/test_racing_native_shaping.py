"""Shaping rules of the native game, in lockstep with the wrappers around the stock one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, ShapingRules, make_vector

from .stock_racing import (
    CarRacing,
    UndrawnCarRacing,
    assert_same_infos,
    follow_the_road,
    stock_vector,
    wild_driving,
)

Driver = Callable[[CarRacingVectorEnv], npt.NDArray[np.float32]]
SMALL: dict[str, Any] = {"gray": True, "frame_size": 8}


def wild(seed: int) -> Driver:
    rng = np.random.default_rng(seed)
    return lambda env: wild_driving(rng, env.num_envs)


def on_the_road(look_ahead: int) -> Driver:
    return lambda env: np.stack(
        [follow_the_road(env.track_snapshot(i), env.car_snapshot(i), look_ahead) for i in range(env.num_envs)]
    )


def in_lockstep(
    rules: ShapingRules, seed: int, driver: Driver, steps: int, num_envs: int = 2, **options: Any
) -> list[str | None]:
    """Compares every step, and returns what ended each episode: a rule, or None for the game. `options` are of the
    native games."""
    mode = AutoresetMode.SAME_STEP
    native = CarRacingVectorEnv(
        num_envs, autoreset_mode=mode, action_repeat=4, rules=rules, **SMALL, **options
    )
    stock = stock_vector(num_envs, mode, action_repeat=4, rules=rules)
    assert_same_infos(native.reset(seed=seed)[1], stock.reset(seed=seed)[1])
    ends = []
    for _ in range(steps):
        actions = driver(native)
        _, *ours, our_infos = native.step(actions)
        _, *theirs, their_infos = stock.step(actions)
        for our_array, their_array in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert_same_infos(our_infos, their_infos)
        ended_by = our_infos.get("final_info", {}).get("ended_by", [None] * num_envs)
        ends += [ended_by[env] for env in np.flatnonzero(ours[1] | ours[2])]
    return ends


@pytest.mark.parametrize("seed", [0, 10, 20])
def test_stalls(seed: int) -> None:
    rules = ShapingRules(stall_steps=5, stall_penalty=7.5)
    ends = in_lockstep(rules, seed, wild(seed), steps=90)
    assert ends.count("stall") >= 4


@pytest.mark.parametrize("seed", [4, 14])
def test_idle_steps(seed: int) -> None:
    in_lockstep(ShapingRules(idle_penalty=2.5), seed, wild(seed), steps=90)
    in_lockstep(ShapingRules(idle_penalty=2.5), seed, on_the_road(6), steps=60)


@pytest.mark.parametrize("seed", [3, 13])
def test_missed_tiles(seed: int) -> None:
    """With corners cut, so that tiles are missed."""
    penalised = ShapingRules(missed_tile_penalty=5.0, missed_tile_margin=1)
    in_lockstep(penalised, seed, on_the_road(14), steps=110)
    free, penalised_env = (
        CarRacingVectorEnv(1, action_repeat=4, rules=rules, **SMALL) for rules in (ShapingRules(), penalised)
    )
    free.reset(seed=seed)
    penalised_env.reset(seed=seed)
    drive = on_the_road(14)
    penalties = [
        free.step(actions := drive(free))[1][0] - penalised_env.step(actions)[1][0] for _ in range(110)
    ]
    assert sum(penalties) >= 5
    assert {round(penalty, 6) for penalty in penalties} == {0, 5}


def test_rules_changed_within_an_episode_are_those_of_a_new_environment_in_that_state() -> None:
    """`set_rules` against an environment built with the new rules and put into the same state, bit for bit."""
    old = ShapingRules(stall_steps=30, idle_penalty=1.0, missed_tile_penalty=2.0, missed_tile_margin=1)
    new = ShapingRules(stall_steps=5, lap_bonus=50.0, missed_tile_penalty=100.0)
    options: dict[str, Any] = {"action_repeat": 4, "autoreset_mode": AutoresetMode.SAME_STEP, **SMALL}
    changed, built = (CarRacingVectorEnv(3, rules=rules, **options) for rules in (old, new))
    changed.reset(seed=3)
    drive = wild(2)
    for _ in range(40):
        changed.step(drive(changed))
    built.set_state(changed.get_state())
    changed.set_rules(new)
    assert changed.rules == built.rules == new
    num_ended = 0
    for _ in range(60):
        actions = drive(changed)
        ours, theirs = changed.step(actions), built.step(actions)
        for our_array, their_array in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert_same_infos(ours[4], theirs[4])
        num_ended += int(ours[2].sum())
    assert num_ended > 0
    assert changed.get_state() == built.get_state()


def test_tiles_missed_before_the_rule_was_set_are_not_penalised() -> None:
    penalised = ShapingRules(missed_tile_penalty=100.0)
    free, early, late = (
        CarRacingVectorEnv(1, action_repeat=4, rules=rules, **SMALL) for rules in (None, penalised, None)
    )
    for env in (free, early, late):
        env.reset(seed=3)
    drive = on_the_road(14)
    penalties = []
    for _ in range(80):
        actions = drive(free)
        penalties.append(free.step(actions)[1][0] - early.step(actions)[1][0])
        late.step(actions)
    assert max(penalties) > 50
    late.set_rules(penalised)
    for _ in range(30):
        actions = drive(free)
        free.step(actions)
        assert early.step(actions)[1] == late.step(actions)[1]


def test_rules_of_a_single_environment_change_too() -> None:
    env = CarRacingEnv(**SMALL)
    env.reset(seed=0)
    coast = np.zeros(3, np.float32)
    assert not any(env.step(coast)[2] for _ in range(4))
    env.set_rules(ShapingRules(stall_steps=3))
    assert env.step(coast)[2]
    assert pickle.loads(pickle.dumps(env)).rules == env.rules
    with pytest.raises(
        TypeError, match=r"^rules is 3; expected a ShapingRules, a dict of its fields or None$"
    ):
        env.set_rules(3)  # type: ignore[arg-type]


def test_a_lap_with_tiles_missed() -> None:
    rules = ShapingRules(lap_bonus=300, stall_steps=25, missed_tile_penalty=2.0)
    assert in_lockstep(rules, 3, on_the_road(8), steps=260, num_envs=1) == ["lap_end"]


def test_a_full_lap() -> None:
    rules = ShapingRules(lap_bonus=300, stall_steps=25, missed_tile_penalty=2.0)
    assert in_lockstep(rules, 3, on_the_road(6), steps=240, num_envs=1) == [None]


def test_all_rules_at_once() -> None:
    rules = ShapingRules(
        stall_steps=3,
        stall_penalty=3,
        idle_penalty=0.25,
        lap_bonus=50,
        missed_tile_penalty=0.5,
        missed_tile_margin=0,
    )
    assert {*in_lockstep(rules, 30, wild(1), steps=150)} == {"stall"}
    assert "lap_end" in in_lockstep(rules, 3, on_the_road(8), steps=260, num_envs=1)


@pytest.mark.parametrize("rules", [ShapingRules(stall_steps=6), None])
@pytest.mark.parametrize(
    "options",
    [
        GameOptions(pedal=True, action_repeat=4, skip_zoom=11, channels_first=True),
        GameOptions(action_repeat=3, gray=True, crop_hud=True, frame_size=42),
        GameOptions(continuous=False, action_repeat=2, skip_zoom=3, max_episode_frames=40),
        GameOptions(domain_randomize=True, lap_complete_percent=0.5, max_episode_frames=None, frame_size=8),
    ],
)
def test_both_backends_return_the_same(
    options: GameOptions, rules: ShapingRules | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but the images."""
    monkeypatch.setattr(CarRacing, "_render", UndrawnCarRacing._render)
    native = make_vector(options, 2, rules=rules, num_threads=1)
    stock = make_vector(options, 2, backend="gymnasium", rules=rules)
    assert native.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert native.observation_space == stock.observation_space
    assert native.action_space == stock.action_space
    frames, our_infos = native.reset(seed=3)
    their_frames, their_infos = stock.reset(seed=3)
    assert (frames.shape, frames.dtype) == (their_frames.shape, their_frames.dtype)
    assert_same_infos(our_infos, their_infos)
    native.action_space.seed(0)
    ends = 0
    for _ in range(60):
        actions = native.action_space.sample()
        _, *ours, our_infos = native.step(actions)
        _, *theirs, their_infos = stock.step(actions)
        for our_array, their_array in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert_same_infos(our_infos, their_infos)
        ends += int((ours[1] | ours[2]).sum())
    assert (ends > 0) == (rules is not None or options.max_episode_frames == 40)


def test_a_skipped_zoom_returns_the_stock_image() -> None:
    """Although frames are not drawn: the image after 5 frames equals that of a game that was drawn at every frame."""
    stock = make_vector(GameOptions(skip_zoom=5), 1, backend="gymnasium")
    plain = make_vector(GameOptions(), 1, backend="gymnasium")
    frames, infos = stock.reset(seed=2)
    plain.reset(seed=2)
    for _ in range(5):
        their_frames, *_, their_infos = plain.step(np.zeros((1, 3), np.float32))
    np.testing.assert_array_equal(frames, their_frames)
    for key in ("frames", "score", "tiles"):
        np.testing.assert_array_equal(infos[key], their_infos[key], strict=True)
