"""CarRacingEnv, its registration, and the packages it does not need."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils import seeding
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, ShapingRules

from .gymnasium_versions import same_score_text
from .stock_racing import CarRacing, stock_game, wild_driving

ID = "apexline/CarRacing-v3"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"continuous": False},
        {"domain_randomize": True},
        {
            "pedal": True,
            "gray": True,
            "crop_hud": True,
            "frame_size": 42,
            "action_repeat": 4,
            "skip_zoom": 10,
        },
    ],
)
def test_gymnasium_env_checker(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # Of the stock game's pedals, and of frames that are not three-dimensional.
        warnings.filterwarnings("ignore", ".*we recommend using a symmetric and normalized space")
        warnings.filterwarnings(
            "ignore", ".*Box observation space doesn't have 1 or 3 dimensions|.*A Box observation"
        )
        check_env(gym.make(ID, **options).unwrapped)


@pytest.mark.parametrize("rules", [ShapingRules(), ShapingRules(stall_steps=9, lap_bonus=300)])
def test_steps_are_those_of_the_stock_game(rules: ShapingRules) -> None:
    options: dict[str, Any] = {"action_repeat": 3, "rules": rules}
    native, stock = (
        CarRacingEnv(max_episode_frames=71, **options),
        stock_game(max_episode_frames=71, **options),
    )
    assert native.reset(seed=6)[1] == stock.reset(seed=6)[1]
    rng = np.random.default_rng(2)
    num_ended = 0
    for _ in range(60):
        action = wild_driving(rng, 1)[0]
        ours, theirs = native.step(action)[1:], stock.step(action)[1:]
        assert ours == theirs
        assert [type(value) for value in ours] == [float, bool, bool, dict]
        assert {key: type(value) for key, value in ours[3].items()} == {
            k: type(v) for k, v in theirs[3].items()
        }
        if ours[1] or ours[2]:
            num_ended += 1
            assert native.reset()[1] == stock.reset()[1]
            state = stock.unwrapped.np_random.bit_generator.state
            assert native.np_random.bit_generator.state == state
    assert num_ended >= 2


def test_discrete_actions_are_those_of_the_stock_game() -> None:
    native, stock = CarRacingEnv(continuous=False), stock_game(continuous=False)
    native.reset(seed=1)
    stock.reset(seed=1)
    rng = np.random.default_rng(0)
    for action in rng.choice([0, 1, 2, 3, 3, 3, 4], 80):
        assert native.step(action)[1:] == stock.step(action)[1:]
    hull = stock.unwrapped.car.hull
    assert tuple(hull.position) == (native.car_snapshot().x[4], native.car_snapshot().y[4])


@same_score_text
def test_colours_are_drawn_from_one_stream() -> None:
    """The constructor draws the first colours; resets continue the same generator."""
    env = CarRacingEnv(domain_randomize=True, render_mode="state_pixels")
    stock = CarRacing(domain_randomize=True)
    for options in ({"randomize": True}, {"randomize": False}, None):
        env.reset(seed=3, options=options)
        stock.reset(seed=3, options=options)
        np.testing.assert_array_equal(env.render(), stock.state)


def test_the_constructor_draws_the_first_colours() -> None:
    for randomizes in (False, True):
        env = CarRacingEnv(domain_randomize=randomizes)
        theirs, _ = seeding.np_random(env.np_random_seed)
        if randomizes:
            theirs.uniform(0, 210, size=3)
            theirs.uniform(0, 210, size=3)
            theirs.integers(3)
        assert env.np_random.bit_generator.state == theirs.bit_generator.state


def test_a_generator_set_by_the_user() -> None:
    env, stock = CarRacingEnv(), CarRacing()
    for each in (env, stock):
        each.np_random = np.random.Generator(np.random.PCG64(77))
        each.reset()
    np.testing.assert_array_equal(env.track_snapshot().nodes, np.array(stock.track))
    env.np_random = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(TypeError, match="np_random is a MT19937 generator; expected PCG64"):
        env.reset()


def test_pickled_and_copied_specs_make_the_same_game() -> None:
    options: dict[str, Any] = {
        "gray": True,
        "frame_size": 24,
        "rules": ShapingRules(stall_steps=4),
    }
    env = CarRacingEnv("rgb_array", lap_complete_percent=0.9, **options)
    twin = pickle.loads(pickle.dumps(env))
    assert (twin.render_mode, twin.options, twin.rules) == ("rgb_array", env.options, env.rules)
    assert twin.options.lap_complete_percent == 0.9
    np.testing.assert_array_equal(twin.reset(seed=2)[0], env.reset(seed=2)[0])
    coast = np.zeros(3, np.float32)
    assert [twin.step(coast)[2] for _ in range(4)][-1]
    made = gym.make(ID, **options)
    assert made.spec is not None
    again = gym.make(pickle.loads(pickle.dumps(made.spec)))
    np.testing.assert_array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])


def test_a_closed_game_can_be_used_again() -> None:
    env, stock = CarRacingEnv("state_pixels"), CarRacing(render_mode="state_pixels")
    for each in (env, stock):
        each.reset(seed=0)
        each.close()
        each.close()
    assert env.step(np.zeros(3))[1:3] == stock.step(np.zeros(3))[1:3]
    for each in (env, stock):
        each.reset()
        each.step(np.zeros(3))
    np.testing.assert_array_equal(env.render(), stock.render())
    assert env.np_random.bit_generator.state == stock.np_random.bit_generator.state


@pytest.mark.parametrize("options", [[], (), 0, "randomize", ["randomize"], {}])
def test_other_options_of_a_reset_than_a_dict_are_none(options: Any) -> None:
    env = CarRacingEnv("state_pixels", domain_randomize=True)
    stock = CarRacing(render_mode="state_pixels", domain_randomize=True)
    for each in (env, stock):
        each.reset(seed=1)
        each.reset(options=options)
    np.testing.assert_array_equal(env.render(), stock.state)


def test_the_registered_game() -> None:
    env = gym.make(ID)
    assert isinstance(env.unwrapped, CarRacingEnv)
    assert env.spec is not None
    assert (env.spec.max_episode_steps, env.spec.reward_threshold) == (1000, 900)
    longer = gym.make(ID, max_episode_steps=-1, max_episode_frames=1003, action_repeat=1001)
    longer.reset(seed=0)
    assert [longer.step(np.zeros(3))[3] for _ in range(2)] == [False, True]


def test_the_registered_vector() -> None:
    options: dict[str, Any] = {"action_repeat": 500, "max_episode_frames": 1000}
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP, **options)
    assert isinstance(envs, CarRacingVectorEnv)
    envs.reset(seed=0)
    assert [envs.step(np.zeros((2, 3)))[3].tolist() for _ in range(2)] == [[False, False], [True, True]]
    short = gym.make_vec(ID, num_envs=1, max_episode_steps=1)
    short.reset(seed=0)
    assert short.step(np.zeros((1, 3)))[3].all()


def test_vector_environments_of_gymnasium() -> None:
    """In processes: the environment function is pickled, observations are copied back."""
    ours, theirs = gym.make_vec(ID, num_envs=2), gym.make_vec(ID, num_envs=2, vectorization_mode="async")
    try:
        np.testing.assert_array_equal(ours.reset(seed=3)[0], theirs.reset(seed=3)[0])
        for _ in range(3):
            actions = np.full((2, 3), 0.3, np.float32)
            np.testing.assert_array_equal(ours.step(actions)[0], theirs.step(actions)[0])
    finally:
        theirs.close()


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_registration_imports_no_torch_and_needs_no_import() -> None:
    code = """
import sys, gymnasium
env = gymnasium.make("apexline.racing:apexline/CarRacing-v3")
env.reset(seed=0)
assert "torch" not in sys.modules
assert "Box2D" not in sys.modules
print(gymnasium.make_vec("apexline/CarRacing-v3", num_envs=16).reset(seed=0)[0].shape)
"""
    assert run(code) == "(16, 96, 96, 3)\n"


HIDE = """
import sys

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"{{name}} is hidden", name=name)

sys.meta_path.insert(0, Hider())
"""

PLAY = """
import hashlib
import numpy as np
from apexline.racing import CarRacingEnv, CarRacingVectorEnv

env = CarRacingVectorEnv(2, render_mode="rgb_array")
env.reset(seed=0)
for _ in range(5):
    frames, rewards, *_ = env.step(np.full((2, 3), [0.1, 0.4, 0], np.float32))
assert [image.shape for image in env.render()] == [(400, 600, 3)] * 2
print(hashlib.sha256(np.concatenate([car := env.car_snapshot(0).x, rewards]).tobytes()).hexdigest())
"""


def test_the_game_runs_without_box2d_and_pygame() -> None:
    blocked = HIDE.format(hidden={"Box2D", "pygame", "torch"}) + PLAY
    assert run(blocked) == run(PLAY)


def test_a_window_needs_pygame() -> None:
    code = """
import gymnasium
from apexline.racing import CarRacingEnv
try:
    CarRacingEnv(render_mode="human")
except gymnasium.error.DependencyNotInstalled as error:
    print(error)
"""
    assert run(HIDE.format(hidden={"pygame"}) + code) == 'a window needs pygame: pip install "pygame-ce"\n'


@same_score_text
@pytest.mark.parametrize("vector", [False, True])
def test_a_window_shows_the_first_game(vector: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    env: Any = CarRacingVectorEnv(2, render_mode="human") if vector else CarRacingEnv(render_mode="human")
    stock = CarRacing(render_mode="rgb_array")
    try:
        env.reset(seed=5)
        stock.reset(seed=5)
        action = np.array([0, 0.5, 0], np.float32)
        env.step(np.stack([action, -action]) if vector else action)
        stock.step(action)
        assert env.render() is None
        shown = pygame.surfarray.array3d(pygame.display.get_surface())
        stock.render()
        np.testing.assert_array_equal(shown, pygame.surfarray.array3d(stock.surf))
    finally:
        env.close()
    assert not pygame.display.get_init()
    if not vector:
        env.reset(seed=5)
        assert pygame.display.get_init(), "a reset opens the window again"
        env.close()
    assert not pygame.display.get_init()
