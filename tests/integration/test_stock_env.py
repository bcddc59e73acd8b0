"""make_env and make_vector on the stock game: wrappers, whole laps, vectors against single games."""

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

from apexline.racing import EnvOptions, ShapingRules, make_env, make_vector

RULES = ShapingRules(stall_steps=25, lap_bonus=300, missed_tile_penalty=5.0)
RECIPE = EnvOptions(
    action_repeat=4, crop_hud=True, gray=True, road_contrast=True, frame_size=42, pedal=True, rules=RULES
)
EVERY_RULE = dataclasses.replace(RECIPE, rules=dataclasses.replace(RULES, idle_penalty=1.0))
COLOUR = EnvOptions(action_repeat=2, crop_hud=True, frame_size=42, pedal=True, rules=RULES)
STALLING = EnvOptions(
    action_repeat=3, crop_hud=True, gray=True, frame_size=42, rules=ShapingRules(stall_steps=3)
)


def wrapper_names(env: gym.Env[Any, Any]) -> list[str]:
    """From the outermost wrapper to gymnasium's own."""
    names = []
    while isinstance(env, gym.Wrapper):
        names.append(type(env).__name__)
        env = env.env
    return names[: names.index("TimeLimit")]


def documented_order() -> list[str]:
    assert make_env.__doc__
    sentence = re.search("From the game outwards: (.*?)\\.", make_env.__doc__, re.DOTALL)
    assert sentence
    return re.findall("[A-Z]\\w+", sentence[1])


@pytest.mark.parametrize(
    ("options", "training", "left_out"),
    [
        (EVERY_RULE, True, {"SkipZoom", "ChannelsFirst"}),
        (dataclasses.replace(COLOUR, skip_zoom=2), True, {"Grayscale", "IdlePenalty", "RoadContrast"}),
        (
            COLOUR,
            False,
            {
                "SkipZoom",
                "Grayscale",
                "MissedTilePenalty",
                "IdlePenalty",
                "RoadContrast",
                "LapTermination",
                "StallTermination",
            },
        ),
    ],
)
def test_wrappers_are_those_documented_in_their_order(
    options: EnvOptions, training: bool, left_out: set[str]
) -> None:
    expected = [name for name in documented_order() if name not in left_out]
    assert wrapper_names(make_env(options, training=training))[::-1] == expected


def test_the_default_is_the_plain_game_channels_first() -> None:
    env = make_env(EnvOptions(), training=True)
    assert wrapper_names(env) == ["ChannelsFirst", "UnshapedScore", "ActionRepeat"]
    plain = gym.make("CarRacing-v3", disable_env_checker=True)
    image, frame = plain.reset(seed=4)[0], env.reset(seed=4)[0]
    np.testing.assert_array_equal(frame, image.transpose(2, 0, 1))


@pytest.mark.parametrize(
    "options", [EnvOptions(), EnvOptions(gray=True), EnvOptions(frame_size=80, pedal=True), RECIPE, COLOUR]
)
def test_frames_have_the_declared_shape(options: EnvOptions) -> None:
    env = make_env(options, training=True)
    frame = env.reset(seed=0)[0]
    assert env.observation_space.shape == frame.shape == options.frame_shape
    assert env.observation_space.dtype == frame.dtype == np.uint8
    assert env.action_space.shape == ((2,) if options.pedal else (3,))


def follow_the_road(game: Any, look_ahead: int) -> npt.NDArray[np.float32]:
    """Steers towards the point `look_ahead` tiles ahead, at 70 units/s or slower where the road turns."""
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


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock physics with a black image."""
    monkeypatch.setattr(CarRacing, "_render", lambda *_: np.zeros((96, 96, 3), np.uint8))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("training", [True, False])
def test_a_clean_lap_is_never_fined_and_pays_a_bonus_in_training(training: bool) -> None:
    rewards, truncated, info = drive(make_env(RECIPE, training=training), seed=3, look_ahead=6)
    assert info["lap_finished"]
    assert not truncated
    assert "ended_by" not in info
    assert info["tiles"] == 1
    assert info["score"] == pytest.approx(1000 - 0.1 * info["frames"])
    assert sum(rewards) == pytest.approx(info["score"] + (300 if training else 0))
    assert 4 * (len(rewards) - 1) < info["frames"] <= 4 * len(rewards)


@pytest.mark.usefixtures("undrawn")
def test_a_lap_with_cut_corners_is_fined_and_ended() -> None:
    env = make_env(RECIPE, training=True)
    rewards, truncated, info = drive(env, seed=3, look_ahead=8)
    assert not truncated
    assert info["ended_by"] == "lap_end"
    missing = [tile.idx for tile in env.unwrapped.road if not tile.road_visited]
    fines = (info["score"] + 300 - sum(rewards)) / 5
    assert fines == pytest.approx(round(fines))
    assert 1 <= round(fines) <= len(missing)


def episodes(options: EnvOptions, seed: int, actions: npt.NDArray[np.float32]) -> Iterator[Any]:
    """What a lane of a vector should give: each step, and what the reset gave where the step was the last."""
    env = make_env(options, training=True)
    env.reset(seed=seed)
    for action in actions:
        step = env.step(action)
        yield step, env.reset() if step[2] or step[3] else None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_vector_gives_what_single_games_give(asynchronous: bool) -> None:
    steps, lanes, seed = 10, 2, 21
    actions = np.zeros((lanes, steps, 3), np.float32)
    actions[1, :, 1] = 1  # the second car moves, and stalls later
    vector = make_vector(STALLING, lanes, asynchronous=asynchronous)
    try:
        vector.reset(seed=seed)
        got = [vector.step(actions[:, step]) for step in range(steps)]
    finally:
        vector.close()
    ends = 0
    for lane in range(lanes):
        for (frames, rewards, terminated, truncated, infos), (step, restart) in zip(
            got, episodes(STALLING, seed + lane, actions[lane]), strict=True
        ):
            frame, reward, *ended, info = step
            assert (rewards[lane], terminated[lane], truncated[lane]) == (reward, *ended)
            if restart is not None:
                ends += 1
                np.testing.assert_array_equal(infos["final_obs"][lane], frame)
                assert {key: infos["final_info"][key][lane] for key in info} == info
                frame, info = restart
            np.testing.assert_array_equal(frames[lane], frame)
            assert {key: infos[key][lane] for key in info} == info
    assert ends >= 4


@pytest.mark.parametrize("asynchronous", [False, True])
def test_evaluation_vectors_have_no_rules(asynchronous: bool) -> None:
    vector = make_vector(STALLING, 1, training=False, asynchronous=asynchronous)
    try:
        vector.reset(seed=0)
        for _ in range(4):
            *_, terminated, truncated, infos = vector.step(np.zeros((1, 3), np.float32))
            assert not terminated.any() | truncated.any()
    finally:
        vector.close()
    assert infos["frames"].tolist() == [12]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_only_the_first_game_of_a_rendered_vector_has_a_window(
    asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    vector = make_vector(RECIPE, 2, asynchronous=asynchronous, render_first=True)
    try:
        assert vector.get_attr("render_mode") == ("human", None)
        frames, _ = vector.reset(seed=0)
        assert frames.shape == (2, 42, 42)
    finally:
        vector.close()


def test_a_vector_needs_an_environment() -> None:
    with pytest.raises(ValueError, match="num_envs is 0; it must be >= 1"):
        make_vector(RECIPE, 0, asynchronous=False)
