from .videos import videos

__all__ = ["videos"]
