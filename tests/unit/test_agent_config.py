"""The defaults are the recipe that the prototype measured; every field explains itself."""

from __future__ import annotations

import ast
import dataclasses
import inspect

import pytest

from apexline.agent import AgentConfig, NoiseConfig


def test_the_defaults_are_the_measured_recipe() -> None:
    config = AgentConfig()
    assert (config.encoder, config.trunk_features, config.hidden) == ("small42", 64, (256, 256))
    assert (config.actor_lr, config.critic_lr, config.tau) == (3e-4, 3e-4, 0.01)
    assert (config.huber_delta, config.preactivation_penalty) == (1.0, 1e-3)
    noise = NoiseConfig()
    assert (noise.sigma, noise.sigma_final, noise.anneal_decisions) == (1.0, 0.5, 80_000)
    assert noise.ladder == (0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4)


@pytest.mark.parametrize("config_class", [AgentConfig, NoiseConfig])
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
    assert documented == {field.name for field in dataclasses.fields(config_class)}


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AgentConfig().tau = 1.0
