"""The option `track`: what is accepted, how it is kept, and which place an error names."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.envs.registration import EnvSpec

import apexline.racing  # registers the environment
from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions
from apexline.training import TrainConfig
from apexline.training.config.validation import from_dict, to_dict

Points = npt.NDArray[np.float64]


def ellipse(width: float, height: float, count: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([width * np.cos(angle), height * np.sin(angle)])


LINE = ellipse(60, 40, 60)


def nodes_of(track: Any) -> Points:
    return np.array(GameOptions(track=track).track)


def test_a_track_is_kept_as_nodes_of_plain_floats() -> None:
    options = GameOptions(track=LINE)  # type: ignore[arg-type]
    assert isinstance(options.track, tuple)
    assert {type(value) for node in options.track for value in node} == {float}
    np.testing.assert_array_equal(nodes_of(LINE)[:, 2:], LINE)
    for track in (LINE.tolist(), list(LINE), tuple(map(tuple, LINE)), options.track, nodes_of(LINE)):
        assert GameOptions(track=track) == options
        assert hash(GameOptions(track=track)) == hash(options)
    assert GameOptions(track=LINE[::-1]) != options  # type: ignore[arg-type]


def test_nodes_are_kept_as_they_are() -> None:
    nodes = nodes_of(LINE)
    nodes[:, 0] = 7.5
    nodes[:, 1] += 2 * np.pi
    np.testing.assert_array_equal(nodes_of(nodes), nodes)


def test_integers_are_points() -> None:
    square = [[0, 0], [10, -3], [20, 0], [28, 8], [31, 18], [28, 28], [20, 36], [10, 39], [0, 36]]
    line = [*square, [-8, 28], [-11, 18], [-8, 8]]
    assert len(nodes_of(line)) == len(nodes_of(np.array(line, np.int16))) == 12


@pytest.mark.parametrize("count", [8, 2500])
def test_the_number_of_nodes_has_limits(count: int) -> None:
    line = ellipse(15, 15, 8) if count == 8 else spiral(count)
    env = CarRacingEnv(track=line, gray=True, frame_size=8)  # type: ignore[arg-type]
    env.reset(seed=0)
    assert len(env.track_snapshot().tiles) == count
    wrong = line[1:] if count == 8 else np.vstack([line, line[:1]])
    with pytest.raises(ValueError, match=f"^len\\(track\\) is {len(wrong)}; expected from 8 to 2500$"):
        GameOptions(track=wrong)  # type: ignore[arg-type]


def spiral(count: int) -> Points:
    """Three rounds that cross."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = 230 + 60 * np.sin(2 * angle)
    return np.column_stack([radius * np.cos(3 * angle), radius * np.sin(3 * angle)])


def changed(place: int, value: Any) -> list[Any]:
    rows: list[Any] = LINE.tolist()
    rows[place] = value
    return rows


FOLDED = (
    "expected a road along the line, with turns of a radius above 8 units: this tile is folded or more than 23.5 units "
    "across"
)


@pytest.mark.parametrize(
    ("track", "error", "message"),
    [
        (5, TypeError, "track is 5; expected None, nodes (n, 4) or points (n, 2)"),
        ("oval", TypeError, "track is 'oval'; expected None, nodes (n, 4) or points (n, 2)"),
        ([], ValueError, "len(track) is 0; expected from 8 to 2500"),
        (np.zeros(9), TypeError, "track[0] is 0.0; expected 2 or 4 numbers"),
        (np.zeros((9, 3)), ValueError, "track[0] is [0.0, 0.0, 0.0]; expected 2 or 4 numbers"),
        (changed(17, [1.0]), ValueError, "track[17] is [1.0]; expected 2 numbers as track[0]"),
        (changed(17, "ab"), TypeError, "track[17] is 'ab'; expected 2 numbers"),
        (changed(3, [1, None]), TypeError, "track[3] is [1, None]; expected 2 numbers"),
        (changed(59, (np.inf, 0)), ValueError, "track[59] is (inf, 0); expected finite numbers"),
        (
            changed(4, (333.4, 0)),
            ValueError,
            "track[4] is (333.4, 0); expected a point on the playfield, |x| and |y| at most 333.3",
        ),
        (
            changed(4, LINE[3].tolist()),
            ValueError,
            f"track[4] is {LINE[3].tolist()}; expected a point 1 to 19 units from the one before",
        ),
        (
            LINE[::5].tolist(),
            ValueError,
            "track[0] is [60.0, 0.0]; expected a point 1 to 19 units from the one before",
        ),
        (changed(20, (-29.0, 25.0)), ValueError, f"track[19] is {LINE[19].tolist()}; {FOLDED}"),
        (nodes_of(LINE)[::-1].tolist(), ValueError, FOLDED),  # headings against the order of the nodes
        (nodes_of(LINE) + np.array([0, np.pi / 2, 0, 0]), ValueError, FOLDED),  # headings along the road
        (ellipse(60, 6, 30), ValueError, FOLDED),
    ],
)
def test_an_error_names_the_place(track: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message) + "$"):
        GameOptions(track=track)


def test_one_kind_of_track_at_a_time() -> None:
    with pytest.raises(ValueError, match=r"^track_seed is 3; expected None if track is given$"):
        GameOptions(track=LINE, track_seed=3)  # type: ignore[arg-type]
    for value, error in ((-1, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match=rf"^track_seed is {value}; expected None or an integer >= 0$"):
            GameOptions(track_seed=value)  # type: ignore[arg-type]


def test_a_repr_has_the_number_of_nodes_only() -> None:
    assert "track=<60 nodes>" in repr(CarRacingVectorEnv(1, track=LINE))  # type: ignore[arg-type]
    assert "track_seed=4" in repr(CarRacingVectorEnv(1, track_seed=4))
    with pytest.raises(ValueError, match=r"^track is <60 nodes>; expected None with backend 'gymnasium'$"):
        apexline.racing.make_env(GameOptions(track=LINE), backend="gymnasium")  # type: ignore[arg-type]


def test_a_configuration_as_json_keeps_the_track() -> None:
    game = dataclasses.replace(TrainConfig().game, track=LINE)  # type: ignore[arg-type]
    config = dataclasses.replace(TrainConfig(), game=game)
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


def test_a_spec_as_json_makes_the_same_environment() -> None:
    env = gym.make("apexline/CarRacing-v3", track=LINE.tolist(), zoom=1.5)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(env.unwrapped, CarRacingEnv)
    assert isinstance(again.unwrapped, CarRacingEnv)
    assert again.unwrapped.options == env.unwrapped.options
    np.testing.assert_array_equal(env.reset(seed=1)[0], again.reset(seed=1)[0])


def test_resets_and_environments_share_the_track_and_copies_have_it() -> None:
    for options in ({"track": LINE}, {"track_seed": 11}):
        envs = CarRacingVectorEnv(3, gray=True, frame_size=8, **options)  # type: ignore[arg-type]
        envs.reset(seed=0)
        nodes = envs.track_snapshot(0).nodes
        envs.reset(seed=5)
        other = CarRacingVectorEnv(1, gray=True, frame_size=8)
        other.reset(seed=0)
        for i in range(3):
            np.testing.assert_array_equal(envs.track_snapshot(i).nodes, nodes)
        other.set_state(envs.get_state(0), 0)
        np.testing.assert_array_equal(other.track_snapshot(0).nodes, nodes)
        other.reset()
        assert not np.array_equal(other.track_snapshot(0).nodes, nodes)
