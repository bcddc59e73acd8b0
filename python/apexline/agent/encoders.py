"""Convolutional encoders: stacked uint8 frames to a feature vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from apexline.agent.config import AgentConfig, EncoderName
from apexline.agent.precision import DTYPES, autocast


class Conv(NamedTuple):
    """One valid (unpadded) convolution, followed by ReLU and a max-pooling of `pool` pixels."""

    channels: int
    kernel: int
    stride: int = 1
    pool: int = 1

    def output_size(self, size: int) -> int:
        """Output size for an input of `size` pixels; 0 or less if `size` is too small."""
        return ((size - self.kernel) // self.stride + 1) // self.pool


ARCHITECTURES: dict[EncoderName, tuple[Conv, ...]] = {
    "patch42": (Conv(32, 4, 4), Conv(64, 3, 2)),
    "patch84": (Conv(32, 8, 8), Conv(64, 3, 2)),
    "small42": (Conv(24, 4, 2), Conv(32, 4, 2), Conv(32, 3)),
    "small84": (Conv(16, 8, 4), Conv(32, 4, 2), Conv(32, 3)),
    "nature": (Conv(32, 8, 4), Conv(64, 4, 2), Conv(64, 3)),  # Mnih et al. 2015
    "notebook": (Conv(64, 9, pool=2), Conv(128, 9, pool=2), Conv(256, 9, pool=2)),
}


class Encoder(nn.Module):
    """Observations (B, stack, [C,] H, W) uint8, newest frame last, to features (B, num_features) float32.

    Pixels are scaled to (value - 128) / 255 and convolutions run in `config.precision`. Features are in the order rows,
    columns, channels of the feature map.

    Raises:
        ValueError: `observation_shape` is not (stack, [C,] H, W), or too small for the encoder.
        TypeError: an observation is not uint8.
    """

    def __init__(self, config: AgentConfig, observation_shape: Sequence[int]) -> None:
        super().__init__()
        if len(observation_shape) not in (3, 4):
            raise ValueError(
                f"observation_shape is {tuple(observation_shape)}; expected (stack, H, W) or (stack, C, H, W)"
            )
        *channel_axes, height, width = observation_shape
        channels = math.prod(channel_axes)
        layers: list[nn.Module] = []
        for number, conv in enumerate(ARCHITECTURES[config.encoder], start=1):
            layers += _block(conv, channels, config)
            entering, channels = (height, width), conv.channels
            height, width = conv.output_size(height), conv.output_size(width)
            if min(height, width) < 1:
                raise ValueError(
                    f"observation_shape is {tuple(observation_shape)}, too small for encoder {config.encoder!r}: "
                    f"the input of its convolution {number} is {entering[0]}x{entering[1]}"
                )
        self.layers = nn.Sequential(*layers)
        self.num_features = channels * height * width
        self.precision = config.precision
        self.memory_format = torch.channels_last if config.channels_last else torch.contiguous_format
        self.layers.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def forward(self, obs: Tensor) -> Tensor:
        if obs.dtype != torch.uint8:
            raise TypeError(f"obs.dtype is {obs.dtype}; expected torch.uint8")
        # Exact in every precision; the first convolution's weights are scaled instead of the pixels.
        pixels = obs.flatten(1, -3).to(DTYPES[self.precision]).sub_(128)
        first: nn.Conv2d = self.layers[0]  # type: ignore[assignment]
        with autocast(self.precision, obs.device):
            pixels = pixels.contiguous(memory_format=self.memory_format)
            maps: Tensor = F.conv2d(pixels, first.weight / 255, first.bias, first.stride)
            for layer in islice(self.layers, 1, None):
                maps = layer(maps)
        return maps.permute(0, 2, 3, 1).flatten(1).float()


def _block(conv: Conv, in_channels: int, config: AgentConfig) -> list[nn.Module]:
    layer = nn.Conv2d(in_channels, conv.channels, conv.kernel, conv.stride)
    if config.encoder == "notebook":
        nn.init.xavier_uniform_(layer.weight)  # the default of Keras
    else:
        nn.init.orthogonal_(layer.weight, gain=nn.init.calculate_gain("relu"))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    block: list[nn.Module] = [layer]
    if config.normalization == "batch":
        block.append(nn.BatchNorm2d(conv.channels))
    block.append(nn.ReLU(inplace=True))
    if conv.pool > 1:
        block.append(nn.MaxPool2d(conv.pool))
    return block
