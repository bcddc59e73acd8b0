"""What CarRacingVectorEnv shares with gymnasium's SyncVectorEnv besides reset and step."""

from __future__ import annotations

import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, ShapingRules

from .gymnasium_versions import since_1_4
from .native_racing import SMALL
from .stock_racing import stock_vector, wild_driving

Env = CarRacingVectorEnv
ID = "apexline/CarRacing-v3"


@pytest.fixture
def pair() -> tuple[Env, Any]:
    """The native vector environment and gymnasium's over the native single one, three steps after a reset."""
    native = Env(3, render_mode="state_pixels", **SMALL)
    sync = SyncVectorEnv([lambda: gym.make(ID, render_mode="state_pixels", **SMALL)] * 3)
    rng = np.random.default_rng(0)
    for env in (native, sync):
        env.reset(seed=[4, 5, 6])
    for _ in range(3):
        actions = wild_driving(rng, 3)
        for env in (native, sync):
            env.step(actions)
    return native, sync


def assert_equal(ours: Any, theirs: Any) -> None:
    """Types and values; of snapshots the fields."""
    assert isinstance(ours, list) if isinstance(theirs, list) else type(ours) is type(theirs)
    if isinstance(ours, np.random.Generator):
        ours, theirs = ours.bit_generator.state, theirs.bit_generator.state
    if isinstance(ours, tuple | list):
        assert len(ours) == len(theirs)
        for our_value, their_value in zip(ours, theirs, strict=True):
            assert_equal(our_value, their_value)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    elif type(ours).__module__ == "apexline.racing.native.snapshots":
        for name, value in vars(theirs).items():
            assert_equal(getattr(ours, name), value)
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    "name",
    [
        *("track_snapshot", "car_snapshot", "skid_marks", "observe", "render", "get_state"),
        *("np_random", "np_random_seed", "observation_space", "action_space", "render_mode"),
        pytest.param("metadata", marks=since_1_4("puts the autoreset mode into the games' metadata")),
        *(
            "options",
            "rules",
            "render_size",
            "tile_visited_count",
            "t",
            "reward",
            "prev_reward",
            "track",
            "road_color",
            "state",
        ),
    ],
)
def test_call_and_get_attr_return_what_sync_vector_env_returns(pair: tuple[Env, Any], name: str) -> None:
    native, sync = pair
    expected = sync.call(name)
    assert_equal(native.call(name), expected)
    assert_equal(native.get_attr(name), expected)
    for game, value in zip(native.envs, expected, strict=True):
        got = getattr(game, name)
        assert_equal(got() if callable(got) else got, value)
        assert_equal(game.get_wrapper_attr(name)() if callable(got) else game.get_wrapper_attr(name), value)
        assert game.has_wrapper_attr(name)


def test_games_have_the_attributes_of_the_stock_game() -> None:
    envs: list[Any] = [Env(2, **SMALL), stock_vector(2, AutoresetMode.NEXT_STEP)]
    rng = np.random.default_rng(0)
    for env in envs:
        env.reset(seed=3)
    for _ in range(30):
        actions = wild_driving(rng, 2)
        for env in envs:
            env.step(actions)
    for name in (
        "tile_visited_count",
        "t",
        "reward",
        "prev_reward",
        "new_lap",
        "track",
        "continuous",
        "verbose",
    ):
        assert_equal(envs[0].get_attr(name), envs[1].get_attr(name))
    ours, theirs = (env.get_attr("car") for env in envs)
    for our_car, their_car in zip(ours, theirs, strict=True):
        assert our_car.hull.position == their_car.hull.position
        assert [wheel.omega for wheel in our_car.wheels] == [wheel.omega for wheel in their_car.wheels]
    assert envs[0].envs[1].car is envs[0].envs[1].car


@pytest.mark.filterwarnings("ignore:.*set_state does not take back the steps")
def test_call_passes_arguments_to_every_game(pair: tuple[Env, Any]) -> None:
    native, sync = pair
    state = native.call("get_state")[1]
    assert state == sync.call("get_state")[1]
    for env in pair:
        assert env.call("set_state", state) == (None, None, None)
        assert env.call("set_state", state=state) == (None, None, None)
        assert set(env.get_attr("get_state")) == {state}
    actions = np.tile(np.float32([0.1, 0.5, 0]), (3, 1))
    ours, theirs = native.step(actions), sync.step(actions)
    for our_array, their_array in zip(ours[:4], theirs[:4], strict=True):
        np.testing.assert_array_equal(our_array, their_array, strict=True)
        assert (our_array == our_array[0]).all()


def test_games_by_index_iteration_and_length(pair: tuple[Env, Any]) -> None:
    native, sync = pair
    assert len(native) == len(native.envs) == len(sync.envs) == 3
    assert type(native.envs) is tuple
    assert list(native) == list(native.envs) == [native[0], native[1], native[2]]
    assert native[-1] == native[2] == native.envs[2] != native[0]
    assert len({*native, *native}) == 3
    assert [game.index for game in native] == [0, 1, 2]
    assert native[1] != Env(3, **SMALL)[1]
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"^env is {index}; expected -3 to 2$"):
            native[index]
    for game, env in zip(native, sync.envs, strict=True):
        assert game.unwrapped is game
        assert game.get_state() == env.unwrapped.get_state()
    assert repr(native[1]) == f"<game 1 of {native!r}>"


def test_a_game_has_the_spec_of_a_single_environment() -> None:
    rules = ShapingRules(idle_penalty=1.0)
    options: dict[str, Any] = {"rules": rules, "gray": True, "render_mode": "rgb_array", "verbose": True}
    env = Env(2, num_threads=1, autoreset_mode="SameStep", max_episode_steps=7, **options)
    made = gym.make_vec(ID, num_envs=2, max_episode_steps=7, **options)
    for envs in (env, made):
        spec = envs.unwrapped.get_attr("spec")[1]
        assert spec.kwargs == options
        single = gym.make(spec)
        assert single.spec is not None
        assert single.spec.max_episode_steps == 7
        assert repr(single.unwrapped) == repr(CarRacingEnv("rgb_array", gray=True, rules=rules))
    assert Env(1, max_episode_steps=-1).envs[0].spec.max_episode_steps is None


def test_unknown_attributes_raise_as_in_sync_vector_env(pair: tuple[Env, Any]) -> None:
    for env in pair:
        for read in (env.call, env.get_attr):
            with pytest.raises(AttributeError, match="has no attribute 'gravity'"):
                read("gravity")
    assert not pair[0][0].has_wrapper_attr("gravity")


@pytest.mark.parametrize("name", ["reset", "step", "close", "set_rules"])
def test_games_are_not_reset_stepped_or_closed_alone(pair: tuple[Env, Any], name: str) -> None:
    native, _ = pair
    before = native.get_state()
    message = f"^a game has no '{name}' of its own; call CarRacingVectorEnv.{name}$"
    for read in (native.call, native.get_attr, native[0].get_wrapper_attr, native[0].__getattribute__):
        with pytest.raises(AttributeError, match=message):
            read(name)
    assert not hasattr(native[0], name)
    assert native.get_state() == before


@pytest.mark.parametrize("rules", [ShapingRules(idle_penalty=2.0), {"idle_penalty": 2.0}, None])
@pytest.mark.parametrize("each", [False, True])
def test_set_attr_sets_the_rules_of_all_games(rules: Any, each: bool) -> None:
    env, plain = (Env(2, rules=ShapingRules(idle_penalty=1.0), **SMALL) for _ in range(2))
    env.set_attr("rules", [rules, rules] if each else rules)
    plain.set_rules(rules)
    assert env.rules == plain.rules == env.get_attr("rules")[1]
    for each_env in (env, plain):
        each_env.reset(seed=0)
    assert env.step(np.zeros((2, 3)))[1].tolist() == plain.step(np.zeros((2, 3)))[1].tolist()


def test_attributes_of_games_cannot_be_set() -> None:
    env = Env(2, **SMALL)
    for name in ("car", "tile_visited_count", "render_mode", "spec", "gravity", "options", "_envs", "reset"):
        message = f"attribute '{name}' of a game cannot be set; CarRacingVectorEnv.set_attr sets 'rules'"
        for write in (
            lambda name=name: env.set_attr(name, 1),
            lambda name=name: env.set_attr(name, [1, 2]),
            lambda name=name: setattr(env[0], name, 1),
            lambda name=name: env[0].set_wrapper_attr(name, 1),
        ):
            with pytest.raises(AttributeError, match=f"^{re.escape(message)}$"):
                write()
    with pytest.raises(ValueError, match=r"^values is .*; expected the same rules for every game$"):
        env.set_attr("rules", [None, ShapingRules()])
    with pytest.raises(TypeError, match=r"^rules is 3; expected a ShapingRules"):
        env.set_attr("rules", 3)


def test_set_attr_needs_a_value_for_each_game(pair: tuple[Env, Any]) -> None:
    for env in pair:
        with pytest.raises(ValueError, match=r"len\(values\) is 2; expected 3|length equal to the number"):
            env.set_attr("rules", [None, None])


def test_observing_one_game_needs_a_reset_of_that_game_alone() -> None:
    env = Env(2, **SMALL)
    env.reset(env_ids=[1], seed=[5])
    np.testing.assert_array_equal(env[1].observe(), Env(1, **SMALL).reset(seed=5)[0][0], strict=True)
    np.testing.assert_array_equal(env[1].state, env[1].observe(), strict=True)
    with pytest.raises(gym.error.ResetNeeded, match="environment 0 needs a reset"):
        env[0].observe()


def test_games_of_a_closed_environment() -> None:
    env = Env(2, **SMALL)
    game = env[1]
    env.close()
    for read in (game.get_state, lambda: game.np_random, lambda: env.call("track_snapshot")):
        with pytest.raises(gym.error.ClosedEnvironmentError, match=r"^CarRacingVectorEnv is closed$"):
            read()
    assert game.action_space == env.single_action_space


def test_render_of_single_games() -> None:
    env = Env(2, render_mode="state_pixels_list", **SMALL)
    env.reset(seed=0)
    assert [len(game.render()) for game in env] == [1, 1]
    assert env.call("render") == ([], [])
    with pytest.warns(UserWarning, match="has no render_mode"):
        assert Env(1, **SMALL)[0].render() is None


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_values_infos_and_masks_are_those_of_sync_vector_env_over_the_single_one(mode: AutoresetMode) -> None:
    options: dict[str, Any] = {"action_repeat": 2, "rules": {"stall_steps": 9}, **SMALL}
    native = Env(3, autoreset_mode=mode, max_episode_steps=20, **options)
    sync: Any = SyncVectorEnv(
        [lambda: gym.make(ID, max_episode_steps=20, **options)] * 3, autoreset_mode=mode
    )
    for env in (native, sync):
        assert env.metadata["autoreset_mode"] is mode
    assert native.single_observation_space == sync.single_observation_space
    assert native.observation_space == sync.observation_space
    assert native.action_space == sync.action_space
    results = [[env.reset(seed=2)] for env in (native, sync)]
    rng = np.random.default_rng(3)
    for step in range(70):
        actions = wild_driving(rng, 3)
        for env, seen in zip((native, sync), results, strict=True):
            seen.append(env.step(actions))
            ended = seen[-1][2] | seen[-1][3]
            if mode is AutoresetMode.DISABLED and ended.any():
                seen.append(env.reset(options={"reset_mask": ended}))
            elif step == 30:
                seen.append(
                    env.reset(seed=[9, None, 8], options={"reset_mask": np.array([True, False, True])})
                )
    for ours, theirs in zip(*results, strict=True):
        assert_same_result(ours, theirs)
    assert native.np_random_seed == sync.np_random_seed
    assert_equal(native.np_random, sync.np_random)


def assert_same_result(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert_same_result(ours[key], value)
    elif isinstance(theirs, np.ndarray) and theirs.dtype == object:
        for our_value, their_value in zip(ours, theirs, strict=True):
            assert_equal(our_value, their_value)
    elif isinstance(theirs, tuple):
        for our_value, their_value in zip(ours, theirs, strict=True):
            assert_same_result(our_value, their_value)
    else:
        assert_equal(ours, theirs)
