"""The stock game on given tracks: its own code lays the tiles and kerbs."""

import inspect
import itertools
import textwrap

import numpy as np
from gymnasium.envs.box2d import car_racing
from gymnasium.utils.seeding import np_random

CarRacing = car_racing.CarRacing
create_track = CarRacing._create_track


def tail_of_create_track():
    """What `_create_track` does once it has the nodes, as a function of the game and the nodes."""
    source = textwrap.dedent(inspect.getsource(create_track))
    tail = source[source.index("    # Red-white border") :]
    names = dict(vars(car_racing))
    exec("def lay_road(self, track):\n" + tail, names)
    return names["lay_road"]


lay_road = tail_of_create_track()


def keep_nodes(patch, nodes):
    """Every episode of the stock game has this track, without random numbers."""

    def create(game):
        game.road = []
        return lay_road(game, [tuple(map(float, node)) for node in nodes])

    patch.setattr(CarRacing, "_create_track", create)


def keep_seed(patch, seed):
    """Every episode of the stock game has the first track of this seed; its own random numbers stay."""

    def create(game):
        own, game.np_random = game.np_random, np_random(seed)[0]
        while not create_track(game):
            pass
        game.np_random = own
        return True

    patch.setattr(CarRacing, "_create_track", create)


def first_track(seed):
    """The nodes of `reset(seed=seed)`, (n, 4)."""
    game = CarRacing()
    game.step = lambda _action: (None,)
    game.reset(seed=seed)
    return np.array(game.track)


def ellipse(width, height, count):
    """A closed line of points (count, 2), counter-clockwise."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([width * np.cos(angle), height * np.sin(angle)])


def eight(size, count):
    """A closed line that crosses itself, with turns to both sides, as points (count, 2)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([size * np.sin(angle), size * np.sin(angle) * np.cos(angle)])


def wobbly(seed, count):
    """A closed line around the centre with random radii, as points (count, 2)."""
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = np.full(count, random.uniform(40, 250))
    for wave, height in itertools.product(range(2, 6), [0.25]):
        radius *= 1 + random.uniform(0, height) * np.sin(wave * angle + random.uniform(0, 2 * np.pi)) / wave
    return np.clip(radius, 0, 330)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
