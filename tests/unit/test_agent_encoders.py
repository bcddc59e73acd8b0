"""Encoders: sizes, treatment of pixels, and errors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from apexline.agent import AgentConfig
from apexline.agent.config import EncoderName
from apexline.agent.encoders import Encoder


def parameter_counts(encoder: Encoder) -> list[int]:
    return [
        sum(p.numel() for p in layer.parameters()) for layer in encoder.layers if list(layer.parameters())
    ]


def observations(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_notebook_has_the_notebooks_parameters() -> None:
    encoder = Encoder(AgentConfig(encoder="notebook"), (1, 3, 96, 96))
    assert parameter_counts(encoder) == [15_616, 663_680, 128 * 81 * 256 + 256]
    assert encoder.num_features == 5 * 5 * 256  # 96 -> 88 -> 44 -> 36 -> 18 -> 10 -> 5 pixels a side


@pytest.mark.parametrize(
    ("name", "size", "num_features"),
    [
        ("small42", 42, 7 * 7 * 32),
        ("small84", 84, 7 * 7 * 32),
        ("nature", 84, 7 * 7 * 64),
    ],
)
def test_num_features_is_the_output_size(name: EncoderName, size: int, num_features: int) -> None:
    encoder = Encoder(AgentConfig(encoder=name), (3, size, size))
    assert encoder.num_features == num_features
    features = encoder(observations(2, 3, size, size))
    assert features.shape == (2, num_features)
    assert features.dtype == torch.float32


def test_stack_and_colour_become_channels_in_order() -> None:
    encoder = Encoder(AgentConfig(precision="fp32"), (2, 3, 18, 20))
    obs = observations(4, 2, 3, 18, 20)
    flat = Encoder(AgentConfig(precision="fp32"), (6, 18, 20))
    flat.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(obs), flat(obs.reshape(4, 6, 18, 20)))


def test_pixels_are_centred_and_features_are_rows_columns_channels() -> None:
    encoder = Encoder(AgentConfig(precision="fp32"), (2, 22, 26))
    obs = observations(3, 2, 22, 26)
    maps = encoder.layers((obs.float() - 128) / 255)
    assert maps.shape == (3, 32, 2, 3)
    torch.testing.assert_close(encoder(obs), maps.permute(0, 2, 3, 1).reshape(3, -1))


def test_observations_are_not_changed() -> None:
    obs = observations(2, 1, 18, 18)
    before = obs.clone()
    Encoder(AgentConfig(), (1, 18, 18))(obs)
    assert torch.equal(obs, before)


@pytest.mark.parametrize("channels_last", [True, False])
def test_memory_order_does_not_change_features(channels_last: bool) -> None:
    encoder = Encoder(AgentConfig(precision="fp32", channels_last=channels_last), (3, 18, 18))
    other = Encoder(AgentConfig(precision="fp32", channels_last=not channels_last), (3, 18, 18))
    other.load_state_dict(encoder.state_dict())
    obs = observations(2, 3, 18, 18)
    torch.testing.assert_close(encoder(obs), other(obs))
    weight = encoder.layers[0].weight
    assert isinstance(weight, torch.Tensor)
    assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last


def test_weights_start_orthogonal_with_gain_sqrt_2() -> None:
    conv = Encoder(AgentConfig(), (3, 42, 42)).layers[0]
    assert isinstance(conv, nn.Conv2d)
    rows = conv.weight.detach().flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(len(rows)), atol=1e-5, rtol=0)
    assert not conv.bias.any()


def test_notebook_weights_start_glorot_uniform() -> None:
    conv = Encoder(AgentConfig(encoder="notebook"), (1, 3, 96, 96)).layers[0]
    assert isinstance(conv, nn.Conv2d)
    bound = math.sqrt(6 / (81 * 3 + 81 * 64))
    largest = conv.weight.abs().max().item()
    assert 0.99 * bound < largest <= bound


def test_batch_normalises_every_convolution() -> None:
    encoder = Encoder(AgentConfig(normalization="batch"), (3, 18, 18))
    kinds = [type(layer) for layer in encoder.layers]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 3


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (3, 17, 42),
            r"\(3, 17, 42\), too small for encoder 'small42': the input of its convolution 3 is 2x9",
        ),
        ((42, 42), r"observation_shape is \(42, 42\); expected \(stack, H, W\) or \(stack, C, H, W\)"),
    ],
)
def test_errors_name_impossible_shapes(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder(AgentConfig(), shape)


def test_the_smallest_possible_frame_is_accepted() -> None:
    assert Encoder(AgentConfig(), (1, 18, 18)).num_features == 32


def test_floating_point_observations_are_refused() -> None:
    with pytest.raises(TypeError, match=r"obs.dtype is torch.float32; expected torch.uint8"):
        Encoder(AgentConfig(), (1, 18, 18))(torch.zeros(1, 1, 18, 18))
