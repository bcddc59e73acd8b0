"""`PrioritizedFrameReplay`, `SumTree` and the types they return. Needs only NumPy."""

from apexline.replay.batch import Batch, TensorBatch
from apexline.replay.files import DamagedFileError
from apexline.replay.incremental import IncrementalSaver, ReplaySnapshot
from apexline.replay.prefetch import Prefetch
from apexline.replay.prioritized import PrioritizedFrameReplay
from apexline.replay.stats import ReplayStats
from apexline.replay.sum_tree import SumTree

__all__ = [
    "Batch",
    "DamagedFileError",
    "IncrementalSaver",
    "Prefetch",
    "PrioritizedFrameReplay",
    "ReplaySnapshot",
    "ReplayStats",
    "SumTree",
    "TensorBatch",
]
