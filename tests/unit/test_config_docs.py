"""Every option is documented: the command line shows the docstrings of the fields as its help."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

import pytest

from apexline.agent import LinearSchedule
from apexline.cli.eval import EvalCommand
from apexline.cli.export import ExportCommand
from apexline.cli.help import field_texts, options_of
from apexline.cli.info import InfoCommand
from apexline.cli.play import PlayCommand
from apexline.cli.train import TrainCommand
from apexline.racing import ShapingRules
from apexline.training.config.train_config import ShapingPhase, TrainConfig

PARTS = {type(part) for part in vars(TrainConfig()).values() if dataclasses.is_dataclass(part)}
CONFIGS = sorted(
    {TrainConfig, ShapingPhase, ShapingRules, LinearSchedule} | PARTS, key=lambda config: config.__name__
)
COMMANDS = [TrainCommand, EvalCommand, PlayCommand, ExportCommand, InfoCommand]


@pytest.mark.parametrize("config_class", [*CONFIGS, *COMMANDS])
def test_every_field_has_a_docstring(config_class: type) -> None:
    hints = get_type_hints(config_class)
    undocumented = {field.name for field in dataclasses.fields(config_class)} - field_texts(
        config_class
    ).keys()
    # A nested group of options is documented by the docstring of its class.
    assert all(dataclasses.is_dataclass(hints[name]) for name in undocumented)
    assert config_class.__doc__


def test_the_help_shows_the_bounds_of_the_annotations() -> None:
    texts = {option.flag: option.text for option in options_of(TrainConfig, TrainConfig())}
    assert texts["--replay.gamma"] == "Discount factor per agent step. (>= 0; <= 1; default: 0.99)"
    assert texts["--agent.trunk-features"].endswith("(> 0; default: 64)")
    assert texts["--seed"].endswith("(>= 0; < 2**63; default: 0)")
    assert texts["--noise.sigma"].endswith("(default: 1.0 0.5 80000)")
