"""What the native game refuses of the stock game's attributes: writing, and names that it has not."""

from __future__ import annotations

import copy
import json
import pickle
from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils import EzPickle

from apexline.racing import CarRacingEnv, CarRacingVectorEnv
from apexline.racing.native.stock_view import GameView

from .native_racing import SMALL
from .stock_racing import UndrawnCarRacing


@pytest.fixture
def env() -> Any:
    made = CarRacingEnv(**SMALL)
    made.reset(seed=0)
    return made


def public_names(thing: object) -> set[str]:
    """Names of attributes and methods but those of the Box2D binding itself."""
    names = {name for name in dir(thing) if not name.startswith(("__", "_b2"))}
    return names - {"this", "thisown", "_is_protocol"}


def refusal_of(thing: object, name: str) -> str:
    """The text with which reading a name is refused; empty if it can be read."""
    try:
        getattr(thing, name)
    except AttributeError as error:
        return str(error)
    return ""


def things_of(game: Any) -> dict[str, Any]:
    """The objects of a game that have attributes of the stock game."""
    game.reset(seed=0)
    car = game.car
    return {
        "env": game,
        "car": car,
        "hull": car.hull,
        "wheel": car.wheels[0],
        "joint": car.wheels[0].joint,
        "tile": game.road[0],
        "fixture": car.hull.fixtures[0],
        "shape": car.hull.fixtures[0].shape,
        "transform": car.hull.transform,
        "rotation": car.hull.transform.q,
        "vector": car.hull.position,
    }


def stock_things() -> dict[str, Any]:
    return things_of(UndrawnCarRacing(render_mode="rgb_array"))


def native_things() -> dict[str, Any]:
    return things_of(CarRacingEnv(render_mode="rgb_array", **SMALL))


ABSENT = {
    "env": {
        *(
            "world",
            "contactListener_keepref",
            "fd_tile",
            "screen",
            "surf",
            "clock",
            "_create_track",
            "_destroy",
        ),
        *(
            "invisible_state_window",
            "invisible_video_window",
            "_init_colors",
            "_reinit_colors",
            "_render_road",
        ),
        *("_render_indicators", "_draw_colored_polygon", "_create_image_array"),
    },
    "car": {"world", "gas", "brake", "steer", "step", "draw", "destroy", "_create_particle"},
    "joint": {"ClearUserData", "Dump", "SetLimits", "ShiftOrigin", "getAsType", "maxMotorTorque", "next"},
}


@pytest.mark.parametrize("thing", stock_things())
def test_a_stock_name_is_there_or_refused_with_advice(thing):
    theirs, ours = stock_things()[thing], native_things()[thing]
    refused = set()
    for name in public_names(theirs):
        text = refusal_of(ours, name)
        if text:
            assert f"the native game has no `{name}`" in text, name
            assert not hasattr(ours, name)
            refused.add(name)
    if thing in ABSENT:
        assert refused <= ABSENT[thing]


def test_a_misspelt_name_gets_the_usual_error(env):
    for thing in (env, env.car, env.car.hull, env.car.wheels[0], env.road[0], GameView(env._games, 0)):
        with pytest.raises(AttributeError, match="has no attribute 'positoin'"):
            _ = thing.positoin


READ_ONLY = {
    *(
        "car",
        "track",
        "road",
        "road_poly",
        "tile_visited_count",
        "t",
        "reward",
        "prev_reward",
        "new_lap",
        "state",
    ),
    *("start_alpha", "road_color", "bg_color", "grass_color", "isopen", "continuous", "domain_randomize"),
    *("lap_complete_percent", "verbose", "render_mode"),
}


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_attributes_of_the_environment_are_read_only(env, name):
    before = getattr(env, name)
    for game in (env, GameView(env._games, 0)):
        with pytest.raises(AttributeError, match=f"`{name}` is read-only: "):
            setattr(game, name, None)
        with pytest.raises(AttributeError, match=f"`{name}` is read-only: "):
            delattr(game, name)
    np.testing.assert_array_equal(getattr(env, name), before) if name == "state" else None


@pytest.mark.parametrize(
    "name", ["render_mode", "verbose", "domain_randomize", "lap_complete_percent", "continuous"]
)
def test_options_are_fixed_when_the_environment_is_made(name):
    env = gym.make("apexline/CarRacing-v3")
    with pytest.raises(
        AttributeError, match=f"`{name}` is read-only: it is fixed when the environment is made"
    ):
        setattr(env.unwrapped, name, None)
    if name != "render_mode":  # which gymnasium's wrappers have too, read-only
        with pytest.raises(AttributeError, match=f"`{name}` is read-only"):
            env.set_wrapper_attr(name, None)


def test_names_that_are_not_there_cannot_be_written_either(env):
    for name in ("world", "screen", "contactListener_keepref"):
        with pytest.raises(AttributeError, match=f"the native game has no `{name}`"):
            setattr(env, name, None)


def test_the_car_and_its_parts_are_read_only(env):
    car = env.car
    things = {
        car: ("hull", "wheels", "drawlist", "fuel_spent", "particles", "gas"),
        car.hull: (
            "position",
            "angle",
            "linearVelocity",
            "angularVelocity",
            "color",
            "mass",
            "fixtures",
            "awake",
        ),
        car.wheels[2]: (
            "gas",
            "brake",
            "steer",
            "omega",
            "phase",
            "tiles",
            "joint",
            "wheel_rad",
            "skid_start",
        ),
        car.wheels[0].joint: ("motorSpeed", "angle", "limits", "lowerLimit"),
        car.hull.fixtures[0]: ("sensor", "friction", "shape"),
        car.hull.transform: ("position", "R"),
        env.road[3]: ("road_friction", "road_visited", "color", "idx", "userData"),
    }
    for thing, names in things.items():
        for name in names:
            with pytest.raises(AttributeError):
                setattr(thing, name, 0)
        with pytest.raises(AttributeError):
            thing.of_my_own = 0


def test_vectors_of_the_game_are_read_only_and_their_copies_are_not(env):
    position = env.car.hull.position
    before = tuple(position)
    changes: list[Any] = [
        lambda: setattr(position, "x", 1),
        lambda: position.__setitem__(0, 1),
        lambda: position.__iadd__((1, 1)),
        position.SetZero,
        position.Normalize,
    ]
    for change in changes:
        with pytest.raises(AttributeError, match=r"read-only: .* change a copy\(\)"):
            change()
    assert tuple(position) == before
    own = position.copy()
    own += (1, 0)
    own.x += 1
    assert own == (before[0] + 2, before[1])


def test_lists_refuse_to_be_changed_and_their_copies_do_not(env):
    lists = (env.track, env.road, env.road_poly, env.car.wheels, env.car.drawlist)
    for thing in lists:
        first = thing[0]
        changes: list[Any] = [
            lambda thing=thing, first=first: thing.append(first),
            lambda thing=thing: thing.clear(),
            lambda thing=thing: thing.pop(),
            lambda thing=thing: thing.reverse(),
            lambda thing=thing, first=first: thing.__setitem__(0, first),
            lambda thing=thing: thing.__delitem__(0),
            lambda thing=thing, first=first: thing.__iadd__([first]),
        ]
        for change in changes:
            with pytest.raises(TypeError, match="this list is read-only"):
                change()
        assert type(list(thing)) is type(thing[:]) is type(thing * 1) is type(copy.copy(thing)) is list
    assert pickle.loads(pickle.dumps(env.track)) == env.track
    assert json.loads(json.dumps(env.track)) == [list(node) for node in env.track]
    assert copy.deepcopy(env.track) == env.track
    for color in (env.road[0].color, env.road_color):
        with pytest.raises(ValueError, match="read-only"):
            color[:] = 0


def test_without_recorded_skid_marks_the_particles_are_refused(env):
    with pytest.raises(
        AttributeError, match=r'no `particles`: it records skid marks with render_mode "rgb_array"'
    ):
        _ = env.car.particles
    assert not hasattr(env.car.wheels[0], "skid_particle")
    assert not hasattr(env.car.wheels[0], "skid_start")
    assert isinstance(native_things()["car"].particles, deque)


def test_cars_and_bodies_cannot_be_pickled_as_in_the_stock_game(env):
    for thing in (env.car, env.car.hull, env.car.wheels[0], env.road[0]):
        with pytest.raises(TypeError, match="cannot copy or pickle"):
            pickle.dumps(thing)
        with pytest.raises(TypeError, match="cannot copy or pickle"):
            copy.deepcopy(thing)
    assert pickle.loads(pickle.dumps(env.car.hull.position)) == env.car.hull.position


def test_environments_whose_attributes_were_read_are_copied_and_pickled(env):
    _ = env.car.hull.position, env.road
    again = pickle.loads(pickle.dumps(env))
    again.reset(seed=0)
    assert again.car.hull.position == env.car.hull.position
    assert again.car is not env.car
    envs = CarRacingVectorEnv(2, **SMALL)
    envs.reset(seed=0)
    _ = GameView(envs._games, 1).road
    twin = copy.deepcopy(envs)
    assert GameView(twin._games, 1).track == GameView(envs._games, 1).track
    assert GameView(twin._games, 1).car is not GameView(envs._games, 1).car


def test_what_gymnasium_sets_can_be_set(env):
    env.spec = gym.spec("apexline/CarRacing-v3")
    env.metadata = {**env.metadata}
    env.np_random = np.random.default_rng(0)
    env.action_space = gym.spaces.Box(-1, 1, (3,))
    assert isinstance(env, EzPickle)


@pytest.mark.parametrize("name", ["_create_track", "_render_indicators", "_render", "_reinit_colors"])
def test_a_subclass_cannot_override_methods_that_the_native_game_never_calls(name):
    with pytest.raises(TypeError, match=f"Mine defines `{name}`, which the native game would never call"):
        type("Mine", (CarRacingEnv,), {name: lambda *_: None})


def test_subclasses_add_what_the_stock_game_has_not():
    class Mine(CarRacingEnv):
        def __init__(self) -> None:
            super().__init__(**SMALL)
            self.my_frames = 0

        def step(self, action: Any) -> Any:
            self.my_frames += 1
            return super().step(action)

    env = Mine()
    env.reset(seed=0)
    env.step(np.zeros(3))
    assert env.my_frames == 1


def test_render_of_a_mode():
    env = CarRacingEnv(render_mode="rgb_array", render_size=(40, 60), **SMALL)
    assert env._render("rgb_array") is None
    env.reset(seed=0)
    np.testing.assert_array_equal(env._render("rgb_array"), env.render())
    pixels = env._render("state_pixels")
    assert pixels is not None
    assert pixels.shape == (96, 96, 3)
    plain = CarRacingEnv(**SMALL)
    plain.reset(seed=0)
    np.testing.assert_array_equal(plain._render("state_pixels"), pixels)
    for mode in ("rgb_array", "human", "spam"):
        with pytest.raises(
            ValueError, match=f"mode is '{mode}'; expected 'state_pixels' with render_mode=None"
        ):
            plain._render(mode)
