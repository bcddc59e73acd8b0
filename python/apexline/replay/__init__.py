"""The replay: `SumTree`, `PrioritizedFrameReplay` and the `Batch` it gives. Needs NumPy alone."""

from apexline._core import SumTree
from apexline.replay.batch import Batch
from apexline.replay.prioritized import PrioritizedFrameReplay

__all__ = ["Batch", "PrioritizedFrameReplay", "SumTree"]
