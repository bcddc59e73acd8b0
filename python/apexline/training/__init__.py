"""Training: configuration, the loop over environments, replay and learner, checkpoints and evaluation."""

from __future__ import annotations

try:
    import pydantic as _pydantic  # noqa: F401
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(f'apexline.training needs {error.name}: pip install "apexline[train]"') from error

from apexline.training.config.presets import PRESETS, preset
from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import (
    DivergedError,
    EvaluationWorkerDiedError,
    GpuMemoryError,
    InputError,
    SaveError,
)
from apexline.training.evaluation.evaluator import Evaluator
from apexline.training.evaluation.play import play, play_parallel
from apexline.training.evaluation.policy import Policy
from apexline.training.evaluation.report import EpisodeResult, EvalReport
from apexline.training.loop import train

__all__ = [
    "PRESETS",
    "DivergedError",
    "EpisodeResult",
    "EvalReport",
    "EvaluationWorkerDiedError",
    "Evaluator",
    "GpuMemoryError",
    "InputError",
    "Policy",
    "SaveError",
    "TrainConfig",
    "play",
    "play_parallel",
    "preset",
    "train",
]
