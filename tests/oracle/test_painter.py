"""Observations of the fast renderer against the stock game's, from equal states."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pygame
import pytest
from gymnasium.envs.box2d.car_racing import CarRacing

from apexline import _core_testing
from apexline.racing import AreaMean, ChannelsFirst, CropHud, Grayscale
from apexline.racing.native.glyphs import load_glyphs

from .stock_scenes import Image, Scene, follow, make_game, move, play, scene, spin

BOX = 84  # first row of the indicators
SIZES = [
    *((side, side) for side in (1, 7, 42, 48, 64, 83, 84, 95, 96)),
    (84, 96),
    (96, 84),
    (50, 77),
    (7, 84),
]
FORMATS = [
    {
        "crop_hud": crop,
        "gray": gray,
        "frame_size": size,
        "channels_first": channels_first,
        "keep_dim": keep_dim,
    }
    for crop in (False, True)
    for gray, keep_dim in ((False, False), (True, False), (True, True))
    for size in SIZES
    for channels_first in ((True,) if gray and not keep_dim else (True, False))
    if max(size) <= 84 or not crop
]


TALL = (np.full(11, 3, np.int32), np.zeros((11, 11), np.int32), np.zeros((49, 33), np.uint8))


@pytest.fixture(scope="module")
def glyphs() -> dict[str, Any]:
    return {"glyphs": load_glyphs().arrays}


@pytest.fixture(scope="module")
def painter(glyphs: dict[str, Any]) -> _core_testing.Painter:
    return _core_testing.Painter(crop_hud=False, gray=False, frame_size=(96, 96), **glyphs)


@pytest.fixture(scope="module")
def undrawn_game() -> Iterator[Callable[..., Any]]:
    """Makes games whose steps and resets draw nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CarRacing, "_render", lambda *_: None)
        yield make_game


@pytest.fixture(scope="module")
def scenes(undrawn_game: Callable[..., Any]) -> dict[str, list[Scene]]:
    game, randomized = undrawn_game(), undrawn_game(domain_randomize=True)
    return {
        "zooming in": play(game, 2, follow(40), range(1, 52, 5)),
        "around the track": play(game, 1, follow(45), range(60, 1000, 24)),
        "fast": play(game, 3, follow(80), range(60, 500, 22)),
        "spinning": play(game, 4, spin, range(60, 600, 18)),
        "other colours": [
            s for seed in (5, 6, 7) for s in play(randomized, seed, follow(45), range(60, 300, 30))
        ],
        "at the edge of the field": edge_of_the_field(game),
        "quarter turns": quarter_turns(game),
    }


def edge_of_the_field(game: Any) -> list[Scene]:
    play(game, 8, follow(40), [60])
    found = []
    for x, y in [(330, 0), (-330, 40), (325, 330), (-310, -330), (20, 333), (0, -400), (500, 500)]:
        move(game, x, y)
        found.append(scene(game))
    return found


def quarter_turns(game: Any) -> list[Scene]:
    """Angles that Vector2.rotate_rad special-cases, and nearby ones."""
    play(game, 9, follow(40), [60])
    found = []
    for angle in (0.0, 5e-7, -5e-7, 3e-6, np.pi / 2, np.pi, -np.pi / 2, 2 * np.pi, -2 * np.pi, 25.0):
        for body in (game.car.hull, *game.car.wheels):
            body.angle = angle
        found.append(scene(game))
    return found


def show(path: Path, stock: Image, native: Image) -> Path:
    """Stock, native and eight times their difference side by side."""
    difference = np.clip(8 * np.abs(native.astype(int) - stock), 0, 255).astype(np.uint8)
    wide = np.concatenate([stock, native, difference], axis=1).repeat(5, 0).repeat(5, 1)
    pygame.image.save(pygame.surfarray.make_surface(wide.transpose(1, 0, 2)), str(path))
    return path


CASES = [
    "zooming in",
    "around the track",
    "fast",
    "spinning",
    "other colours",
    "at the edge of the field",
    "quarter turns",
]


@pytest.mark.parametrize("case", CASES)
def test_images_are_those_of_the_stock_game(
    case: str, scenes: dict[str, list[Scene]], painter: _core_testing.Painter, tmp_path: Path
) -> None:
    errors = []
    for number, (state, stock) in enumerate(scenes[case]):
        native = painter.draw(_core_testing.Scene(**state))
        difference = np.abs(native.astype(int) - stock)
        errors.append(difference.mean())
        demands = {
            "mean error <= 0.25": errors[-1] <= 0.25,
            "at most 0.05% off by more than 24": (difference > 24).mean() <= 0.0005,
            "indicators equal": not difference[BOX:].any(),
            "flat areas equal": flat_equal(stock, native),
        }
        if not all(demands.values()):
            saved = show(tmp_path / "difference.png", stock, native)
            pytest.fail(f"scene {number} of {case!r}: {demands}; see {saved}")
    assert np.mean(errors) <= 0.1


def flat_equal(stock: Image, native: Image) -> bool:
    """Whether pixels that show the same colour as all their neighbours are equal in both."""
    flat = np.ones((94, 94), bool)
    centre = stock[1:-1, 1:-1]
    for dy in range(3):
        for dx in range(3):
            flat &= (stock[dy : dy + 94, dx : dx + 94] == centre).all(axis=2)
    return bool((native[1:-1, 1:-1] == centre)[flat].all())


def test_flat_areas_are_compared(scenes: dict[str, list[Scene]]) -> None:
    _, stock = scenes["around the track"][0]
    assert flat_equal(stock, stock)
    assert not flat_equal(stock, stock + np.uint8(1))


@pytest.mark.parametrize("case", CASES)
def test_every_format_equals_the_wrapped_image(
    case: str, scenes: dict[str, list[Scene]], painter: _core_testing.Painter, glyphs: dict[str, Any]
) -> None:
    for state, _ in scenes[case][::15]:
        full = painter.draw(_core_testing.Scene(**state))
        for options in FORMATS:
            frame = _core_testing.Painter(**options, **glyphs).draw(_core_testing.Scene(**state))
            expected = wrapped(full, **options)
            np.testing.assert_array_equal(frame, expected, err_msg=str(options))


class Still(gym.Env[Any, Any]):
    """Every observation is the same image."""

    action_space = gym.spaces.Discrete(1)
    observation_space = gym.spaces.Box(0, 255, (96, 96, 3), np.uint8)

    def __init__(self, image: Image) -> None:
        self.image = image

    def reset(self, **_: Any) -> Any:
        return self.image, {}


def wrapped(
    image: Image,
    *,
    crop_hud: bool,
    gray: bool,
    frame_size: tuple[int, int],
    channels_first: bool,
    keep_dim: bool,
) -> Image:
    env: gym.Env[Any, Any] = Still(image)
    if crop_hud:
        env = CropHud(env)
    if gray:
        env = Grayscale(env, keep_dim=keep_dim)
    env = AreaMean(env, frame_size)
    if channels_first and (keep_dim or not gray):
        env = ChannelsFirst(env)
    frame: Image = env.reset()[0]
    return frame


def test_a_frame_depends_on_its_scene_alone(scenes: dict[str, list[Scene]], glyphs: dict[str, Any]) -> None:
    options = {"crop_hud": False, "gray": False, "frame_size": (96, 96), "channels_first": True}
    states = [state for case in CASES for state, _ in scenes[case][::10]]
    used = _core_testing.Painter(**options, **glyphs)
    forwards = [used.draw(_core_testing.Scene(**state)) for state in states]
    backwards = [used.draw(_core_testing.Scene(**state)) for state in reversed(states)][::-1]
    fresh = [
        _core_testing.Painter(**options, **glyphs).draw(_core_testing.Scene(**state)) for state in states
    ]
    np.testing.assert_array_equal(forwards, backwards)
    np.testing.assert_array_equal(forwards, fresh)


DRAW = """
import hashlib, pickle, sys
from apexline import _core, _core_testing
states, glyphs, formats = pickle.load(open(sys.argv[1], "rb"))
seen = hashlib.sha256()
for options in formats:
    painter = _core_testing.Painter(**options, **glyphs)
    for state in states:
        seen.update(painter.draw(_core_testing.Scene(**state)).tobytes())
print(_core.isa(), seen.hexdigest())
"""


@pytest.mark.parametrize("isa", ["portable", "avx2", "avx512"])
def test_every_variant_draws_the_same_bytes(
    isa: str, scenes: dict[str, list[Scene]], glyphs: dict[str, Any], tmp_path: Path
) -> None:
    states = [state for case in CASES for state, _ in scenes[case]]
    formats = [options for options in FORMATS if min(options["frame_size"]) >= 42]
    (tmp_path / "states").write_bytes(pickle.dumps((states, glyphs, formats)))
    result = subprocess.run(
        [sys.executable, "-c", DRAW, str(tmp_path / "states")],
        env={**os.environ, "APEXLINE_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )
    if "expected one that this build and processor support" in result.stderr:
        pytest.skip(f"{isa} is not supported here")
    seen = hashlib.sha256()
    for options in formats:
        painter = _core_testing.Painter(**options, **glyphs)
        for state in states:
            seen.update(painter.draw(_core_testing.Scene(**state)).tobytes())
    assert result.stdout.split() == [isa, seen.hexdigest()], result.stderr


def test_indicators_and_scores_equal_the_stock_game(
    undrawn_game: Callable[..., Any], painter: _core_testing.Painter
) -> None:
    """The box is exact for any values, as long as no bar reaches the score."""
    game = undrawn_game()
    play(game, 10, follow(40), [3])
    random = np.random.default_rng(0)
    for score in [0, -0.3, -0.5, -5, -99.5, 0.5, 1.5, 999.6, 1234, -234, *random.uniform(-150, 950, 30)]:
        game.reward = score
        game.car.hull.linearVelocity = tuple(random.normal(scale=40, size=2))
        game.car.hull.angularVelocity = float(random.normal(scale=4))
        for wheel in game.car.wheels:
            wheel.omega = float(random.choice([0.0, 5e-5, -3e-4, -30.0, *random.normal(scale=120, size=3)]))
        state, stock = scene(game)
        native = painter.draw(_core_testing.Scene(**state))
        np.testing.assert_array_equal(native[BOX:], stock[BOX:], err_msg=repr(state))


def test_bars_that_rise_above_the_box_are_drawn_over_the_image(
    undrawn_game: Callable[..., Any], painter: _core_testing.Painter
) -> None:
    game = undrawn_game()
    play(game, 11, follow(40), [60])
    game.car.hull.linearVelocity = (230.0, 100.0)
    for wheel, omega in zip(game.car.wheels, (-700.0, 900.0, 5000.0, 450.0), strict=True):
        wheel.omega = omega
    state, stock = scene(game)
    native = painter.draw(_core_testing.Scene(**state))
    np.testing.assert_array_equal(native[BOX:], stock[BOX:])
    assert np.abs(native.astype(int) - stock).mean() <= 0.35
    assert (stock[BOX - 1, 12:14] == 253).all(), "the speed's does rise above it"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"frame_size": (0, 9)}, r"frame_size is \(0, 9\); expected \(1, 1\) to \(96, 96\)"),
        ({"frame_size": (97, 3)}, r"frame_size is \(97, 3\); expected \(4, 4\) to \(800, 1000\)"),
        (
            {"frame_size": (85, 84), "crop_hud": True},
            r"frame_size is \(85, 84\); expected \(1, 1\) to \(84, 84\)",
        ),
        ({"glyphs": ()}, "glyphs has 0 items; expected 3"),
        ({"glyphs": TALL}, "glyph height is 49; expected 1 to 48"),
    ],
)
def test_invalid_arguments_are_named(changed: dict[str, Any], message: str, glyphs: dict[str, Any]) -> None:
    options = {
        "crop_hud": False,
        "gray": False,
        "frame_size": (96, 96),
        "channels_first": True,
        **glyphs,
        **changed,
    }
    with pytest.raises(ValueError, match=message):
        _core_testing.Painter(**options)
