"""Mixed precision: autocasting, and the loss scale for fp16."""

from __future__ import annotations

import torch

from apexline.agent.config import PrecisionName

DTYPES: dict[PrecisionName, torch.dtype] = {
    "auto": torch.bfloat16,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def autocast(precision: PrecisionName, device: torch.device) -> torch.autocast:
    """A context in which matrix products and convolutions on `device` run in `precision`."""
    return torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")


def make_scaler(precision: PrecisionName, device: torch.device) -> torch.amp.GradScaler:
    """Loss scaling against the underflow of fp16 gradients; a pass-through for the other precisions.

    A step whose gradients overflow is skipped and the scale halved, without synchronizing the host.
    """
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")
