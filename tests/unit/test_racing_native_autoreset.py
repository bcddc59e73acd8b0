"""Steps and infos of CarRacingVectorEnv equal those of SyncVectorEnv over the stock game, in each autoreset mode."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from apexline.racing import CarRacingVectorEnv, ShapingRules

from .gymnasium_versions import same_score_text, since_1_4
from .stock_racing import assert_same_infos, stock_vector, wild_driving

MODES = list(AutoresetMode)
NUM_ENVS = 3
STALLING = ShapingRules(stall_steps=6)


def assert_same_step(ours: Any, theirs: Any) -> None:
    for our_array, their_array in zip(ours[1:4], theirs[1:4], strict=True):
        np.testing.assert_array_equal(our_array, their_array, strict=True)
    assert_same_infos(ours[4], theirs[4])


def drive_both(native: CarRacingVectorEnv, stock: Any, steps: int) -> int:
    """Takes the same steps in both and compares everything but images; returns the number of episodes that ended."""
    rng = np.random.default_rng(5)
    _, our_infos = native.reset(seed=40)
    _, their_infos = stock.reset(seed=40)
    assert_same_infos(our_infos, their_infos)
    num_ended = 0
    for _ in range(steps):
        actions = wild_driving(rng, native.num_envs)
        ours, theirs = native.step(actions), stock.step(actions)
        assert_same_step(ours, theirs)
        ended = ours[2] | ours[3]
        num_ended += int(ended.sum())
        if native.autoreset_mode is AutoresetMode.DISABLED and ended.any():
            _, our_infos = native.reset(options={"reset_mask": ended})
            _, their_infos = stock.reset(options={"reset_mask": ended})
            assert_same_infos(our_infos, their_infos)
    return num_ended


@pytest.mark.parametrize("mode", MODES)
def test_steps_and_infos_are_those_of_gymnasium(mode: AutoresetMode) -> None:
    """Episodes of different lengths: some stall, others reach the limit."""
    options: dict[str, Any] = {"action_repeat": 2, "rules": STALLING}
    native = CarRacingVectorEnv(NUM_ENVS, autoreset_mode=mode, max_episode_frames=41, **options)
    stock = stock_vector(NUM_ENVS, mode, max_episode_frames=41, **options)
    assert drive_both(native, stock, steps=60) >= 6


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_all_episodes_end_in_one_step(mode: AutoresetMode) -> None:
    native = CarRacingVectorEnv(2, autoreset_mode=mode, max_episode_frames=3)
    stock = stock_vector(2, mode, max_episode_frames=3)
    assert drive_both(native, stock, steps=9) == (4 if mode is AutoresetMode.NEXT_STEP else 6)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_car_that_leaves_the_field(mode: AutoresetMode) -> None:
    """The game ends the episode with `lap_finished`: False."""
    native, stock = CarRacingVectorEnv(2, autoreset_mode=mode), stock_vector(2, mode)
    for env in (native, stock):
        env.reset(seed=36)
    straight_on = np.array([[0, 0.5, 0], [0, 0, 0]], np.float32)
    for _ in range(182):
        assert not native.step(straight_on)[2].any()
        stock.step(straight_on)
    ours, theirs = native.step(straight_on), stock.step(straight_on)
    assert_same_step(ours, theirs)
    assert ours[1].tolist() == [-100, pytest.approx(-0.1)]
    finals = ours[4]["final_info"] if mode is AutoresetMode.SAME_STEP else ours[4]
    assert finals["_lap_finished"].tolist() == [True, False]
    assert not finals["lap_finished"].any()


def assert_similar(ours: Any, theirs: Any) -> None:
    """The indicators are the stock game's bytes; above them edges differ by a few of the 255 levels."""
    np.testing.assert_array_equal(ours[..., 84:, :, :], theirs[..., 84:, :, :], strict=True)
    assert np.abs(ours.astype(int) - theirs).mean() < 0.3


@same_score_text
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_images_are_similar(mode: AutoresetMode) -> None:
    stock = SyncVectorEnv(
        [lambda: gym.make("CarRacing-v3", max_episode_steps=3) for _ in range(2)], autoreset_mode=mode
    )
    native = CarRacingVectorEnv(2, autoreset_mode=mode, max_episode_frames=3)
    assert_similar(native.reset(seed=11)[0], stock.reset(seed=11)[0])
    rng = np.random.default_rng(0)
    for _ in range(7):
        actions = wild_driving(rng, 2)
        ours, theirs = native.step(actions), stock.step(actions)
        assert_similar(ours[0], theirs[0])
        assert ("final_obs" in ours[4]) == ("final_obs" in theirs[4])
        for our_frame, their_frame in zip(
            ours[4].get("final_obs", ()), theirs[4].get("final_obs", ()), strict=True
        ):
            assert_similar(our_frame, their_frame)


@since_1_4("counts episodes of same-step autoreset wrongly")
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_episode_statistics_are_those_of_gymnasium(mode: AutoresetMode) -> None:
    options: dict[str, Any] = {"autoreset_mode": mode, "max_episode_frames": 17, "rules": STALLING}
    native = CarRacingVectorEnv(NUM_ENVS, episode_statistics=True, **options)
    recorded = RecordEpisodeStatistics(CarRacingVectorEnv(NUM_ENVS, **options))
    native.reset(seed=2)
    recorded.reset(seed=2)
    rng = np.random.default_rng(1)
    num_ended = 0
    for _ in range(40):
        actions = wild_driving(rng, NUM_ENVS)
        *_, ours = native.step(actions)
        *_, theirs = recorded.step(actions)
        assert ours.keys() == theirs.keys()
        if "episode" not in ours:
            continue
        num_ended += int(ours["_episode"].sum())
        np.testing.assert_array_equal(ours["_episode"], theirs["_episode"])
        assert ours["episode"].keys() == theirs["episode"].keys()
        for key in ("r", "l"):
            np.testing.assert_array_equal(ours["episode"][key], theirs["episode"][key], strict=True)
        assert ours["episode"]["t"].dtype == np.float64
        assert (ours["episode"]["t"] > 0).tolist() == ours["_episode"].tolist()
    assert num_ended >= 6


def test_with_autoreset_disabled_an_ended_game_needs_a_reset() -> None:
    env = CarRacingVectorEnv(2, autoreset_mode=AutoresetMode.DISABLED, max_episode_frames=2)
    env.reset(seed=0)
    actions = np.zeros((2, 3), np.float32)
    env.step(actions)
    *_, truncated, _ = env.step(actions)
    assert truncated.all()
    with pytest.raises(gym.error.ResetNeeded, match=r"^environment 0 needs a reset before a step$"):
        env.step(actions)
    env.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(gym.error.ResetNeeded, match=r"^environment 1 needs a reset before a step$"):
        env.step(actions)
    env.reset(options={"reset_mask": np.array([False, True])})
    assert env.step(actions)[4]["frames"].tolist() == [1, 1]
