"""CarRacingVectorEnv: spaces, arrays, seeds, resets, images."""

from __future__ import annotations

import hashlib
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, ShapingRules

from .gymnasium_versions import same_score_text
from .native_racing import SMALL, coast
from .stock_racing import CarRacing, UndrawnCarRacing, follow_the_road, wild_driving

Env = CarRacingVectorEnv


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (96, 96, 3)),
        ({"crop_hud": True}, (84, 84, 3)),
        ({"channels_first": True, "frame_size": 64}, (3, 64, 64)),
        ({"gray": True, "channels_first": True}, (96, 96)),
        ({"crop_hud": True, "gray": True, "frame_size": 42}, (42, 42)),
    ],
)
def test_observations_fit_their_space(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    env = Env(2, **options)
    assert env.single_observation_space == gym.spaces.Box(0, 255, shape, np.uint8)
    assert env.observation_space == gym.spaces.Box(0, 255, (2, *shape), np.uint8)
    frames, _ = env.reset(seed=0)
    assert frames in env.observation_space
    assert coast(env)[0] in env.observation_space


def test_spaces_are_those_of_the_stock_game() -> None:
    for continuous in (True, False):
        stock, native = CarRacing(continuous=continuous), Env(3, continuous=continuous)
        assert native.single_action_space == stock.action_space
        assert native.single_observation_space == stock.observation_space
        assert native.action_space == gym.vector.utils.batch_space(stock.action_space, 3)
    pedal = Env(3, pedal=True)
    assert pedal.single_action_space == gym.spaces.Box(-1, 1, (2,), np.float32)
    for env in (native, pedal):
        env.reset(seed=0)
        assert env.step(env.action_space.sample())[0].shape == (3, 96, 96, 3)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_metadata(mode: AutoresetMode) -> None:
    env = Env(1, autoreset_mode=mode)
    assert env.metadata == {**CarRacing.metadata, "autoreset_mode": mode}
    assert Env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert Env(1, autoreset_mode=mode.value).autoreset_mode is mode


def test_what_a_step_returns() -> None:
    env = Env(3)
    env.reset(seed=0)
    frames, rewards, terminated, truncated, _ = coast(env)
    assert rewards.dtype == np.float64
    assert terminated.dtype == truncated.dtype == np.bool_
    assert rewards.shape == terminated.shape == truncated.shape == (3,)
    assert all(array.flags.c_contiguous for array in (frames, rewards, terminated, truncated))
    tiles = [len(env.track_snapshot(i).tiles) for i in range(3)]
    np.testing.assert_allclose(rewards, [2000 / n - 0.1 for n in tiles])


def arrays_in(data: Any) -> list[npt.NDArray[Any]]:
    if isinstance(data, np.ndarray):
        return [data]
    values = data.values() if isinstance(data, dict) else data if isinstance(data, tuple) else ()
    return [array for value in values for array in arrays_in(value)]


def test_every_call_returns_fresh_arrays() -> None:
    env = Env(2, max_episode_frames=2, autoreset_mode=AutoresetMode.SAME_STEP, **SMALL)
    calls = [arrays_in(env.reset(seed=0)), *(arrays_in(coast(env)) for _ in range(4)), [env.observe()]]
    for i, arrays in enumerate(calls):
        for later in calls[i + 1 :]:
            assert not any(np.shares_memory(a, b) for a in arrays for b in later if a.dtype != object)
    coast(env)
    final = coast(env)[4]["final_obs"]
    assert not np.shares_memory(final[0], final[1])


def play(num_envs: int, num_threads: int, **options: Any) -> list[str]:
    """Digests of all outputs of each game over two short episodes."""
    env = Env(num_envs, num_threads=num_threads, autoreset_mode=AutoresetMode.SAME_STEP, **options)
    digests = [hashlib.sha256() for _ in range(num_envs)]
    frames, _ = env.reset(seed=100)
    for i, digest in enumerate(digests):
        digest.update(frames[i].tobytes())
    rngs = [np.random.default_rng(i) for i in range(num_envs)]
    for _ in range(30):
        actions = np.concatenate([wild_driving(rng, 1) for rng in rngs])
        frames, rewards, terminated, truncated, infos = env.step(actions)
        for i, digest in enumerate(digests):
            for array in (frames, rewards, terminated, truncated, infos["score"], infos["tiles"]):
                digest.update(array[i].tobytes())
    return [digest.hexdigest() for digest in digests]


def test_threads_and_other_games_change_nothing() -> None:
    options = {"action_repeat": 2, "max_episode_frames": 37, "domain_randomize": True}
    alone = play(1, 1, **options)
    many = play(11, 1, **options)
    assert many[0] == alone[0]
    assert len({*many}) == 11
    assert play(11, 3, **options) == many
    assert play(9, 2, **options) == many[:9]


def assert_equal_games(ours: Env, env: int, theirs: Env, their_env: int) -> None:
    np.testing.assert_array_equal(ours.track_snapshot(env).nodes, theirs.track_snapshot(their_env).nodes)


def test_seeds() -> None:
    one, each, alone = Env(3, **SMALL), Env(3, **SMALL), Env(1, **SMALL)
    frames, _ = one.reset(seed=5)
    assert one.np_random_seed == (5, 6, 7)
    np.testing.assert_array_equal(each.reset(seed=[5, 6, 7])[0], frames)
    np.testing.assert_array_equal(each.reset(seed=np.array([5, 6, 7]))[0], frames)
    alone.reset(seed=6)
    assert_equal_games(alone, 0, one, 1)
    one.reset()
    alone.reset()
    assert_equal_games(alone, 0, one, 1)
    each.reset(seed=[None, 6, None])
    each.reset(seed=[None, None, 9])
    assert_equal_games(each, 1, one, 1)
    assert each.np_random_seed == (5, 6, 9)


def test_streams_of_random_numbers_are_those_of_gymnasium() -> None:
    env = Env(2, **SMALL)
    env.reset(seed=3)
    stock = CarRacing()
    stock.reset(seed=4)
    assert env.np_random[1].bit_generator.state == stock.np_random.bit_generator.state
    env.np_random[1].random()
    assert env.np_random[1].bit_generator.state == stock.np_random.bit_generator.state


def test_without_a_seed_games_differ() -> None:
    envs = [Env(2, **SMALL) for _ in range(2)]
    for env in envs:
        env.reset()
    nodes = [env.track_snapshot(i).nodes for env in envs for i in range(2)]
    assert not any(np.array_equal(a, b) for i, a in enumerate(nodes) for b in nodes[:i])
    generator, _ = seeding.np_random(envs[0].np_random_seed[1])
    twin = Env(1, **SMALL)
    twin.reset(seed=envs[0].np_random_seed[1])
    assert_equal_games(twin, 0, envs[0], 1)
    assert generator.bit_generator.state != envs[0].np_random[1].bit_generator.state


def test_a_masked_reset_leaves_the_other_games_alone() -> None:
    env, twin = Env(3), Env(3)
    actions = np.full((3, 3), [0.1, 0.5, 0], np.float32)
    for each in (env, twin):
        each.reset(seed=0)
        before = [each.step(actions) for _ in range(5)][-1][0]
    options = {"reset_mask": np.array([False, True, False])}
    frames, infos = env.reset(seed=[7, 8, 9], options=options)
    assert list(options) == ["reset_mask"]
    assert env.np_random_seed == (0, 8, 2)
    np.testing.assert_array_equal(frames[[0, 2]], before[[0, 2]])
    assert infos["_score"].tolist() == infos["_tiles"].tolist() == [False, True, False]
    assert infos["frames"].tolist() == [0, 0, 0]
    fresh = Env(1)
    np.testing.assert_array_equal(frames[1], fresh.reset(seed=8)[0][0])
    ours, theirs = env.step(actions), twin.step(actions)
    np.testing.assert_array_equal(ours[0][[0, 2]], theirs[0][[0, 2]])
    assert ours[4]["frames"].tolist() == [6, 1, 6]


def test_a_masked_reset_keeps_the_next_step_reset_of_the_others() -> None:
    env = Env(2, max_episode_frames=2, **SMALL)
    env.reset(seed=0)
    coast(env)
    assert coast(env)[3].all()
    env.reset(options={"reset_mask": np.array([True, False])})
    assert coast(env)[4]["frames"].tolist() == [1, 0]


@same_score_text
@pytest.mark.parametrize("randomize", [True, False, None])
def test_colours_of_a_randomised_game(randomize: bool | None) -> None:
    """Equal to the stock game's; randomize=False keeps those of the last episode."""
    options = None if randomize is None else {"randomize": randomize}
    native, stock = (
        Env(1, domain_randomize=True, render_mode="state_pixels"),
        CarRacing(domain_randomize=True),
    )
    for reset_options, seed in ((None, 8), (options, None), (options, None)):
        native.reset(seed=seed, options=reset_options)
        stock.reset(seed=seed, options=reset_options)
        (image,) = native.render() or ()
        np.testing.assert_array_equal(image, stock.state)


def test_colours_of_a_plain_game_stay() -> None:
    env, twin = Env(1), Env(1)
    np.testing.assert_array_equal(
        env.reset(seed=1, options={"randomize": True})[0], twin.reset(seed=1, options={"what": "else"})[0]
    )


def test_max_episode_steps_counts_steps() -> None:
    env = Env(1, action_repeat=4, max_episode_steps=3, skip_zoom=2, **SMALL)
    env.reset(seed=0)
    truncated = [bool(coast(env)[3][0]) for _ in range(3)]
    assert truncated == [False, False, True]
    unlimited = Env(1, max_episode_steps=-1, max_episode_frames=2, **SMALL)
    unlimited.reset(seed=0)
    assert [bool(coast(unlimited)[3][0]) for _ in range(2)] == [False, True]


def test_no_limit() -> None:
    env = Env(1, max_episode_frames=None, action_repeat=100, **SMALL)
    env.reset(seed=0)
    for _ in range(11):
        *_, truncated, infos = coast(env)
        assert not truncated.any()
    assert infos["frames"].tolist() == [1100]


def lap_with_cut_corners(**options: Any) -> tuple[bool, dict[str, Any]]:
    """Drives over the start line and 40 frames beyond, unless the episode ends: whether it did, and its last infos."""
    env = Env(1, max_episode_frames=None, **options, **SMALL)
    env.reset(seed=3)
    track, beyond, gone = env.track_snapshot(0), 0, 0
    while beyond < 40:
        car = env.car_snapshot(0)
        _, _, terminated, _, infos = env.step(follow_the_road(track, car, look_ahead=8)[None])
        gone += 1
        is_far = np.hypot(car.x[4] - track.nodes[0, 2], car.y[4] - track.nodes[0, 3]) > 10
        if terminated[0]:
            return True, infos
        beyond += not is_far and gone > 300
    return False, infos


def test_the_lap_rule_applies_only_with_ends_at_start_line() -> None:
    has_ended, infos = lap_with_cut_corners(ends_at_start_line=True, lap_complete_percent=0.9)
    assert has_ended
    assert infos["lap_finished"].tolist() == [True]
    assert 0.9 < infos["tiles"][0] < 1
    has_ended, infos = lap_with_cut_corners(lap_complete_percent=0.9)
    assert not has_ended
    assert "lap_finished" not in infos
    too_much, _ = lap_with_cut_corners(ends_at_start_line=True, lap_complete_percent=0.999)
    assert not too_much


def test_verbose_prints_tracks(capsys: pytest.CaptureFixture[str]) -> None:
    env = Env(1, verbose=True, max_episode_frames=2, **SMALL)
    stock = CarRacing(verbose=True)
    capsys.readouterr()
    for seed in range(8):
        env.reset(seed=seed)
        ours = capsys.readouterr().out.splitlines()
        stock.reset(seed=seed)
        theirs = capsys.readouterr().out.splitlines()
        retries = [line for line in theirs if line.startswith("retry")]
        length = theirs[-1].rpartition(" -> ")[2]
        assert ours == [*retries, f"Track generation: {length}"]
    coast(env)
    coast(env)
    assert capsys.readouterr().out == ""
    coast(env)
    assert capsys.readouterr().out.count("Track generation: ") == 1
    two = Env(2, verbose=True, **SMALL)
    two.reset(seed=0)
    assert "environment 1: Track generation: " in capsys.readouterr().out


def test_snapshots_equal_the_stock_car_and_road() -> None:
    native, stock = Env(2, **SMALL), UndrawnCarRacing()
    native.reset(seed=30)
    stock.reset(seed=31)
    rng = np.random.default_rng(4)
    for _ in range(150):
        actions = wild_driving(rng, 2)
        native.step(actions)
        stock.step(actions[1])
    car, track = native.car_snapshot(1), native.track_snapshot(1)
    bodies = [*stock.car.wheels, stock.car.hull]
    for ours, theirs in [
        (car.x, [body.position.x for body in bodies]),
        (car.y, [body.position.y for body in bodies]),
        (car.angle, [body.angle for body in bodies]),
        (car.velocity_x, [body.linearVelocity.x for body in bodies]),
        (car.velocity_y, [body.linearVelocity.y for body in bodies]),
        (car.spin, [body.angularVelocity for body in bodies]),
        (car.omega, [wheel.omega for wheel in bodies[:4]]),
        (car.phase, [wheel.phase for wheel in bodies[:4]]),
        (car.on_road, [bool(wheel.tiles) for wheel in bodies[:4]]),
        (track.nodes, stock.track),
        (track.visited, [tile.road_visited for tile in stock.road]),
    ]:
        np.testing.assert_array_equal(ours, theirs)
    assert (car.steer, car.gas, car.brake) == (bodies[0].steer, bodies[2].gas, bodies[0].brake)
    assert car.seconds == stock.t
    assert car.score_on_screen == pytest.approx(stock.reward + 0.1)
    assert 2 < track.visited.sum() < len(track.visited)
    assert (track.touched >= track.visited).all()


def test_images_equal_the_stock_game() -> None:
    """At steps where the drawn score differs from that of the observation, which is drawn before 0.1 is subtracted."""
    native = {mode: Env(2, render_mode=mode) for mode in ("rgb_array", "state_pixels")}
    stock = CarRacing(render_mode="rgb_array")
    stock.reset(seed=12)
    for env in native.values():
        env.reset(seed=11)
    rng = np.random.default_rng(3)
    looked = 0
    for _ in range(80):
        actions = wild_driving(rng, 2)
        for env in native.values():
            env.step(actions)
        stock.step(actions[1])
        if f"{stock.reward:04.0f}" == f"{stock.reward + 0.1:04.0f}":
            continue
        looked += 1
        for mode, env in native.items():
            images = env.render()
            assert images is not None
            assert len(images) == 2
            np.testing.assert_array_equal(images[1], stock._render(mode), strict=True)
    assert looked >= 4
    assert native["rgb_array"].skid_marks(1)
    assert not native["state_pixels"].skid_marks(1)


def test_without_a_render_mode_there_is_no_image() -> None:
    env = Env(1, **SMALL)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="has no render_mode"):
        assert env.render() is None


def test_shaping_rules() -> None:
    env = Env(1, rules=ShapingRules(stall_steps=3, stall_penalty=5), **SMALL)
    env.reset(seed=0)
    steps = [coast(env) for _ in range(3)]
    assert [bool(step[2][0]) for step in steps] == [False, False, True]
    assert steps[-1][1].tolist() == [pytest.approx(-5.1)]
    assert steps[-1][4]["ended_by"].tolist() == ["stall"]


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_step_raw_returns_the_values_of_step(mode: AutoresetMode) -> None:
    options: dict[str, Any] = {
        "autoreset_mode": mode,
        "max_episode_frames": 17,
        "rules": ShapingRules(stall_steps=6),
    }
    env, raw = Env(3, **options), Env(3, **options)
    np.testing.assert_array_equal(env.reset(seed=2)[0], raw.reset(seed=2)[0])
    rng = np.random.default_rng(1)
    num_ended = 0
    for _ in range(40):
        actions = wild_driving(rng, 3)
        frames, rewards, terminated, truncated, infos = env.step(actions)
        raw_frames, reports, last_frames, last_reports = raw.step_raw(actions)
        np.testing.assert_array_equal(raw_frames, frames)
        for name, values in (("reward", rewards), ("terminated", terminated), ("truncated", truncated)):
            np.testing.assert_array_equal(reports[name], values)
        for name in ("score", "frames", "tiles"):
            np.testing.assert_array_equal(reports[name], infos[name])
        ended = np.flatnonzero(terminated | truncated)
        has_finals = mode is AutoresetMode.SAME_STEP and len(ended) > 0
        assert (last_frames is not None) == (last_reports is not None) == has_finals
        if last_frames is not None and last_reports is not None:
            num_ended += len(ended)
            assert last_frames.shape == frames.shape
            for i in ended:
                np.testing.assert_array_equal(last_frames[i], infos["final_obs"][i])
                assert last_reports["score"][i] == infos["final_info"]["score"][i]
    assert num_ended == 0 or num_ended >= 6


def test_reprs_show_what_differs_from_the_defaults() -> None:
    rules = ShapingRules(stall_steps=3)
    env = Env(2, gray=True, frame_size=42, rules=rules)
    assert (
        repr(env)
        == f"CarRacingVectorEnv(2, autoreset_mode='NextStep', gray=True, frame_size=42, rules={rules})"
    )
    assert repr(CarRacingEnv("rgb_array", pedal=True)) == "CarRacingEnv('rgb_array', pedal=True)"
