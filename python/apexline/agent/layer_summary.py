"""Names, shapes and parameter counts of the trained layers of a network."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn


class LayerInfo(NamedTuple):
    """One trained layer."""

    name: str
    """Path of the module, such as `critic_encoder.layers.0`."""
    shape: tuple[int, ...]
    """Shape of its weight."""
    parameters: int
    """Number of its parameters, biases included."""


def trained_layers(networks: nn.Module) -> list[LayerInfo]:
    """The trained layers in the order of construction; target networks and weight averages are left out."""
    layers = []
    for name, module in networks.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]
        if own:
            layers.append(LayerInfo(name, tuple(own[0].shape), sum(parameter.numel() for parameter in own)))
    return layers
