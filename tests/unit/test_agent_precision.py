"""Mixed precision on the CPU: what runs in which type, and the loss scale of fp16."""

from __future__ import annotations

import pytest
import torch

from apexline.agent.config import PrecisionName
from apexline.agent.precision import autocast, make_scaler

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_products_run_in_the_configured_type(precision: PrecisionName, dtype: torch.dtype) -> None:
    with autocast(precision, CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize(("precision", "scale"), [("fp32", 1.0), ("bf16", 1.0), ("fp16", 65_536.0)])
def test_only_fp16_scales_the_loss(precision: PrecisionName, scale: float) -> None:
    assert make_scaler(precision, CPU).scale(torch.ones(())) == scale
