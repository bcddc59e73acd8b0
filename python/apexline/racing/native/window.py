"""A pygame window for the render mode "human"; pygame is imported when one is made."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from gymnasium.error import DependencyNotInstalled

from apexline.racing.types import Frame


def can_open() -> bool:
    """Returns whether pygame is installed, without importing it."""
    try:
        return importlib.util.find_spec("pygame") is not None
    except (ImportError, ValueError):
        return False


class Window:
    """Opens when the first image is shown.

    Args:
        size: height and width in pixels.

    Raises gymnasium.error.DependencyNotInstalled if pygame is not installed.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        try:
            self._pygame: Any = importlib.import_module("pygame")
        except ImportError as error:
            raise DependencyNotInstalled('a window needs pygame: pip install "pygame-ce"') from error
        height, width = size
        self._size = width, height
        self._screen: Any = None
        self.was_closed = False
        self._clock: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """The size alone: a copy opens a window of its own."""
        return {"size": self._size[::-1]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def show(self, image: Frame, frame_rate: float) -> None:
        """Shows an image (height, width, 3) uint8; waits so that at most `frame_rate` are shown per second."""
        if self._screen is None or self._pygame.display.get_surface() is None:
            self._pygame.display.init()
            self._screen = self._pygame.display.set_mode(self._size)
            self._clock = self._pygame.time.Clock()
        self._pygame.event.pump()
        self._clock.tick(frame_rate)
        self._screen.blit(self._pygame.image.frombuffer(image.tobytes(), self._size, "RGB"), (0, 0))
        self._pygame.display.flip()

    def close(self) -> None:
        """Closes the window if it is open."""
        if self._screen is not None:
            self._pygame.display.quit()
            self._screen = None
            self.was_closed = True
