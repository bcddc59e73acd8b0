"""apexline's networks in plain torch layers: float32, without LayerNorm in hidden layers."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from apexline.agent.encoders import ARCHITECTURES
from benchmarks.updates.updaters.updater import Setting


class Encoder(nn.Module):
    """Pixels (B, stack, H, W) float32 to features (B, num_features)."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        channels, height, width = setting.shape
        layers: list[nn.Module] = []
        for conv in ARCHITECTURES[setting.config.agent.encoder]:
            assert conv.pool == 1, "pooling is not implemented"
            layers += [nn.Conv2d(channels, conv.channels, conv.kernel, conv.stride), nn.ReLU()]
            channels, height, width = conv.channels, conv.output_size(height), conv.output_size(width)
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.num_features = channels * height * width

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.layers(pixels)
        return features


def trunk(num_features: int, setting: Setting) -> nn.Sequential:
    """The bottleneck between encoder and head: (B, num_features) to (B, trunk_features)."""
    width = setting.trunk_features
    return nn.Sequential(nn.Linear(num_features, width), nn.LayerNorm(width), nn.Tanh())


def mlp(inputs: int, outputs: int, setting: Setting) -> nn.Sequential:
    """A head with the preset's hidden layers: (B, inputs) to (B, outputs)."""
    widths = [inputs, *setting.config.agent.hidden]
    hidden = [layer for i, o in pairwise(widths) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(widths[-1], outputs))
