"""Access to single games of a vector environment: `envs.envs`, `call`, `get_attr` and `set_attr` of SyncVectorEnv."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from apexline.racing.native.rng import generator_at
from apexline.racing.native.snapshots import CarSnapshot, SkidMark, TrackSnapshot
from apexline.racing.native.specs import game_spec
from apexline.racing.native.stock_view import GameView
from apexline.racing.options import GameOptions, ShapingRules
from apexline.racing.types import Frame
from apexline.racing.validation import require

if TYPE_CHECKING:
    from apexline.racing.native.vector_env import CarRacingVectorEnv


class _OfAllGames:
    """A method of a single environment that a vector environment has for all of its games only."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, game: SubEnvironment | None, owner: type) -> _OfAllGames:
        if game is None:
            return self
        raise AttributeError(f"a game has no {self._name!r} of its own; call CarRacingVectorEnv.{self._name}")


class SubEnvironment(GameView):
    """One game of a CarRacingVectorEnv, with the attributes of the stock game; it holds no state of its own.

    Attributes cannot be set, and the game cannot be reset or stepped alone.

    Args:
        envs: the vector environment.
        index: number of the game.
    """

    __slots__ = ("_envs",)

    _envs: CarRacingVectorEnv

    def __init__(self, envs: CarRacingVectorEnv, index: int) -> None:
        object.__setattr__(self, "_envs", envs)
        object.__setattr__(self, "_stock", envs._stock_games[index])

    reset = _OfAllGames()
    step = _OfAllGames()
    close = _OfAllGames()
    set_rules = _OfAllGames()

    def __repr__(self) -> str:
        return f"<game {self.index} of {self._envs!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SubEnvironment):
            return NotImplemented
        return self._envs is other._envs and self.index == other.index

    def __hash__(self) -> int:
        return hash((id(self._envs), self.index))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        _refuse_to_set(name)

    @property
    def index(self) -> int:
        """Number of the game."""
        return self._stock.env

    @property
    def unwrapped(self) -> SubEnvironment:
        """This game: it has no wrappers."""
        return self

    @property
    def observation_space(self) -> gym.Space[Any]:
        """Space of the game's observations."""
        return self._envs.single_observation_space

    @property
    def action_space(self) -> gym.Space[Any]:
        """Space of the game's actions."""
        return self._envs.single_action_space

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the vector environment's metadata, without the autoreset mode."""
        return {key: value for key, value in self._envs.metadata.items() if key != "autoreset_mode"}

    @property
    def render_size(self) -> tuple[int, int]:
        """Height and width of "rgb_array" images, in pixels."""
        return self._envs.render_size

    @property
    def spec(self) -> EnvSpec | None:
        """A spec with which `gymnasium.make` makes a single environment like this game."""
        return game_spec(self._envs.spec)

    @property
    def options(self) -> GameOptions:
        """The game's options."""
        return self._envs.options

    @property
    def rules(self) -> ShapingRules | None:
        """The shaping rules; None: none."""
        return self._envs.rules

    @property
    def np_random(self) -> np.random.Generator:
        """A copy of the generator from which the game draws tracks and colours."""
        return generator_at(self._envs._games.world.random_state(self.index))

    @property
    def np_random_seed(self) -> int:
        """The seed of the random stream; -1 after `set_state`."""
        return self._envs._seeds[self.index]

    def get_wrapper_attr(self, name: str) -> Any:
        """Returns an attribute."""
        return getattr(self, name)

    def has_wrapper_attr(self, name: str) -> bool:
        """Returns whether there is an attribute of this name."""
        return hasattr(self, name)

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> NoReturn:  # noqa: ARG002
        """Raises AttributeError."""
        _refuse_to_set(name)

    def get_state(self) -> bytes:
        """Returns the state of the game; see CarRacingVectorEnv.get_state."""
        return self._envs.get_state(self.index)

    def set_state(self, state: bytes) -> None:
        """Restores a state; see CarRacingVectorEnv.set_state."""
        self._envs.set_state(state, self.index)

    def track_snapshot(self) -> TrackSnapshot:
        """Returns a copy of the road."""
        return self._envs.track_snapshot(self.index)

    def car_snapshot(self) -> CarSnapshot:
        """Returns a copy of the car's state."""
        return self._envs.car_snapshot(self.index)

    def skid_marks(self) -> list[SkidMark]:
        """Returns the skid marks."""
        return self._envs.skid_marks(self.index)

    def observe(self) -> Frame:
        """Returns the current observation."""
        frame: Frame = self._envs.observe([self.index])[0]
        return frame

    def render(self) -> Frame | list[Frame] | None:
        """Returns what CarRacingVectorEnv.render returns of this game; a window shows the first game alone."""
        return self._envs._render_game(self.index)


def _refuse_to_set(name: str) -> NoReturn:
    raise AttributeError(
        f"attribute {name!r} of a game cannot be set; CarRacingVectorEnv.set_attr sets 'rules'"
    )


class PerGameAccess:
    """What SyncVectorEnv offers for its single environments; a base of CarRacingVectorEnv."""

    num_envs: int

    def __len__(self) -> int:
        return self.num_envs

    def __iter__(self) -> Iterator[SubEnvironment]:
        return (self[env] for env in range(self.num_envs))

    def __getitem__(self, env: int) -> SubEnvironment:
        index = operator.index(env)
        if not -self.num_envs <= index < self.num_envs:
            raise IndexError(f"env is {index}; expected {-self.num_envs} to {self.num_envs - 1}")
        return SubEnvironment(cast("CarRacingVectorEnv", self), index % self.num_envs)

    @property
    def envs(self) -> tuple[SubEnvironment, ...]:
        """The games, each under the attribute names of a single environment."""
        return tuple(self)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Returns the attribute `name` of each game, called with the arguments if it is a method.

        Raises AttributeError if games have no such attribute, as "reset" and "step", which the vector environment has
        for all games only.
        """
        values = (game.get_wrapper_attr(name) for game in self)
        return tuple(value(*args, **kwargs) if callable(value) else value for value in values)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Returns the attribute `name` of each game. Raises AttributeError if games have no such attribute."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Sets "rules", the one attribute of games that can be set: `set_rules` with a value for all games.

        Args:
            name: "rules".
            values: one value, or a list or tuple with an equal value for each game.

        Raises AttributeError for other names, ValueError if `values` are not as many as games or differ.
        """
        if not isinstance(values, list | tuple):
            values = [values] * self.num_envs
        require("len(values)", len(values), len(values) == self.num_envs, str(self.num_envs))
        if name != "rules":
            _refuse_to_set(name)
        require(
            "values", values, all(value == values[0] for value in values), "the same rules for every game"
        )
        cast("CarRacingVectorEnv", self).set_rules(values[0])
