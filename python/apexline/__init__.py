"""apexline learns to drive CarRacing from pixels. The top level is its prioritized replay, which needs only NumPy.

`apexline.racing`, `apexline.agent` and `apexline.training` are imported separately; they need the extras `racing` and
`train`.
"""

from apexline._core import __version__
from apexline.replay import Batch, PrioritizedFrameReplay, SumTree

__all__ = ["Batch", "PrioritizedFrameReplay", "SumTree", "__version__"]
