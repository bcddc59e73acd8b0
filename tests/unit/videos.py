"""A stand-in for moviepy, with which gymnasium writes videos."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest


@dataclass(frozen=True, eq=False)
class Video:
    """The images of a video and their rate per second."""

    images: npt.NDArray[np.uint8]
    fps: float

    @property
    def seconds(self) -> float:
        return len(self.images) / self.fps


@pytest.fixture
def videos(monkeypatch: pytest.MonkeyPatch) -> dict[str, Video]:
    """The videos that RecordVideo writes during a test, by file name."""
    written: dict[str, Video] = {}

    class ImageSequenceClip:
        def __init__(self, frames: list[Any], fps: float) -> None:
            self.video = Video(np.array(frames), fps)

        def write_videofile(self, path: str, **_: Any) -> None:
            written[path.rpartition("/")[2]] = self.video

    names = "moviepy", "moviepy.video", "moviepy.video.io", "moviepy.video.io.ImageSequenceClip"
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].ImageSequenceClip = ImageSequenceClip  # type: ignore[attr-defined]
    return written
