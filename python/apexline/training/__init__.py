"""Training: configuration, the loop over environments, replay and learner, checkpoints and evaluation."""

from __future__ import annotations

try:
    import pydantic as _pydantic  # noqa: F401
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(f'apexline.training needs {error.name}: pip install "apexline[train]"') from error

from apexline.training.config.presets import PRESETS, preset
from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import EvaluationWorkerDiedError, InputError
from apexline.training.evaluation.evaluate import EvalReport, Evaluator, build_networks, play, play_native
from apexline.training.evaluation.policy import PRETRAINED, WEIGHTS, Policy, load_policy, save_weights
from apexline.training.loop import train

__all__ = [
    "PRESETS",
    "PRETRAINED",
    "WEIGHTS",
    "EvalReport",
    "EvaluationWorkerDiedError",
    "Evaluator",
    "InputError",
    "Policy",
    "TrainConfig",
    "build_networks",
    "load_policy",
    "play",
    "play_native",
    "preset",
    "save_weights",
    "train",
]
