"""Plays stock games and the core's in lockstep and compares all their values after each frame, bit for bit.

On processors other than x86-64, whose C library computes other sines, positions are compared within a thousandth of a
unit for a hundred frames instead.
"""

import os
import platform
from typing import Any

import numpy as np

from apexline import _core
from apexline.racing import GameOptions
from apexline.racing.native.glyphs import load_glyphs

from .random_state import words

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
from gymnasium.envs.box2d.car_racing import CarRacing

IS_EXACT = platform.machine() in ("x86_64", "AMD64")
TOLERANCE = 1e-3  # units
TOLERATED_FRAMES = 100

SKID_MARK_FRAMES = 100


class StockGame(CarRacing):
    """The stock game without drawing, which takes most of its time."""

    road: Any

    def _render(self, _mode):
        self.shown = self.reward, self.t

    def _create_track(self):
        made = super()._create_track()
        if made:  # otherwise touched tiles whose index is a multiple of three keep their colour
            self._shades = np.full((len(self.road), 3), -1.0)
            for tile, shade in zip(self.road, self._shades, strict=True):
                tile.color = shade
        return made

    @property
    def touched(self):
        return self._shades[:, 0] >= 0

    @property
    def under_wheels(self):
        return sorted({tile.idx for wheel in self.car.wheels for tile in wheel.tiles})


def stock_values(game):
    car = game.car
    bodies = [
        (*body.position, body.angle, *body.linearVelocity, body.angularVelocity)
        for body in (*car.wheels, car.hull)
    ]
    wheels = [(wheel.omega, wheel.phase, wheel.gas, wheel.steer, wheel.brake) for wheel in car.wheels]
    x, y, angle, velocity_x, velocity_y, spin = np.array(bodies, np.float32).T
    omega, phase, gas, steer, brake = np.array(wheels, np.float64).T
    return {
        "x": x,
        "y": y,
        "angle": angle,
        "velocity_x": velocity_x,
        "velocity_y": velocity_y,
        "spin": spin,
        "joint_angle": np.array([wheel.joint.angle for wheel in car.wheels], np.float32),
        "omega": omega,
        "phase": phase,
        "gas": gas[2:],
        "steer": steer[:2] + 0.0,  # zeros of either sign steer alike; discrete actions give the other one
        "brake": brake,
        "on_road": np.array([bool(wheel.tiles) for wheel in car.wheels]),
        "visited": np.array([tile.road_visited for tile in game.road]),
        "touched": game.touched,
        "under_wheels": np.array(game.under_wheels, np.int32),
        **{f"tiles_of_wheel_{i}": sorted_tiles(wheel.tiles) for i, wheel in enumerate(car.wheels)},
        "reward": np.array([game.reward, game.prev_reward], np.float64),
        "score_and_seconds": np.array(game.shown, np.float64),
    }


def sorted_tiles(tiles):
    return np.array(sorted(tile.idx for tile in tiles), np.int32)


def core_values(racing, env):
    car, track = racing.car(env), racing.track(env)
    values = {name: car[name] for name in ("x", "y", "angle", "velocity_x", "velocity_y", "spin")}
    return {
        **values,
        "joint_angle": car["angle"][:4] - car["angle"][4],
        "omega": car["omega"],
        "phase": car["phase"],
        "gas": np.full(2, car["gas"]),
        "steer": np.full(2, car["steer"]) + 0.0,
        "brake": np.full(4, car["brake"]),
        "on_road": car["on_road"],
        "visited": track["visited"],
        "touched": track["touched"],
        "under_wheels": track["under_wheels"],
        **{f"tiles_of_wheel_{i}": np.array(racing.wheel_tiles(env, i)[1], np.int32) for i in range(4)},
        "reward": np.array(racing.episode_values(env)[4:6]),
        "score_and_seconds": np.array([car["score_on_screen"], car["seconds"]]),
    }


def ulps_between(a, b):
    """Distance between two floats in units in the last place."""
    integer = np.int32 if a.dtype == np.float32 else np.int64
    steps = [int(value.view(integer)) for value in (a, b)]
    low, high = sorted(step if step >= 0 else np.iinfo(integer).min - step for step in steps)
    return high - low


def bytes_of(array):
    return np.frombuffer(array.tobytes(), np.uint8)


def difference(name, ours, theirs):
    """Describes how `ours` differs, or returns None. Zeros of different sign differ."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{name} is {ours.tolist()}; the stock game's is {theirs.tolist()}"
    if ours.tobytes() == theirs.tobytes():
        return None
    size = ours.dtype.itemsize
    wrong = np.flatnonzero((bytes_of(ours) != bytes_of(theirs)).reshape(-1, size).any(1))
    place = wrong[0]
    text = f"{name}[{place}] is {ours[place]!r}; the stock game's is {theirs[place]!r}"
    if ours.dtype.kind == "f":
        text += f", {ulps_between(ours[place], theirs[place])} ulps away"
    return text + (f"; {len(wrong)} differ" if len(wrong) > 1 else "")


class Lockstep:
    """Stock games and core games with the same seeds. Errors name the game that differs.

    `options` are further ones of the core; `stock` is a StockGame that behaves likewise.
    """

    def __init__(
        self, seeds, names=None, *, discrete=False, domain_randomize=False, stock=StockGame, **options
    ):
        self.names = names or [f"seed {seed}" for seed in seeds]
        self.games = [stock(continuous=not discrete, domain_randomize=domain_randomize) for _ in seeds]
        self.frames = np.zeros(len(seeds), np.int64)
        self.episodes = np.zeros(len(seeds), np.int64)
        self.is_playing = np.ones(len(seeds), bool)
        states = np.stack([words(np.random.default_rng(seed)) for seed in seeds])
        track_seed = options.get("track_seed")
        game_options = GameOptions(
            continuous=not discrete,
            domain_randomize=domain_randomize,
            crop_hud=True,
            gray=True,
            frame_size=42,
            max_episode_frames=1000,
            **options,
        )
        self.core = _core.racing.World(
            game_options,
            states=states,
            autoreset="next_step",
            rules=None,
            keeps_skid_marks=True,
            glyphs=load_glyphs().arrays,
            num_threads=1,
            track_state=None if track_seed is None else words(np.random.default_rng(track_seed)),
        )
        everyone = np.ones(len(seeds), bool)
        self.core.reset(everyone, everyone, everyone, states)
        for env, seed in enumerate(seeds):
            self.games[env].reset(seed=seed)
            self._check_episode(env)
            self._check(env)

    def begin(self, env, *, recolours=True):
        """Starts the next episode of one game; the others are unchanged."""
        count = len(self.games)
        chosen = np.arange(count) == env
        self.core.reset(
            chosen, np.full(count, recolours), np.zeros(count, bool), np.zeros((count, 6), np.uint64)
        )
        self.games[env].reset(options={"randomize": recolours})
        self.frames[env] = 0
        self.episodes[env] += 1
        self._check_episode(env)
        self._check(env)

    def retire(self, env):
        """Stops comparing a game; the core keeps stepping it."""
        self.is_playing[env] = False

    def step(self, actions):
        """Steps all games, compares them, and returns the core's reports."""
        _, reports, _, _ = self.core.step(actions)
        for env in np.flatnonzero(self.is_playing):
            _, reward, terminated, _, info = self.games[env].step(actions[env])
            self.frames[env] += 1
            self._check(env)
            if IS_EXACT:
                self._check_report(env, reports[env], reward, terminated, info.get("lap_finished", -1))
            if self.frames[env] % SKID_MARK_FRAMES == 0:
                self._check_skid_marks(env)
        return reports

    def _fail(self, env, what):
        where = f"{self.names[env]}, episode {self.episodes[env]}, frame {self.frames[env]}"
        raise AssertionError(f"{where}: {what}")

    def _check(self, env):
        ours, theirs = core_values(self.core, env), stock_values(self.games[env])
        if not IS_EXACT:
            if self.frames[env] <= TOLERATED_FRAMES:
                for name in ("x", "y"):
                    if np.abs(ours[name] - theirs[name]).max() > TOLERANCE:
                        self._fail(env, f"{name} is {ours[name]}; the stock game's is {theirs[name]}")
            return
        for name, values in theirs.items():
            if what := difference(name, ours[name], values):
                self._fail(env, what)

    def _check_report(self, env, report, reward, terminated, lap_finished):
        expected = {"reward": reward, "terminated": terminated, "lap_finished": lap_finished}
        expected["truncated"] = self.frames[env] == 1000
        for name, value in expected.items():
            if what := difference(name, np.array([report[name]]), np.array([value], report[name].dtype)):
                self._fail(env, what)

    def _check_skid_marks(self, env):
        if not IS_EXACT:
            return
        theirs = [(mark.grass, np.array(mark.poly)) for mark in self.games[env].car.particles]
        ours = self.core.skid_marks(env)
        if len(ours) != len(theirs):
            self._fail(env, f"there are {len(ours)} skid marks; the stock game has {len(theirs)}")
        for number, ((grass, points), (stock_grass, stock_points)) in enumerate(
            zip(ours, theirs, strict=True)
        ):
            if grass != stock_grass or not np.array_equal(points, stock_points):
                self._fail(env, f"skid mark {number} differs from the stock game's")

    def _check_episode(self, env):
        game = self.games[env]
        if not IS_EXACT:
            return
        for name, theirs in (
            ("nodes", np.array(game.track)),
            ("random_state", words(game.np_random)),
        ):
            ours = self.core.random_state(env) if name == "random_state" else self.core.track(env)["nodes"]
            if what := difference(name, ours.reshape(-1), theirs.reshape(-1)):
                self._fail(env, what)
