"""Training: configuration, the loop over environments, replay and learner, checkpoints and evaluation."""

from __future__ import annotations

try:
    import pydantic as _pydantic  # noqa: F401
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(f'apexline.training needs {error.name}: pip install "apexline[train]"') from error

from apexline.training.config import TrainConfig
from apexline.training.errors import EvaluationDied, InputError
from apexline.training.evaluate import EvalReport, Evaluator, build_networks, play, play_native
from apexline.training.loop import train
from apexline.training.policy import PRETRAINED, WEIGHTS, Policy, load_policy, save_weights
from apexline.training.presets import PRESETS, preset

__all__ = [
    "PRESETS",
    "PRETRAINED",
    "WEIGHTS",
    "EvalReport",
    "EvaluationDied",
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
