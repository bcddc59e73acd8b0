"""Images of other sizes than the stock game's, against its own scaling of its surface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import GrayscaleObservation

from apexline.racing import CarRacingEnv, CarRacingVectorEnv, GameOptions, make_env, make_vector
from apexline.racing.stock.wrappers.pixels import AreaMean, ChannelsFirst, Grayscale, RoadContrast

STEPS = 25
SIZES = [(800, 1000), (192, 192), (97, 97), (96, 97), (400, 600), (100, 64), (4, 999)]


def driving() -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    random = np.random.default_rng(4)
    for _ in range(STEPS):
        yield np.array([random.uniform(-1, 1), random.uniform(0.3, 1), 0], np.float32)


@pytest.fixture(scope="module")
def stock() -> Any:
    return gym.make("CarRacing-v3", render_mode="rgb_array", disable_env_checker=True).unwrapped


def scaled(stock: Any, size: tuple[int, int]) -> Any:
    """The surface that the stock game drew last, in this height and width."""
    height, width = size
    return stock._create_image_array(stock.surf, (width, height))


def test_large_observations_are_the_scaled_surface_of_the_stock_game(stock: Any) -> None:
    envs = {size: CarRacingEnv(frame_size=size) for size in SIZES}
    stock.reset(seed=7)
    for size, env in envs.items():
        np.testing.assert_array_equal(
            env.reset(seed=7)[0], scaled(stock, size), err_msg=str(size), strict=True
        )
    for action in driving():
        stock.step(action)
        for size, env in envs.items():
            frame = env.step(action)[0]
            np.testing.assert_array_equal(frame, scaled(stock, size), err_msg=str(size), strict=True)


def test_rendered_images_are_the_scaled_surface_of_the_stock_game(stock: Any) -> None:
    sizes = [*SIZES, (48, 64)]
    envs = [CarRacingEnv("rgb_array", render_size=size) for size in sizes]
    vector = CarRacingVectorEnv(2, render_mode="rgb_array", render_size=(300, 450))
    stock.reset(seed=8)
    for env in envs:
        env.reset(seed=8)
    vector.reset(seed=8)
    for action in driving():
        stock.step(action)
        for env in envs:
            env.step(action)
        vector.step(np.stack([action, action]))
    stock.render()
    for size, env in zip(sizes, envs, strict=True):
        assert env.render_size == size
        np.testing.assert_array_equal(env.render(), scaled(stock, size), err_msg=str(size), strict=True)
    images = vector.render()
    assert images is not None
    np.testing.assert_array_equal(images[0], scaled(stock, (300, 450)), strict=True)
    assert vector.render_size == (300, 450)


@pytest.mark.parametrize(
    "options",
    [
        GameOptions(frame_size=(120, 160)),
        GameOptions(frame_size=(120, 160), channels_first=True, action_repeat=3),
        GameOptions(frame_size=128, gray=True, skip_zoom=4),
        GameOptions(frame_size=128, gray=True, keep_dim=True, road_contrast=True),
        GameOptions(
            frame_size=(60, 128), gray=True, keep_dim=True, channels_first=True, domain_randomize=True
        ),
    ],
    ids=str,
)
def test_both_backends_return_the_same_large_observations(options: GameOptions) -> None:
    native, theirs = make_env(options), make_env(options, backend="gymnasium")
    assert native.observation_space == theirs.observation_space
    np.testing.assert_array_equal(native.reset(seed=3)[0], theirs.reset(seed=3)[0], strict=True)
    for action in driving():
        np.testing.assert_array_equal(native.step(action)[0], theirs.step(action)[0], strict=True)


WRAPPERS: list[tuple[dict[str, bool], Callable[[Any], Any]]] = [
    ({"gray": True}, Grayscale),
    ({"gray": True, "road_contrast": True}, lambda env: RoadContrast(Grayscale(env))),
    ({"gray": True, "keep_dim": True}, lambda env: Grayscale(env, keep_dim=True)),
    ({"channels_first": True}, ChannelsFirst),
]


@pytest.mark.parametrize(("fields", "wrap"), WRAPPERS)
def test_wrappers_of_large_observations(fields: Any, wrap: Callable[[Any], Any]) -> None:
    size = (110, 130)
    env, wrapped = CarRacingEnv(frame_size=size, **fields), wrap(CarRacingEnv(frame_size=size))
    np.testing.assert_array_equal(env.reset(seed=3)[0], wrapped.reset(seed=3)[0], strict=True)
    for action in driving():
        np.testing.assert_array_equal(env.step(action)[0], wrapped.step(action)[0], strict=True)


def test_large_observations_of_many_games_do_not_depend_on_threads() -> None:
    options = GameOptions(frame_size=(100, 120))
    one, three = (make_vector(options, 5, num_threads=count) for count in (1, 3))
    np.testing.assert_array_equal(one.reset(seed=1)[0], three.reset(seed=1)[0])
    for action in driving():
        actions = np.tile(action, (5, 1))
        np.testing.assert_array_equal(one.step(actions)[0], three.step(actions)[0])
    np.testing.assert_array_equal(one.observe(), three.observe())


@pytest.mark.parametrize("mode", ["rgb_array", "state_pixels"])
def test_the_stock_backend_renders_in_its_own_sizes(mode: str) -> None:
    env = make_env(GameOptions(frame_size=(100, 120)), backend="gymnasium", render_mode=mode)
    frame, _ = env.reset(seed=1)
    assert env.render().shape == ((400, 600, 3) if mode == "rgb_array" else (96, 96, 3))
    assert frame.shape == env.step(np.zeros(3, np.float32))[0].shape == (100, 120, 3)


@pytest.mark.parametrize("size", [None, (100, 120)])
def test_gray_frames_with_channel_axis_have_the_shape_of_gymnasiums_wrapper(size: Any) -> None:
    theirs: Any = GrayscaleObservation(CarRacingEnv(frame_size=size), keep_dim=True)
    ours = CarRacingEnv(gray=True, keep_dim=True, frame_size=size)
    assert ours.observation_space == theirs.observation_space
    assert ours.observation_space.contains(ours.reset(seed=2)[0])


@pytest.mark.parametrize("size", [(84, 96), (50, 77), (96, 1)])
def test_small_observations_are_area_means(size: tuple[int, int]) -> None:
    env, whole = CarRacingEnv(frame_size=size), AreaMean(CarRacingEnv(), size)
    np.testing.assert_array_equal(env.reset(seed=2)[0], whole.reset(seed=2)[0], strict=True)
