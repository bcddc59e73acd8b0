"""Methods that save and restore a replay."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apexline import _core
from apexline.replay import state
from apexline.replay.settings import ReadOnlySettings


class Saving(ReadOnlySettings):
    """Base of `PrioritizedFrameReplay`: saves and restores its contents."""

    __slots__ = ("_core",)

    _core: _core.replay.Replay

    def state_dict(self) -> dict[str, Any]:
        """Everything that determines later results, as new arrays and plain values.

        Contains a copy of all stored frames; `save` needs none.

        Raises:
            IndexError: another thread overwrote a slot before it was copied.
        """
        return state.state_dict(self._core, self._settings)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Replaces the contents by a saved state, including its random streams.

        The number of threads and gamma, alpha, beta, epsilon and shift stay unchanged. An open `prefetch` still
        returns the batches it sampled before; their indices refer to the old contents.

        Raises:
            ValueError: the state is of a replay with another capacity, stack, n-step, number of environments, or other
                frames, actions or extras; or it is invalid. Nothing changes then.
        """
        state.load_state_dict(self._core, self._settings, saved)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state to `path`, which is replaced as a whole: an error or crash leaves an earlier file unchanged.

        Raises:
            OSError: the file cannot be written.
            IndexError: another thread overwrote a slot before it was written.
        """
        state.save(self._core, self._settings, Path(path))

    def load(self, path: str | os.PathLike[str]) -> None:
        """Replaces the contents by a state that `save` wrote, as `load_state_dict`. Executes no code from the file.

        Needs memory for both contents while the file is read. If the environments start new episodes, call
        `cut_episodes` next: otherwise their first frames would continue the saved episodes.

        Raises:
            DamagedFileError: the file is truncated, corrupt, not a saved replay or of another version (a ValueError).
            ValueError: it is of a replay of another shape.
            OSError: it cannot be read. In each case nothing changes.
        """
        state.load(self._core, self._settings, Path(path))
