from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from typing import Any, Unpack, get_type_hints

import gymnasium as gym
import numpy as np
import pytest

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameKwargs, GameOptions, ShapingRules


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (GameOptions(), (96, 96, 3)),
        (GameOptions(channels_first=True), (3, 96, 96)),
        (GameOptions(crop_hud=True), (84, 84, 3)),
        (GameOptions(crop_hud=True, channels_first=True, frame_size=64), (3, 64, 64)),
        (GameOptions(gray=True), (96, 96)),
        (GameOptions(gray=True, channels_first=True, frame_size=np.int64(42)), (42, 42)),  # type: ignore[arg-type]
        (GameOptions(frame_size=(84, 96)), (84, 96, 3)),
        (GameOptions(channels_first=True, frame_size=(50, 77)), (3, 50, 77)),
        (GameOptions(gray=True, keep_dim=True), (96, 96, 1)),
        (GameOptions(gray=True, keep_dim=True, channels_first=True, frame_size=(1, 96)), (1, 1, 96)),
        (GameOptions(frame_size=(800, 1000)), (800, 1000, 3)),
        (GameOptions(gray=True, frame_size=(97, 4)), (97, 4)),
    ],
)
def test_frame_shape(options: GameOptions, shape: tuple[int, ...]) -> None:
    assert options.frame_shape == shape
    assert options.observation_space == gym.spaces.Box(0, 255, shape, np.uint8)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (np.uint8(42), 42),
        ([84, 96], (84, 96)),
        ((np.int64(84), np.int32(96)), (84, 96)),
        (np.array([84, 96]), (84, 96)),
        ((64, 64), (64, 64)),
        (None, None),
    ],
)
def test_frame_sizes_are_stored_as_plain_integers(given: Any, stored: object) -> None:
    options = GameOptions(frame_size=given)
    assert options.frame_size == stored
    assert json.loads(json.dumps(dataclasses.asdict(options)))["frame_size"] == (
        list(stored) if isinstance(stored, tuple) else stored
    )
    assert hash(options) == hash(GameOptions(frame_size=stored))  # type: ignore[arg-type]


def test_action_space_and_bounds() -> None:
    assert GameOptions(continuous=False).action_space == gym.spaces.Discrete(5)
    for options, low in ((GameOptions(), [-1, 0, 0]), (GameOptions(pedal=True), [-1, -1])):
        space = options.action_space
        assert isinstance(space, gym.spaces.Box)
        for bound, of_space, expected in zip(
            options.action_bounds, (space.low, space.high), (low, [1] * len(low)), strict=True
        ):
            np.testing.assert_array_equal(bound, np.array(expected, np.float32), strict=True)
            np.testing.assert_array_equal(of_space, bound, strict=True)


def test_keyword_arguments_are_the_fields() -> None:
    fields = [field.name for field in dataclasses.fields(GameOptions)]
    assert list(GameKwargs.__annotations__) == fields
    assert get_type_hints(GameKwargs) == get_type_hints(GameOptions)
    for env in (CarRacingEnv, CarRacingVectorEnv):
        parameter = inspect.signature(env.__init__, eval_str=True).parameters["options"]
        assert parameter.annotation == Unpack[GameKwargs]
        assert not {*inspect.signature(env.__init__).parameters} & {*fields}


INT32 = 2**31 - 1
UP_TO_SURFACE = "None, an integer from 1 to 800 or (height, width) from (1, 1) to (800, 1000)"
UP_TO_CROPPED = "None, an integer from 1 to 84 or (height, width) from (1, 1) to (84, 84)"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"action_repeat": 0}, ValueError, f"action_repeat is 0; expected an integer from 1 to {INT32}"),
        ({"action_repeat": 2.0}, TypeError, f"action_repeat is 2.0; expected an integer from 1 to {INT32}"),
        (
            {"max_episode_frames": 0},
            ValueError,
            f"max_episode_frames is 0; expected None or an integer from 1 to {INT32}",
        ),
        ({"frame_stack": 0}, ValueError, "frame_stack is 0; expected an integer from 1 to 256"),
        ({"frame_stack": 257}, ValueError, "frame_stack is 257; expected an integer from 1 to 256"),
        ({"frame_stack": 2.0}, TypeError, "frame_stack is 2.0; expected an integer from 1 to 256"),
        ({"skip_zoom": -1}, ValueError, f"skip_zoom is -1; expected an integer from 0 to {INT32 - 1}"),
        (
            {"skip_zoom": 9, "max_episode_frames": 9},
            ValueError,
            "skip_zoom is 9; expected an integer from 0 to 8",
        ),
        (
            {"skip_zoom": INT32, "max_episode_frames": None},
            ValueError,
            f"skip_zoom is {INT32}; expected an integer from 0 to {INT32 - 1}",
        ),
        ({"frame_size": 0}, ValueError, f"frame_size is 0; expected {UP_TO_SURFACE}"),
        ({"frame_size": 801}, ValueError, f"frame_size is 801; expected {UP_TO_SURFACE}"),
        ({"frame_size": (84, 0)}, ValueError, f"frame_size is (84, 0); expected {UP_TO_SURFACE}"),
        ({"frame_size": (1000, 800)}, ValueError, f"frame_size is (1000, 800); expected {UP_TO_SURFACE}"),
        (
            {"frame_size": (3, 97)},
            ValueError,
            "frame_size is (3, 97); expected sides >= 4 if one is above 96",
        ),
        ({"frame_size": 85, "crop_hud": True}, ValueError, f"frame_size is 85; expected {UP_TO_CROPPED}"),
        (
            {"frame_size": (42, 192), "crop_hud": True},
            ValueError,
            f"frame_size is (42, 192); expected {UP_TO_CROPPED}",
        ),
        *[
            ({name: value}, error, f"{name} is {value!r}; expected a number > 0 and <= 100")
            for name in ("friction", "engine_power")
            for value, error in (
                (0.0, ValueError),
                (-1.0, ValueError),
                (100.1, ValueError),
                (math.nan, ValueError),
                ("1", TypeError),
            )
        ],
        *[
            ({"zoom": value}, ValueError, f"zoom is {value}; expected a number from 0.1 to 5")
            for value in (0.09, 5.01, math.nan)
        ],
        ({"zoom": None}, TypeError, "zoom is None; expected a number from 0.1 to 5"),
        ({"frame_size": 42.0}, TypeError, f"frame_size is 42.0; expected {UP_TO_SURFACE}"),
        ({"frame_size": "42"}, TypeError, f"frame_size is '42'; expected {UP_TO_SURFACE}"),
        ({"frame_size": (42,)}, TypeError, f"frame_size is (42,); expected {UP_TO_SURFACE}"),
        ({"frame_size": (42, 4.5)}, TypeError, f"frame_size is (42, 4.5); expected {UP_TO_SURFACE}"),
        ({"frame_size": (3, 96, 96)}, TypeError, f"frame_size is (3, 96, 96); expected {UP_TO_SURFACE}"),
        ({"keep_dim": True}, ValueError, "keep_dim is True; expected False if gray is False"),
        *[
            (
                {"start_tile": value},
                error,
                f"start_tile is {value!r}; expected 'random' or an integer from -{INT32} to {INT32}",
            )
            for value, error in (
                ("first", TypeError),
                (1.5, TypeError),
                (None, TypeError),
                (2**31, ValueError),
            )
        ],
        *[
            ({"start_speed": value}, ValueError, f"start_speed is {value}; expected a number from 0 to 100")
            for value in (-1.0, 100.5, math.nan)
        ],
        ({"gray": 1}, TypeError, "gray is 1; expected a bool"),
        ({"ends_at_start_line": None}, TypeError, "ends_at_start_line is None; expected a bool"),
        ({"road_contrast": True}, ValueError, "road_contrast is True; expected False if gray is False"),
        (
            {"pedal": True, "continuous": False},
            ValueError,
            "pedal is True; expected False if continuous is False",
        ),
        (
            {"lap_complete_percent": math.nan},
            ValueError,
            "lap_complete_percent is nan; expected a finite number",
        ),
        (
            {"lap_complete_percent": "all"},
            TypeError,
            "lap_complete_percent is 'all'; expected a finite number",
        ),
    ],
)
def test_game_options_out_of_range(fields: dict[str, Any], error: type[Exception], message: str) -> None:
    for make in (GameOptions, CarRacingEnv, CarRacingVectorEnv):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            make(**fields)


@pytest.mark.parametrize(
    ("field", "value", "error", "condition"),
    [
        ("stall_steps", 0, ValueError, f"None or an integer from 1 to {INT32}"),
        ("stall_steps", 2**31, ValueError, f"None or an integer from 1 to {INT32}"),
        ("stall_steps", 2.5, TypeError, f"None or an integer from 1 to {INT32}"),
        ("missed_tile_margin", -1, ValueError, f"an integer from 0 to {INT32}"),
        ("stall_penalty", -0.5, ValueError, "a finite number >= 0"),
        ("stall_penalty", math.inf, ValueError, "a finite number >= 0"),
        ("idle_penalty", -1.0, ValueError, "a finite number >= 0"),
        ("missed_tile_penalty", math.nan, ValueError, "a finite number >= 0"),
        ("missed_tile_penalty", None, TypeError, "a finite number >= 0"),
        ("lap_bonus", -1.0, ValueError, "None or a finite number >= 0"),
        ("lap_bonus", math.nan, ValueError, "None or a finite number >= 0"),
    ],
)
def test_shaping_rules_out_of_range(field: str, value: Any, error: type[Exception], condition: str) -> None:
    with pytest.raises(error, match=f"^{field} is {value}; expected {re.escape(condition)}$"):
        ShapingRules(**{field: value})


def test_variations_are_plain_numbers() -> None:
    """As JSON and a spec need them."""
    numbers: dict[str, Any] = {
        "track_seed": np.int64(3),
        "start_tile": np.uint8(4),
        "start_speed": np.float32(0.1),
        "friction": 2,
        "engine_power": np.float64(3),
        "zoom": np.int32(1),
    }
    options = GameOptions(**numbers)
    for name, value in numbers.items():
        assert getattr(options, name) == value
        assert type(getattr(options, name)) is (int if name in ("track_seed", "start_tile") else float)


def test_an_evaluation_is_on_the_stock_games_tracks_from_its_start_with_its_physics() -> None:
    kept: dict[str, Any] = {"gray": True, "frame_size": 42, "zoom": 1.5, "action_repeat": 4}
    options = GameOptions(
        track_seed=3, start_tile="random", start_speed=10, friction=0.5, engine_power=2, **kept
    )
    assert options.for_evaluation() == GameOptions(**kept)
    assert GameOptions(**kept).for_evaluation() == GameOptions(**kept)


def test_options_are_frozen_and_checked_again_when_replaced() -> None:
    options = GameOptions(crop_hud=True, frame_size=84)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.gray = True  # type: ignore[misc]
    with pytest.raises(ValueError, match="action_repeat is -1"):
        dataclasses.replace(options, action_repeat=-1)
