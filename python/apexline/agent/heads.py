"""Actor and critic heads: features to an action; features and an action to values."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from apexline.agent.config import AgentConfig, Normalization


class ActorHead(nn.Module):
    """The policy: features (B, F) float32 to an action (B, A) within the environment's own bounds.

    A dimension with low == -high is high * tanh(z), any other low + (high - low) * sigmoid(z): for CarRacing's
    steering, gas and brake that is tanh, sigmoid, sigmoid. Since tanh(z) = 2 sigmoid(2z) - 1, both are
    low + (high - low) * sigmoid(gain * z), with a gain of 2 for the former and 1 for the latter.

    Raises:
        ValueError: a bound is not finite, or a low bound is not below its high bound.
    """

    low: Tensor
    high: Tensor
    gain: Tensor

    def __init__(self, config: AgentConfig, num_features: int, low: Tensor, high: Tensor) -> None:
        super().__init__()
        _check_bounds(low, high)
        self.register_buffer("low", low, persistent=False)
        self.register_buffer("high", high, persistent=False)
        self.register_buffer("gain", torch.where(low == -high, 2.0, 1.0), persistent=False)
        self.trunk, width = _trunk(config, num_features)
        widths = (width, *config.hidden)
        self.hidden = nn.Sequential(*(_hidden_layer(i, o, config.normalization) for i, o in pairwise(widths)))
        self.output = _output_layer(widths[-1], len(low), config.output_init)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Action (B, A) in the environment's units and pre-activation z (B, A), both float32."""
        z = self.output(self.hidden(self.trunk(features)))
        return torch.lerp(self.low, self.high, torch.sigmoid(self.gain * z)), z


class CriticHead(nn.Module):
    """Critics on a common trunk: features (B, F) and action (B, A) to values (num_critics, B) float32.

    Raises:
        ValueError: there is no hidden layer for the action to enter.
    """

    def __init__(self, config: AgentConfig, num_features: int, action_size: int) -> None:
        super().__init__()
        self.trunk, width = _trunk(config, num_features)
        self.critics = nn.ModuleList(Critic(config, width, action_size) for _ in range(config.num_critics))

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        features = self.trunk(features)
        return torch.stack([critic(features, action) for critic in self.critics])


class Critic(nn.Module):
    """One action-value function: trunk features (B, F) and action (B, A) to values (B,)."""

    def __init__(self, config: AgentConfig, num_features: int, action_size: int) -> None:
        super().__init__()
        self.join = 0 if config.action_join == "first" else 1
        if len(config.hidden) <= self.join:
            raise ValueError(
                f"hidden is {config.hidden}, which has no {config.action_join} layer for the action to enter"
            )
        widths = [num_features, *config.hidden]
        self.hidden = nn.ModuleList()
        for index, (width, next_width) in enumerate(pairwise(widths)):
            sees_action = index >= self.join
            normalization = config.normalization
            if sees_action and normalization == "batch":
                normalization = "none"
            extra = action_size if index == self.join else 0
            self.hidden.append(_hidden_layer(width + extra, next_width, normalization))
        self.output = _output_layer(widths[-1], 1, config.output_init)

    def forward(self, features: Tensor, action: Tensor) -> Tensor:
        x = features
        for index, layer in enumerate(self.hidden):
            x = layer(torch.cat([x, action], dim=1) if index == self.join else x)
        values: Tensor = self.output(x)
        return values.squeeze(1)


def _trunk(config: AgentConfig, num_features: int) -> tuple[nn.Module, int]:
    if config.trunk_features is None:
        return nn.Identity(), num_features
    width = config.trunk_features
    return nn.Sequential(nn.Linear(num_features, width), nn.LayerNorm(width), nn.Tanh()), width


def _hidden_layer(in_features: int, out_features: int, normalization: Normalization) -> nn.Sequential:
    """Linear, normalization, ReLU. torch's default initialization is that of Lillicrap et al.: +-1/sqrt(fan-in)."""
    layers: list[nn.Module] = [nn.Linear(in_features, out_features)]
    if normalization == "layer":
        layers.append(nn.LayerNorm(out_features))
    elif normalization == "batch":
        layers.append(nn.BatchNorm1d(out_features))
    return nn.Sequential(*layers, nn.ReLU())


def _output_layer(in_features: int, out_features: int, bound: float) -> nn.Linear:
    layer = nn.Linear(in_features, out_features)
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)
    return layer


def _check_bounds(low: Tensor, high: Tensor) -> None:
    for axis, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if not float("-inf") < a < b < float("inf"):
            raise ValueError(f"action bounds of dimension {axis} are [{a}, {b}]; expected finite low < high")
