"""Why an update was skipped: the first tensors that are not finite, and the options that may help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from apexline.agent import DDPG
from apexline.replay import TensorBatch

SHOWN = 3
"""Tensors that a diagnosis names."""


def diagnose(agent: DDPG, batch: TensorBatch, metrics: Mapping[str, Tensor]) -> str:
    """What is not finite, in the order of its computation, and what to try; waits for the device.

    Args:
        agent: after an update that was skipped, so that its gradients are those of that update.
        batch: the batch of the update.
        metrics: the metrics that it returned.
    """
    values = [*_values(agent, batch, metrics)]
    found = [f"{name} is {value}" for name, value in values][:SHOWN]
    if not found:
        return "a loss or gradient is not finite"
    return f"{', '.join(found)}; expected finite values; try {_advice(agent, values[0][0])}"


def _values(agent: DDPG, batch: TensorBatch, metrics: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Names and values of tensors that are not finite: inputs, weights and moments, losses, gradients."""
    for name in ("reward", "action", "discount", "weights"):
        yield from _not_finite(f"batch.{name}", getattr(batch, name))
    for name, tensor in agent.networks.state_dict().items():
        yield from _not_finite(f"the weight {name}", tensor)
    names: dict[Tensor, str] = {parameter: name for name, parameter in agent.networks.named_parameters()}
    for optimizer in agent.optimizers:
        for parameter, state in optimizer.state.items():
            for key, tensor in state.items():
                yield from _not_finite(f"{key} of {names[parameter]}", tensor)
    for name in ("losses/target_q", "losses/q_values", "losses/critic", "losses/actor"):
        if name in metrics:
            yield from _not_finite(name, metrics[name])
    marked = (
        1 if agent.scaler.is_enabled() else 0
    )  # as the first gradient is NaN in a skipped update with loss scaling
    for optimizer in agent.optimizers:
        for parameter in optimizer.param_groups[0]["params"][marked:]:
            if parameter.grad is not None:
                yield from _not_finite(f"the gradient of {names[parameter]}", parameter.grad, squared=True)


def _not_finite(name: str, tensor: Tensor, *, squared: bool = False) -> Iterator[tuple[str, str]]:
    """`name` and the worst value of `tensor` if one, or the sum of squares if `squared`, is not finite."""
    if not tensor.is_floating_point():
        return
    checked = tensor.square().sum() if squared else tensor
    if not checked.isfinite().all():
        worst = tensor.abs().max()  # NaN if there is one
        yield name, f"{float(worst):g}"


def _advice(agent: DDPG, first: str) -> str:
    """Options that may help if the tensor `first` is the first one."""
    if first.startswith("batch."):
        return "a smaller learning.reward_scale"
    if first.startswith("the weight "):
        return "a policy or checkpoint with finite weights"
    critic, actor = (
        f"agent.{name}_lr (now {float(optimizer.param_groups[0]['lr']):g})"
        for name, optimizer in zip(("critic", "actor"), agent.optimizers, strict=True)
    )
    if first.startswith("the gradient of actor"):
        return f"a lower {actor}"
    if first.startswith("the gradient ") and agent.config.precision != "fp32":
        return f"agent.precision fp32 or a lower {critic}"
    return f"a lower {critic} or {actor}, or a smaller learning.reward_scale"
