"""Tracks and colours against the stock game, bit for bit, from the same random numbers."""

import itertools
import os
from dataclasses import dataclass

import numpy as np
import pytest
from gymnasium.utils import seeding

from apexline import _core_testing

from .random_state import words

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
import pygame
from gymnasium.envs.box2d.car_racing import CarRacing
from pygame import gfxdraw

EPISODES = 3
"""Per seed: the second and third continue the generator after the last track."""


@dataclass(frozen=True)
class Road:
    nodes: np.ndarray
    tiles: np.ndarray
    kerb_tiles: np.ndarray
    kerb_is_white: np.ndarray
    kerbs: np.ndarray


def stock_road(game):
    """Splits the stock game's road_poly: polygons whose colour is a tuple are kerbs."""
    tiles, kerb_tiles, kerb_is_white, kerbs = [], [], [], []
    for corners, colour in game.road_poly:
        if isinstance(colour, tuple):
            assert colour in ((255, 255, 255), (255, 0, 0))
            kerb_tiles.append(len(tiles) - 1)
            kerb_is_white.append(colour == (255, 255, 255))
            kerbs.append(corners)
        else:
            tiles.append(corners)
    return Road(
        np.array(game.track),
        np.array(tiles),
        np.array(kerb_tiles),
        np.array(kerb_is_white),
        np.array(kerbs).reshape(-1, 4, 2),
    )


def same_bits(ours, theirs):
    """By row, for arrays of equal shape; zeros of either sign differ, as they do in the game's arithmetic."""
    if ours.dtype != np.float64:
        return ours == theirs
    return (ours.view(np.uint64) == theirs.view(np.uint64)).all(tuple(range(1, ours.ndim)))


def image_of(ours, theirs, path):
    import matplotlib.figure  # here, as it is slow to import and needed after a failure only

    figure = matplotlib.figure.Figure(figsize=(8, 8))
    axes = figure.add_subplot(aspect="equal", title="stock in red, native in black")
    for road, style in ((theirs, {"color": "red", "lw": 3}), (ours, {"color": "black", "lw": 0.8})):
        for corners in itertools.chain(road.tiles, road.kerbs):
            axes.plot(*np.append(corners, corners[:1], 0).T, **style)
    figure.savefig(path)
    return path


def assert_same(ours, theirs, where, folder):
    for name in Road.__dataclass_fields__:
        a, b = getattr(ours, name), getattr(theirs, name)
        if a.shape != b.shape:
            image = image_of(ours, theirs, folder / "tracks.png")
            pytest.fail(f"{where}: {name} has shape {a.shape}; the stock game's {b.shape}; see {image}")
        wrong = np.flatnonzero(~same_bits(a, b))
        if len(wrong):
            first = wrong[0]
            tile = theirs.kerb_tiles[first] if name.startswith("kerb") else first
            image = image_of(ours, theirs, folder / "tracks.png")
            pytest.fail(
                f"{where}: {name}[{first}] (tile {tile}) is {a[first].tolist()}; "
                f"the stock game's is {b[first].tolist()}; {len(wrong)} of {len(a)} differ; see {image}"
            )


def episodes(seeds, domain_randomize):
    """After each reset of the stock game: its name, the game, and the core's generator in the state before it."""
    for seed in seeds:
        game = CarRacing(domain_randomize=domain_randomize)
        game.step = lambda _action: (None,)  # a reset's first step touches tiles and draws an image
        for episode in range(EPISODES):
            before = game.np_random if episode else seeding.np_random(seed)[0]
            random = _core_testing.Pcg64(words(before))
            game.reset(seed=None if episode else seed)
            yield f"seed {seed}, episode {episode}", game, random


def test_tracks_equal_the_stock_game(tmp_path):
    num_failed = 0
    for where, game, random in episodes(range(200), domain_randomize=False):
        *arrays, failed = _core_testing.create_track(random)
        assert_same(Road(*arrays), stock_road(game), where, tmp_path)
        np.testing.assert_array_equal(random.state, words(game.np_random), err_msg=where)
        num_failed += failed
    assert num_failed > 0  # else no failed attempt was seen


def test_colours_and_the_tracks_after_them_equal_the_stock_game(tmp_path):
    for where, game, random in episodes(range(30), domain_randomize=True):
        assert_same_colours(game, _core_testing.draw_colours(random), where)
        *arrays, _ = _core_testing.create_track(random)
        assert_same(Road(*arrays), stock_road(game), where, tmp_path)
        np.testing.assert_array_equal(random.state, words(game.np_random), err_msg=where)


def assert_same_colours(game, drawn, where):
    values, colours = drawn
    stock = np.array([game.road_color, game.bg_color, game.grass_color])
    np.testing.assert_array_equal(values, stock, strict=True, err_msg=where)
    shades = [colour for _, colour in game.road_poly if not isinstance(colour, tuple)]
    inked = [
        inked_by_pygame([int(channel) for channel in shade]) for shade in shades[:3]
    ]  # as _render_road does
    inked += [inked_by_pygame(game.bg_color), inked_by_pygame(game.grass_color)]
    np.testing.assert_array_equal(colours, inked, err_msg=where)
    np.testing.assert_array_equal(np.resize(shades[:3], (len(shades), 3)), shades, err_msg=where)


def inked_by_pygame(colour):
    surface = pygame.Surface((2, 2))
    gfxdraw.box(surface, surface.get_rect(), colour)
    return surface.get_at((1, 1))[:3]
