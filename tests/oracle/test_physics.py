"""Whole episodes of the stock game and of the core in lockstep: every value equal, bit for bit."""

import concurrent.futures
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from .drivers import lane_follower, nodes_of, random_driver, spinner, view_of
from .lockstep import Lockstep

SEEDS = range(60)
SEEDS_A_WORLD = 5
"""With three drivers: fifteen games in two blocks of eight SIMD lanes, one of them empty."""
DRIVERS = {"random": random_driver, "follower": lambda _: lane_follower, "spinner": lambda _: spinner}
ROOT = Path(__file__).parents[2]


def num_episodes(seed, driver):
    """Drivers of a seed: three for the first seeds, two for every tenth, one for the others."""
    if list(DRIVERS)[seed % 3] != driver:
        return 1
    return 3 if seed < 3 else 2 if seed % 10 < 3 else 1


def play(seeds):
    """Counts of how the episodes ended and the number of frames; AssertionError if a value differs."""
    plans = [(seed, driver) for seed in seeds for driver in DRIVERS]
    lockstep = Lockstep(
        [seed for seed, _ in plans], [f"seed {seed}, driver {driver}" for seed, driver in plans]
    )
    drivers = [DRIVERS[driver](seed) for seed, driver in plans]
    nodes = [nodes_of(game) for game in lockstep.games]
    ends = {"lap": 0, "off the field": 0, "truncated": 0, "frames": 0}
    while lockstep.is_playing.any():
        actions = np.zeros((len(plans), 3), np.float32)
        for env in np.flatnonzero(lockstep.is_playing):
            actions[env] = drivers[env](view_of(lockstep.games[env], nodes[env], int(lockstep.frames[env])))
        ends["frames"] += int(lockstep.is_playing.sum())
        reports = lockstep.step(actions)
        for env in np.flatnonzero(lockstep.is_playing & (reports["terminated"] | reports["truncated"])):
            ends[{1: "lap", 0: "off the field", -1: "truncated"}[int(reports["lap_finished"][env])]] += 1
            if lockstep.episodes[env] + 1 < num_episodes(*plans[env]):
                lockstep.begin(env)
                nodes[env] = nodes_of(lockstep.games[env])
            else:
                lockstep.retire(env)
    return ends


def test_every_frame_equals_the_stock_game(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)  # workers import this module by its name
    worlds = [SEEDS[first : first + SEEDS_A_WORLD] for first in range(0, len(SEEDS), SEEDS_A_WORLD)]
    context = multiprocessing.get_context("spawn")
    workers = min(len(worlds), os.cpu_count() or 1)
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        ends = list(pool.map(play, worlds))
    total = {end: sum(world[end] for world in ends) for end in ends[0]}
    assert total["frames"] > 150_000
    assert min(total.values()) > 0, f"an end was not seen: {total}"


@pytest.mark.parametrize("name", DRIVERS)
def test_drivers_are_the_same_for_the_same_seed(name):
    seed = 4
    lockstep = Lockstep([seed])
    view = view_of(lockstep.games[0], nodes_of(lockstep.games[0]), 31)
    np.testing.assert_array_equal(DRIVERS[name](seed)(view), DRIVERS[name](seed)(view))
