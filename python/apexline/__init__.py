"""apexline learns to drive CarRacing from pixels. This top level is its replay, which needs NumPy alone.

`apexline.racing`, `apexline.agent` and `apexline.training` are imported on their own; they need the extras
`racing` and `train`.
"""

from apexline._core import __version__
from apexline.replay import Batch, PrioritizedFrameReplay, SumTree

__all__ = ["Batch", "PrioritizedFrameReplay", "SumTree", "__version__"]
