"""The backend "gymnasium": wrappers, whole laps, vector environments against single ones."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing

from apexline.racing import Backend, GameOptions, ShapingRules, make_env, make_vector
from apexline.racing.options import NATIVE_ONLY
from apexline.racing.stock.make import make_stock_env

RULES = ShapingRules(stall_steps=25, lap_bonus=300, missed_tile_penalty=5.0)
RECIPE = GameOptions(
    action_repeat=4,
    crop_hud=True,
    gray=True,
    road_contrast=True,
    frame_size=42,
    pedal=True,
    max_episode_frames=1000,
)
COLOUR = GameOptions(
    action_repeat=2, crop_hud=True, frame_size=42, pedal=True, channels_first=True, max_episode_frames=1000
)
SMALL = GameOptions(action_repeat=3, crop_hud=True, gray=True, frame_size=42)
STALLING = ShapingRules(stall_steps=3)


def wrapper_names(env: gym.Env[Any, Any]) -> list[str]:
    """From the outermost wrapper to gymnasium's own."""
    names = []
    while isinstance(env, gym.Wrapper):
        names.append(type(env).__name__)
        env = env.env
    return names[: names.index("TimeLimit")]


def documented_order() -> list[str]:
    assert make_stock_env.__doc__
    sentence = re.search("From the game outwards: (.*?)\\.", make_stock_env.__doc__, re.DOTALL)
    assert sentence
    return re.findall("[A-Z]\\w+", sentence[1])


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (RECIPE, {"SurfaceSize", "SkipZoom", "ChannelsFirst", "StackFrames"}),
        (
            dataclasses.replace(RECIPE, keep_dim=True, channels_first=True, skip_zoom=2, frame_stack=3),
            {"SurfaceSize"},
        ),
        (
            dataclasses.replace(COLOUR, skip_zoom=2),
            {"SurfaceSize", "Grayscale", "RoadContrast", "StackFrames"},
        ),
        (COLOUR, {"SurfaceSize", "SkipZoom", "Grayscale", "RoadContrast", "StackFrames"}),
        (
            dataclasses.replace(COLOUR, crop_hud=False, frame_size=(100, 120)),
            {"SkipZoom", "CropHud", "Grayscale", "AreaMean", "RoadContrast", "StackFrames"},
        ),
    ],
)
def test_wrappers_are_those_documented_in_their_order(options: GameOptions, left_out: set[str]) -> None:
    expected = [name for name in documented_order() if name not in left_out]
    assert wrapper_names(make_stock_env(options, rules=RULES))[::-1] == expected


def test_the_default_is_the_plain_game() -> None:
    env = make_env(GameOptions(), backend="gymnasium")
    plain = gym.make("CarRacing-v3", disable_env_checker=True)
    np.testing.assert_array_equal(env.reset(seed=4)[0], plain.reset(seed=4)[0])
    action = np.array([0.1, 0.5, 0], np.float32)
    for _ in range(3):
        ours, theirs = env.step(action), plain.step(action)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1:4] == theirs[1:4]


@pytest.mark.parametrize("backend", ["native", "gymnasium"])
@pytest.mark.parametrize(
    "options",
    [
        GameOptions(),
        GameOptions(gray=True),
        GameOptions(frame_size=80, pedal=True),
        RECIPE,
        COLOUR,
        GameOptions(continuous=False),
    ],
)
def test_frames_and_spaces_are_those_of_the_options(options: GameOptions, backend: Backend) -> None:
    env = make_env(options, backend=backend)
    frame = env.reset(seed=0)[0]
    assert env.observation_space == options.observation_space
    assert env.action_space == options.action_space
    assert frame in options.observation_space


NATIVE_VALUES: dict[str, Any] = {
    "ends_at_start_line": True,
    "track_seed": 3,
    "track": [(60 * math.cos(turn / 10), 60 * math.sin(turn / 10)) for turn in range(62)],
    "start_tile": "random",
    "start_speed": 20.0,
    "friction": 0.5,
    "engine_power": 2.0,
    "zoom": 1.0,
}


def test_an_option_of_the_native_backend_alone_is_refused() -> None:
    assert tuple(NATIVE_VALUES) == NATIVE_ONLY
    for name, value in NATIVE_VALUES.items():
        shown = "<62 nodes>" if name == "track" else repr(value)
        default = getattr(GameOptions(), name)
        with pytest.raises(
            ValueError, match=rf"^{name} is {shown}; expected {default} with backend 'gymnasium'$"
        ):
            make_env(GameOptions(**{name: value}), backend="gymnasium")


def test_backends_are_two() -> None:
    for make in (make_env, lambda *_, backend: make_vector(GameOptions(), 1, backend=backend)):
        with pytest.raises(ValueError, match="backend is 'stock'; expected 'native' or 'gymnasium'"):
            make(GameOptions(), backend="stock")  # type: ignore[arg-type]


def follow_the_road(game: Any, look_ahead: int) -> npt.NDArray[np.float32]:
    """Steers towards the point `look_ahead` tiles ahead, at 70 units/s, slower in turns."""
    x, y = game.car.hull.position
    near = min(range(len(game.track)), key=lambda i: math.hypot(game.track[i][2] - x, game.track[i][3] - y))
    _, _, to_x, to_y = game.track[(near + look_ahead) % len(game.track)]
    bearing = math.atan2(x - to_x, to_y - y) - game.car.hull.angle
    turn = (bearing + math.pi) % (2 * math.pi) - math.pi
    wanted = 70 * (1 - 0.8 * min(abs(turn), 1))
    pedal = 0.1 * (wanted - math.hypot(*game.car.hull.linearVelocity))
    return np.array([np.clip(-turn, -1, 1), np.clip(pedal, -0.6, 0.4)], np.float32)


def drive(env: gym.Env[Any, Any], seed: int, look_ahead: int) -> tuple[list[float], bool, dict[str, Any]]:
    """Drives an episode: its rewards, whether it was truncated, and the last info."""
    env.reset(seed=seed)
    rewards, ended = [], False
    while not ended:
        _, reward, terminated, truncated, info = env.step(follow_the_road(env.unwrapped, look_ahead))
        rewards.append(float(reward))
        ended = terminated or truncated
    return rewards, truncated, info


def stock_vector(options: GameOptions, num_envs: int, **arguments: Any) -> Any:
    return make_vector(options, num_envs, backend="gymnasium", **arguments)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock physics with a black image."""
    monkeypatch.setattr(CarRacing, "_render", lambda *_: np.zeros((96, 96, 3), np.uint8))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("rules", [RULES, None])
def test_a_clean_lap_gets_no_penalty_and_with_rules_the_bonus(rules: ShapingRules | None) -> None:
    env = make_env(RECIPE, backend="gymnasium", rules=rules)
    rewards, truncated, info = drive(env, seed=3, look_ahead=6)
    assert info["lap_finished"]
    assert not truncated
    assert "ended_by" not in info
    assert info["tiles"] == 1
    assert info["score"] == pytest.approx(1000 - 0.1 * info["frames"])
    assert sum(rewards) == pytest.approx(info["score"] + (300 if rules else 0))
    assert 4 * (len(rewards) - 1) < info["frames"] <= 4 * len(rewards)


@pytest.mark.usefixtures("undrawn")
def test_a_lap_with_cut_corners_gets_penalties_and_ends() -> None:
    env = make_env(RECIPE, backend="gymnasium", rules=RULES)
    rewards, truncated, info = drive(env, seed=3, look_ahead=8)
    assert not truncated
    assert info["ended_by"] == "lap_end"
    missing = [tile.idx for tile in env.get_wrapper_attr("road") if not tile.road_visited]
    penalties = (info["score"] + 300 - sum(rewards)) / 5
    assert penalties == pytest.approx(round(penalties))
    assert 1 <= round(penalties) <= len(missing)


def episodes(seed: int, actions: npt.NDArray[np.float32]) -> Iterator[Any]:
    """Expected results of one environment: each step, and the reset after the last step of an episode."""
    env = make_env(SMALL, backend="gymnasium", rules=STALLING)
    env.reset(seed=seed)
    for action in actions:
        step = env.step(action)
        yield step, env.reset() if step[2] or step[3] else None


@pytest.mark.parametrize("worker_processes", [False, True])
def test_a_vector_gives_what_single_games_give(worker_processes: bool) -> None:
    steps, num_envs, seed = 10, 2, 21
    actions = np.zeros((num_envs, steps, 3), np.float32)
    actions[1, :, 1] = 1  # the second car moves, and stalls later
    vector = stock_vector(SMALL, num_envs, rules=STALLING, worker_processes=worker_processes)
    try:
        vector.reset(seed=seed)
        got = [vector.step(actions[:, step]) for step in range(steps)]
    finally:
        vector.close()
    ends = 0
    for env in range(num_envs):
        for (frames, rewards, terminated, truncated, infos), (step, restart) in zip(
            got, episodes(seed + env, actions[env]), strict=True
        ):
            frame, reward, *ended, info = step
            assert (rewards[env], terminated[env], truncated[env]) == (reward, *ended)
            if restart is not None:
                ends += 1
                np.testing.assert_array_equal(infos["final_obs"][env], frame)
                assert {key: infos["final_info"][key][env] for key in info} == info
                frame, info = restart
            np.testing.assert_array_equal(frames[env], frame)
            assert {key: infos[key][env] for key in info} == info
    assert ends >= 4


@pytest.mark.parametrize("worker_processes", [False, True])
def test_vectors_without_rules(worker_processes: bool) -> None:
    vector = stock_vector(SMALL, 1, worker_processes=worker_processes)
    try:
        vector.reset(seed=0)
        for _ in range(4):
            *_, terminated, truncated, infos = vector.step(np.zeros((1, 3), np.float32))
            assert not terminated.any() | truncated.any()
    finally:
        vector.close()
    assert infos["frames"].tolist() == [12]


@pytest.mark.parametrize("worker_processes", [False, True])
def test_only_the_first_game_of_a_rendered_vector_has_a_window(
    worker_processes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    vector = stock_vector(RECIPE, 2, worker_processes=worker_processes, render_first=True)
    try:
        assert vector.get_attr("render_mode") == ("human", None)
        frames, _ = vector.reset(seed=0)
        assert frames.shape == (2, 42, 42)
    finally:
        vector.close()


@pytest.mark.parametrize("worker_processes", [False, True])
def test_rules_of_a_vector_change_within_an_episode(worker_processes: bool) -> None:
    vector = stock_vector(SMALL, 2, worker_processes=worker_processes)
    try:
        vector.reset(seed=0)
        for _ in range(3):
            assert not vector.step(np.zeros((2, 3), np.float32))[2].any()
        vector.set_rules(STALLING)
        assert vector.step(np.zeros((2, 3), np.float32))[2].all()
        vector.set_rules(None)
        for _ in range(4):
            assert not vector.step(np.zeros((2, 3), np.float32))[2].any()
    finally:
        vector.close()


def test_a_vector_needs_an_environment() -> None:
    with pytest.raises(ValueError, match="num_envs is 0; expected an integer >= 1"):
        stock_vector(RECIPE, 0)
