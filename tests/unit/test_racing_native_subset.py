"""Steps and resets of a subset of the games, and `out`: as single environments that are stepped one by one."""

from __future__ import annotations

import re
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingVectorEnv, ShapingRules

from .native_racing import SMALL
from .stock_racing import assert_same_infos, wild_driving

NUM_ENVS = 11
"""Two blocks of SIMD lanes, one of them partly filled."""
OPTIONS: dict[str, Any] = {
    **SMALL,
    "action_repeat": 2,
    "max_episode_frames": 13,
    "rules": ShapingRules(stall_steps=4, lap_bonus=2.0),
    "domain_randomize": True,
    "num_threads": 1,
}


def rows_of(steps: list[Any]) -> list[Any]:
    """Joins the steps or resets of single environments: arrays, and infos as gymnasium's vector environments have."""
    *arrays, infos = zip(*steps, strict=True)
    return [*(np.concatenate(parts) for parts in arrays), joined_infos(list(infos))]


def joined_infos(infos: list[dict[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key in {key for info in infos for key in info if not key.startswith("_")}:
        holders = [info for info in infos if key in info]
        value = holders[0][key]
        if isinstance(value, dict) and key != "episode":
            joined[key] = joined_infos([info.get(key, {}) for info in infos])
        elif isinstance(value, dict):
            joined[key] = {
                part: np.concatenate([info[key][part] if key in info else zeros for info in infos])
                for part, zeros in ((part, np.zeros_like(array)) for part, array in value.items())
            }
        else:
            blank = np.array([None], object) if value.dtype == object else np.zeros_like(value)
            joined[key] = np.concatenate([info.get(key, blank) for info in infos])
        joined[f"_{key}"] = np.array([bool(info.get(f"_{key}", [False])[0]) for info in infos])
    return joined


def assert_same(ours: Any, theirs: Any) -> None:
    for our_array, their_array in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_array_equal(our_array, their_array, strict=True)
    our_infos, their_infos = ours[-1], theirs[-1]
    for infos in (our_infos, their_infos):  # wall-clock seconds
        infos.get("episode", {}).pop("t", None)
    assert_same_infos(our_infos, their_infos)
    for ours_last, theirs_last in zip(
        our_infos.get("final_obs", ()), their_infos.get("final_obs", ()), strict=True
    ):
        np.testing.assert_array_equal(ours_last, theirs_last)


@pytest.mark.parametrize("statistics", [False, True])
@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_random_subsets_are_single_environments(
    mode: AutoresetMode, num_threads: int, *, statistics: bool
) -> None:
    options = {**OPTIONS, "autoreset_mode": mode, "episode_statistics": statistics}
    env = CarRacingVectorEnv(NUM_ENVS, **{**options, "num_threads": num_threads})
    singles = [CarRacingVectorEnv(1, **options) for _ in range(NUM_ENVS)]
    rng = np.random.default_rng(7)
    order = rng.permutation(NUM_ENVS)
    for part in (order[:4], order[4:]):
        ours = env.reset(seed=30, env_ids=part)
        assert_same(ours, rows_of([singles[i].reset(seed=30 + int(i)) for i in part]))
    num_ended = 0
    for _ in range(60):
        chosen = rng.permutation(NUM_ENVS)[: rng.integers(1, NUM_ENVS + 1)]
        actions = wild_driving(rng, len(chosen))
        ours = env.step(actions, env_ids=chosen.tolist())
        theirs = [singles[i].step(actions[row : row + 1]) for row, i in enumerate(chosen)]
        assert_same(ours, rows_of(theirs))
        assert ours[0].shape == (len(chosen), 8, 8)
        ended = chosen[ours[2] | ours[3]]
        num_ended += len(ended)
        if mode is AutoresetMode.DISABLED and len(ended):
            ours = env.reset(env_ids=ended)
            assert_same(ours, rows_of([singles[i].reset() for i in ended]))
    assert num_ended >= 20
    np.testing.assert_array_equal(env.observe(), np.concatenate([single.observe() for single in singles]))
    some = np.array([7, 2, 10], np.uint8)
    np.testing.assert_array_equal(env.observe(some), env.observe()[some])
    assert [generator.bit_generator.state for generator in env.np_random] == [
        single.np_random[0].bit_generator.state for single in singles
    ]


def test_all_games_in_another_order() -> None:
    env, other = (CarRacingVectorEnv(NUM_ENVS, **OPTIONS) for _ in range(2))
    env.reset(seed=0)
    other.reset(seed=0)
    order = np.arange(NUM_ENVS)[::-1]
    rng = np.random.default_rng(0)
    for _ in range(10):
        actions = wild_driving(rng, NUM_ENVS)
        ours, theirs = env.step(actions[order], order), other.step(actions)
        for our_array, their_array in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(our_array[order], their_array)


def test_raw_steps() -> None:
    env, other = (CarRacingVectorEnv(4, **OPTIONS, autoreset_mode="SameStep") for _ in range(2))
    env.reset(seed=0)
    other.reset(seed=0)
    ids = [3, 1]
    for _ in range(8):
        actions = np.zeros((2, 3))
        frames, reports, last_frames, last_reports = env.step_raw(actions, ids)
        theirs, rewards, terminated, truncated, infos = other.step(actions, ids)
        ended = terminated | truncated
        np.testing.assert_array_equal(frames, theirs)
        np.testing.assert_array_equal(reports["reward"], rewards)
        assert (last_frames is not None) == ended.any() == ("final_obs" in infos)
        if last_frames is not None and last_reports is not None:
            for row in np.flatnonzero(ended):
                np.testing.assert_array_equal(last_frames[row], infos["final_obs"][row])
                assert last_reports["frames"][row] == infos["final_info"]["frames"][row]


def test_a_subset_may_leave_out_games_that_need_a_reset() -> None:
    env = CarRacingVectorEnv(3, **SMALL, max_episode_frames=2, autoreset_mode=AutoresetMode.DISABLED)
    actions = np.zeros((1, 3))
    env.reset(env_ids=[1])
    with pytest.raises(gym.error.ResetNeeded, match=r"^environment 2 needs a reset before a step$"):
        env.step(np.zeros((2, 3)), env_ids=[1, 2])
    env.step(actions, env_ids=[1])
    assert env.step(actions, env_ids=[1])[3].tolist() == [True]
    with pytest.raises(gym.error.ResetNeeded, match=r"^environment 1 needs a reset before a step$"):
        env.step(actions, env_ids=[1])
    env.reset(env_ids=np.array([0]))
    env.step(actions, env_ids=[0])


def test_seeds_and_tracks_of_a_subset(capsys: pytest.CaptureFixture[str]) -> None:
    env, other = (CarRacingVectorEnv(4, **SMALL, verbose=verbose) for verbose in (True, False))
    env.reset(seed=[8, None], env_ids=[2, 0])
    assert env.np_random_seed[2] == 8
    assert re.findall(r"environment (\d): Track", capsys.readouterr().out) == ["2", "0"]
    env.reset(seed=5, env_ids=[3])
    assert env.np_random_seed[3] == 8
    other.reset(seed=5)
    for env_id in (2, 3):
        np.testing.assert_array_equal(env.track_snapshot(env_id).nodes, other.track_snapshot(3).nodes)


@pytest.mark.parametrize(
    ("env_ids", "error", "message"),
    [
        ([0, 3], IndexError, "env_ids[1] is 3; expected 0 to 2"),
        ([-1], IndexError, "env_ids[0] is -1; expected 0 to 2"),
        (
            [1, 0, 1],
            ValueError,
            "env_ids[2] is 1, which is listed before; expected each environment at most once",
        ),
        ([], ValueError, "env_ids has shape (0,); expected (n,) with n >= 1"),
        (1, ValueError, "env_ids has shape (); expected (n,) with n >= 1"),
        ([[0, 1]], ValueError, "env_ids has shape (1, 2); expected (n,) with n >= 1"),
        ([0.0], TypeError, "env_ids has dtype float64; expected integers"),
        ([True, False, True], TypeError, "env_ids has dtype bool; expected integers"),
        (["0"], TypeError, "env_ids has dtype <U1; expected integers"),
    ],
)
def test_invalid_ids_change_nothing(env_ids: Any, error: type[Exception], message: str) -> None:
    env = CarRacingVectorEnv(3, **SMALL)
    env.reset(seed=0)
    before = env.get_state()
    actions = np.zeros((3, 3))
    for call in (
        lambda: env.step(actions, env_ids),
        lambda: env.step_raw(actions, env_ids),
        lambda: env.reset(env_ids=env_ids),
        lambda: env.observe(env_ids),
    ):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()
    assert env.get_state() == before
    env.step(actions[:2], [2, 0])


def test_arguments_must_have_a_row_for_each_id() -> None:
    env = CarRacingVectorEnv(3, **SMALL)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^actions has shape \(3, 3\); expected \(2, 3\)$"):
        env.step(np.zeros((3, 3)), env_ids=[0, 1])
    with pytest.raises(ValueError, match=r"^len\(seed\) is 3; expected 2$"):
        env.reset(seed=[1, 2, 3], env_ids=[0, 1])
    mask = np.ones(3, bool)
    with pytest.raises(ValueError, match=r"^options\['reset_mask'\] is .*; expected no mask with env_ids$"):
        env.reset(options={"reset_mask": mask}, env_ids=[0, 1])


def test_out_receives_the_observations() -> None:
    env, other = (CarRacingVectorEnv(3, **OPTIONS, autoreset_mode="SameStep") for _ in range(2))
    out = np.full((3, 8, 8), 77, np.uint8)
    frames, _ = env.reset(seed=1, out=out)
    assert frames is out
    np.testing.assert_array_equal(out, other.reset(seed=1)[0])
    for _ in range(8):
        actions = np.zeros((3, 3))
        ours, theirs = env.step(actions, out=out), other.step(actions)
        assert ours[0] is out
        assert_same(ours, theirs)
        finals = [last for last in ours[4].get("final_obs", ()) if last is not None]
        assert not any(np.shares_memory(last, out) for last in finals)
    rollout = np.zeros((2, 3, 8, 8), np.uint8)
    for row in rollout:
        env.step(actions, out=row)
        np.testing.assert_array_equal(row, other.step(actions)[0])
    two = rollout[0, :2]
    assert env.step(actions[:2], [2, 0], out=two)[0] is two
    np.testing.assert_array_equal(two, other.step(actions[:2], [2, 0])[0])
    raw, *_ = env.step_raw(actions, out=out)
    assert raw is out
    np.testing.assert_array_equal(out, other.step(actions)[0])
    out[:] = 0
    assert env.observe(out=out) is out
    np.testing.assert_array_equal(out, other.observe())
    mask = np.array([False, True, False])
    for each in (env, other):
        frames, _ = each.reset(options={"reset_mask": mask}, out=out)
        np.testing.assert_array_equal(frames, each.observe())
    assert env.observe([1], out=out[:1]).shape == (1, 8, 8)


def read_only(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([[0]], TypeError, "out is of type list; expected a NumPy array"),
        (np.zeros((3, 8, 8), np.int8), TypeError, "out has dtype int8; expected uint8"),
        (np.zeros((2, 8, 8), np.uint8), ValueError, "out has shape (2, 8, 8); expected (3, 8, 8)"),
        (np.zeros((3, 64), np.uint8), ValueError, "out has shape (3, 64); expected (3, 8, 8)"),
        (
            np.zeros((3, 8, 16), np.uint8)[..., ::2],
            ValueError,
            "out is read-only or not C-contiguous; expected a writable C-contiguous array",
        ),
        (
            read_only(np.zeros((3, 8, 8), np.uint8)),
            ValueError,
            "out is read-only or not C-contiguous; expected a writable C-contiguous array",
        ),
    ],
)
def test_an_invalid_out_changes_nothing(out: Any, error: type[Exception], message: str) -> None:
    env = CarRacingVectorEnv(3, **SMALL)
    env.reset(seed=0)
    before, seeds = env.get_state(), env.np_random_seed
    mask = np.array([False, True, False])
    for call in (
        lambda: env.step(np.zeros((3, 3)), out=out),
        lambda: env.reset(seed=4, out=out),
        lambda: env.reset(seed=4, options={"reset_mask": mask}, out=out),
        lambda: env.observe(out=out),
    ):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()
    assert env.get_state() == before
    assert env.np_random_seed == seeds


def test_actions_of_a_wrong_value_leave_out_as_it_was() -> None:
    env = CarRacingVectorEnv(3, **SMALL)
    env.reset(seed=0)
    out = np.full((3, 8, 8), 9, np.uint8)
    with pytest.raises(ValueError, match="actions"):
        env.step(np.full((3, 3), np.nan), out=out)
    assert (out == 9).all()


def test_lists_of_images_grow_for_the_stepped_games_only() -> None:
    env = CarRacingVectorEnv(3, **SMALL, render_mode="state_pixels_list")
    env.reset(seed=0, env_ids=[2, 0])
    env.step(np.zeros((1, 3)), [2])
    lists: Any = env.render()
    assert [len(images) for images in lists] == [1, 0, 2]


def test_the_action_of_a_game_that_is_reset_is_not_read() -> None:
    """With next-step autoreset, in its row and no other."""
    env = CarRacingVectorEnv(3, **SMALL, max_episode_frames=1)
    env.reset(seed=0)
    env.step(np.zeros((1, 3)), [2])
    with pytest.raises(ValueError, match=r"^actions\[1, 0\] is nan"):
        env.step([[0, 0, 0], [np.nan, 0, 0]], [2, 1])
    infos = env.step([[np.nan, 0, 0], [0, 0, 0]], [2, 1])[4]
    assert infos["_repeats"].tolist() == [False, True]


def test_actions_that_step_the_environment_themselves_are_refused() -> None:
    """NumPy calls the method __array__ of an object within the step."""
    env, other = (CarRacingVectorEnv(NUM_ENVS, **SMALL) for _ in range(2))
    inner = list(range(NUM_ENVS))[::-1]

    class Stepping:
        def __array__(self, dtype: Any = None, copy: Any = None) -> npt.NDArray[Any]:
            env.step(np.zeros((NUM_ENVS, 3)), inner)
            return np.full((2, 3), 0.5)

    env.reset(seed=0)
    other.reset(seed=0)
    with pytest.raises(RuntimeError, match="another call is using this environment"):
        env.step(Stepping(), [4, 1])  # type: ignore[arg-type]
    assert env.get_state() == other.get_state()
    assert_same(env.step(np.full((2, 3), 0.5), [4, 1]), other.step(np.full((2, 3), 0.5), [4, 1]))
