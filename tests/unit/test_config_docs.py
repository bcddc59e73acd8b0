"""Every option explains itself: the command line shows these docstrings as its help."""

from __future__ import annotations

import ast
import dataclasses
import inspect

import pytest

from apexline.cli.eval import EvalCommand
from apexline.cli.export import ExportCommand
from apexline.cli.info import InfoCommand
from apexline.cli.play import PlayCommand
from apexline.cli.train import TrainCommand
from apexline.racing import ShapingRules
from apexline.training.config.train_config import TrainConfig

PARTS = {type(part) for part in vars(TrainConfig()).values() if dataclasses.is_dataclass(part)}
CONFIGS = sorted({TrainConfig, ShapingRules} | PARTS, key=lambda config: config.__name__)
COMMANDS = [TrainCommand, EvalCommand, PlayCommand, ExportCommand, InfoCommand]


@pytest.mark.parametrize("config_class", [*CONFIGS, *COMMANDS])
def test_every_field_has_a_docstring(config_class: type) -> None:
    (definition,) = ast.parse(inspect.getsource(config_class)).body
    assert isinstance(definition, ast.ClassDef)
    documented = {
        field.target.id
        for field, text in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
    # A nested configuration is explained by its class's own docstring.
    nested = {field.name for field in dataclasses.fields(config_class) if "Config" in str(field.type)}
    assert documented | nested == {field.name for field in dataclasses.fields(config_class)}
