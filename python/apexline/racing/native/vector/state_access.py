"""get_state and set_state of the vector environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

from apexline.racing.native.arguments import Mask
from apexline.racing.native.games import NativeGames
from apexline.racing.native.state import EpisodeSoFar, pack_state, unpack_states
from apexline.racing.native.vector.infos import EpisodeStatistics
from apexline.racing.validation import require, shown


class StateAccess:
    """Saved states of games; a base of CarRacingVectorEnv."""

    num_envs: int
    _games: NativeGames
    _seeds: list[int]
    _was_reset: Mask
    _statistics: EpisodeStatistics | None

    @overload
    def get_state(self) -> list[bytes]: ...
    @overload
    def get_state(self, env: int) -> bytes: ...
    def get_state(self, env: int | None = None) -> bytes | list[bytes]:
        """Returns the whole state of every game, or of one, with its episode: about 12 kB each, and its stacked frames.

        It can be restored in any environment with the same options, in the same version of apexline on the same kind
        of machine.
        """
        if env is not None:
            env = self._games.index(env)
            return pack_state(self._games.world, env, self._episode_of(env))
        return [pack_state(self._games.world, i, self._episode_of(i)) for i in range(self.num_envs)]

    @overload
    def set_state(self, states: Sequence[bytes]) -> None: ...
    @overload
    def set_state(self, states: bytes, env: int) -> None: ...
    def set_state(self, states: bytes | Sequence[bytes], env: int | None = None) -> None:
        """Restores the state of every game, or of one, which continues bit for bit.

        The frames of the episode, which `max_episode_steps` and `max_episode_frames` limit, are part of the state: a
        planner that restores a state takes them back.

        Args:
            states: one state for each game, or with `env` the state of that game.
            env: the game; None: all.

        Raises ValueError, TypeError or IndexError, naming the game, and changes nothing, if bytes are not a state or
        there is no such game.
        """
        chosen = self._chosen(states, env)
        episodes = unpack_states(self._games.world, chosen)
        for i, episode in episodes.items():
            self._seeds[i] = -1
            self._was_reset[i] = len(self._games.track_snapshot(i).tiles) > 0
            if self._statistics is not None:
                self._statistics.put(i, episode)

    def _chosen(self, states: bytes | Sequence[bytes], env: int | None) -> dict[int, Any]:
        if env is not None:
            if isinstance(env, bytes | list):
                raise TypeError(
                    f"env is {shown(env)}; expected an integer; the order is set_state(states, env)"
                )
            return {self._games.index(env): states}
        if isinstance(states, bytes | str) or not isinstance(states, Iterable):
            raise TypeError(f"states is {shown(states)}; expected {self.num_envs} states, or one and its env")
        chosen = dict(enumerate(states))
        require("len(states)", len(chosen), len(chosen) == self.num_envs, str(self.num_envs))
        return chosen

    def _episode_of(self, env: int) -> EpisodeSoFar:
        if self._statistics is None:
            return EpisodeSoFar()
        return self._statistics.of(env)
