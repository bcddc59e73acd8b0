"""The replay: `SumTree`, `PrioritizedFrameReplay` and what they give. Needs NumPy alone."""

from apexline._core.replay import SumTree
from apexline.replay.batch import Batch, TensorBatch
from apexline.replay.files import DamagedFileError
from apexline.replay.prefetch import Prefetch
from apexline.replay.prioritized import PrioritizedFrameReplay, ReplayStats

__all__ = [
    "Batch",
    "DamagedFileError",
    "Prefetch",
    "PrioritizedFrameReplay",
    "ReplayStats",
    "SumTree",
    "TensorBatch",
]
