from .counting_workers import workers
from .videos import videos

__all__ = ["videos", "workers"]
