"""Updates that are not finite are skipped: their detection, steps on a condition, and the undoing of a step.

A condition is a 0-d bool tensor on the agent's device. On a GPU the host never reads it, so that the same kernels are
queued in either case, as a CUDA graph needs. On a CPU the host reads it, which saves copies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer


def host_reads(device: torch.device) -> bool:
    """Whether the host may read a condition on `device`, as it does not have to wait for it."""
    return device.type == "cpu"


def clear_gradients(optimizer: Optimizer) -> None:
    """As `optimizer.zero_grad()`, in a third of its time on a CPU."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def gradients(optimizer: Optimizer) -> list[Tensor]:
    """The gradients of the parameters of `optimizer`."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


@torch.no_grad()
def is_not_finite(loss: Tensor, optimizer: Optimizer) -> Tensor:
    """Whether `loss` or a gradient of `optimizer` is not finite, 0-d bool.

    A gradient counts as not finite too if the sum of its squares overflows float32, as Adam's second moment would.
    """
    grads = gradients(optimizer)
    if host_reads(loss.device):
        total = float(loss) + sum(float(torch.dot(grad, grad)) for grad in map(torch.ravel, grads))
        return torch.tensor(not math.isfinite(total))
    return ~torch.stack([loss, *torch._foreach_norm(grads)]).sum().isfinite()


@torch.no_grad()
def step_unless(skip: Tensor, optimizer: Optimizer, scaler: torch.amp.GradScaler) -> None:
    """Step `optimizer` (on a GPU a fused Adam) unless `skip`; with loss scaling, `skip` also lowers the scale."""
    if scaler.is_enabled():
        gradients(optimizer)[0].masked_fill_(skip, torch.nan)  # which the scaler finds
        scaler.step(optimizer)
    elif host_reads(skip.device):
        if not skip:
            optimizer.step()
    else:
        optimizer.found_inf = skip.float()  # type: ignore[attr-defined]  # a fused step reads it; torch's scaler sets it
        try:
            optimizer.step()
        finally:
            del optimizer.found_inf  # type: ignore[attr-defined]


class Undo:
    """Copies of tensors, to restore them at the end of an update that is skipped.

    The tensors are arguments of each call, always the same ones; the memory of the copies is kept.
    """

    def __init__(self) -> None:
        self._copies: list[Tensor] = []

    @torch.no_grad()
    def save(self, tensors: Sequence[Tensor]) -> None:
        """Copy the tensors."""
        if not self._copies:
            self._copies = [torch.empty_like(tensor) for tensor in tensors]
        torch._foreach_copy_(self._copies, list(tensors))

    @torch.no_grad()
    def restore_if(self, skip: Tensor, tensors: Sequence[Tensor]) -> None:
        """Restore the tensors if `skip`."""
        if host_reads(skip.device):
            if skip:
                torch._foreach_copy_(list(tensors), self._copies)
            return
        for current, saved in zip(_by_dtype(tensors), _by_dtype(self._copies), strict=True):
            chosen = torch.where(skip, torch.cat(saved), torch.cat(current))
            torch._foreach_copy_(current, list(chosen.split([len(values) for values in current])))


def _by_dtype(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The memory of dense tensors as vectors, one list a dtype."""
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        yield [
            tensor.detach().as_strided((tensor.numel(),), (1,)) for tensor in tensors if tensor.dtype == dtype
        ]
