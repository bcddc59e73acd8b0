"""`_core_testing.exact_frame` against the stock game's render(), byte for byte, from the stock game's own state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing

from apexline import _core_testing
from apexline.racing.native.glyphs import load_glyphs

from .stock_scenes import State, state

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

Frame = npt.NDArray[np.uint8]

SPINNER = [(0.0, 1.0, 0.0)] * 60 + [(1.0, 1.0, 0.0), (1.0, 0.2, 0.9), (-1.0, 1.0, 0.0), (-0.6, 0.0, 0.0)] * 60
"""Slides on the road while it accelerates, then spins and slides over grass."""
CIRCLER = [(0.8, 0.6, 0.0)] * 300
REVERSER = [(0.0, 0.4, 0.0)] * 100 + [(0.3, 0.0, 1.0)] * 60 + [(-1.0, 1.0, 0.0)] * 140


def play(driver: list[tuple[float, float, float]], seed: int, randomize: bool = False) -> Iterator[CarRacing]:
    """The game after reset and after each step."""
    game = gym.make(
        "CarRacing-v3", render_mode="rgb_array", domain_randomize=randomize, disable_env_checker=True
    )
    game.reset(seed=seed)
    stock = game.unwrapped
    assert isinstance(stock, CarRacing)
    yield stock
    for action in driver:
        # Without the wrappers, which end the episode when the car leaves the field.
        stock.step(np.array(action, np.float32))
        yield stock
    game.close()


def assert_same(ours: Frame, stock: Frame, name: str, folder: Path) -> None:
    if np.array_equal(ours, stock):
        return
    pygame = pytest.importorskip("pygame")
    difference = np.abs(ours.astype(np.int16) - stock).astype(np.uint8)
    image = np.concatenate([ours, stock, np.where(difference > 0, 255, 0).astype(np.uint8)], 1)
    path = folder / f"{name}.png"
    pygame.image.save(pygame.surfarray.make_surface(image.transpose(1, 0, 2)), path)
    rows, columns = np.nonzero(difference.any(2))
    pytest.fail(
        f"{name}: {len(rows)} pixels differ by up to {difference.max()}, the first in row {rows[0]}, "
        f"column {columns[0]}; ours, the stock game's and the difference are in {path}"
    )


def exact_frame(
    scene: State, width: int, height: int, marks: list[tuple[bool, npt.NDArray[np.float64]]]
) -> Frame:
    return _core_testing.exact_frame(_core_testing.Scene(**scene), width, height, marks, load_glyphs().arrays)


def ours_of(game: CarRacing, width: int, height: int, *, marks: bool = True) -> Frame:
    assert game.car is not None
    lines = [(bool(mark.grass), np.array(mark.poly, np.float64)) for mark in game.car.particles]
    return exact_frame(state(game), width, height, lines if marks else [])


@pytest.mark.parametrize(
    ("driver", "seed", "randomize"),
    [(SPINNER, 1, False), (CIRCLER, 2, False), (REVERSER, 3, False), (SPINNER, 4, True)],
)
def test_rgb_array_equals_the_stock_game(
    driver: list[tuple[float, float, float]], seed: int, randomize: bool, tmp_path: Path
) -> None:
    grounds = set()
    for i, game in enumerate(play(driver, seed, randomize)):
        if i in (0, 1, 2, 5) or i % 23 == 0:
            grounds |= {bool(mark.grass) for mark in game.car.particles}
            assert_same(ours_of(game, 600, 400), game._render("rgb_array"), f"seed_{seed}_step_{i}", tmp_path)
    if driver is SPINNER:
        assert grounds == {False, True}, "marks were seen on road and on grass"


def test_state_pixels_equal_the_stock_game(tmp_path: Path) -> None:
    for i, game in enumerate(play(SPINNER, 5)):
        if i in (0, 1, 2, 5) or i % 17 == 0:
            # Not game.state, which was drawn before the step subtracted 0.1 from the score.
            assert_same(
                ours_of(game, 96, 96, marks=False), game._render("state_pixels"), f"step_{i}", tmp_path
            )


def test_the_window_equals_the_stock_game(tmp_path: Path) -> None:
    """Render mode "human" shows the surface at full size."""
    pygame = pytest.importorskip("pygame")
    for i, game in enumerate(play(CIRCLER, 6)):
        if i % 60 == 7:
            game._render("rgb_array")
            stock = pygame.surfarray.array3d(game.surf).transpose(1, 0, 2)
            assert_same(ours_of(game, 1000, 800), stock, f"step_{i}", tmp_path)


@pytest.mark.parametrize(
    "angle", [0.0, 1e-7, np.pi / 2, -np.pi / 2, np.pi, 3 * np.pi, -2 * np.pi + 1e-7, 1e-3]
)
def test_quarter_turns_equal_the_stock_game(angle: float, tmp_path: Path) -> None:
    """pygame rotates by whole quarter turns if the angle is within a millionth of one."""
    for i, game in enumerate(play([(0.0, 1.0, 0.0)] * 40, 7)):
        if i == 40:
            game.car.hull.angle = angle
            assert_same(ours_of(game, 600, 400), game._render("rgb_array"), "quarter", tmp_path)


@pytest.mark.parametrize(
    ("place", "seconds"),
    [((330.0, 330.0), 1.0), ((-333.0, 10.0), 0.5), ((500.0, -20.0), 3.0), ((0.0, -700.0), 9.0)],
)
def test_beyond_the_edge_of_the_field(place: tuple[float, float], seconds: float, tmp_path: Path) -> None:
    for i, game in enumerate(play([(0.4, 1.0, 0.0)] * 20, 8)):
        if i == 20:
            game.car.hull.position = place
            game.t = seconds
            assert_same(ours_of(game, 600, 400), game._render("rgb_array"), "edge", tmp_path)


def test_a_wrong_argument_is_named() -> None:
    scene = next(state(game) for game in play([], 9))
    with pytest.raises(TypeError, match=r"hull has dtype float64; expected float32"):
        exact_frame({**scene, "hull": np.zeros(5)}, 96, 96, [])
    with pytest.raises(ValueError, match=r"skid_marks\[0\] has 1 points; expected 2 or more"):
        exact_frame(scene, 96, 96, [(True, np.zeros((1, 2)))])
    with pytest.raises(ValueError, match=r"width is 1001; expected from 4 to 1000"):
        exact_frame(scene, 1001, 96, [])
