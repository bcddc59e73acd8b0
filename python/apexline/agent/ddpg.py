"""The DDPG agent: networks, optimizers, loss scale and random generator."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import Adam
from torch.profiler import record_function

from apexline.agent.config import AgentConfig
from apexline.agent.horizontal_flip import random_horizontal_flip
from apexline.agent.networks import build
from apexline.agent.precision import make_scaler
from apexline.agent.schedule import LinearSchedule
from apexline.agent.skipping import Undo, host_reads
from apexline.agent.updates import Metrics, update_actor, update_critic
from apexline.replay import TensorBatch

RISKY_RATE = 0.01
"""Learning rate above which one step of the critic may change finite values into values that overflow."""


class DDPG:
    """Deep deterministic policy gradient (Lillicrap et al. 2015), with the options of TD3 and DrQ-v2.

    All state, including learning rates and the number of updates, is on `device` and is changed in place, by updates
    and by `load_state_dict`, so that a captured update (`cuda_graph`) remains valid.

    Args:
        config: networks, losses, optimizers.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        action_low, action_high: the environment's bounds, (A,).
        device: where networks and batches live.
        seed: of the initial weights, the smoothing noise and the random flips; torch's global generators are not
            changed.

    Raises:
        ValueError: as `build`.
    """

    def __init__(
        self,
        config: AgentConfig,
        observation_shape: Sequence[int],
        action_low: npt.ArrayLike,
        action_high: npt.ArrayLike,
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.networks = build(config, observation_shape, action_low, action_high).to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.scaler = make_scaler(config.precision, self.device)
        self.updates = torch.zeros((), dtype=torch.int64, device=self.device)

        networks = self.networks
        critic = [*networks.critic_encoder.parameters(), *networks.critic.parameters()]
        actor = [*networks.actor.parameters()]
        if networks.own_actor_encoder is not None:
            actor += networks.own_actor_encoder.parameters()
        self.critic_optimizer = Adam(critic, config.critic_lr.start, fused=True)
        self.actor_optimizer = Adam(actor, config.actor_lr.start, fused=True)
        for optimizer, schedule in self._schedules():
            rate = torch.tensor(schedule.start, dtype=torch.float32, device=self.device)
            optimizer.param_groups[0]["lr"] = rate
        for optimizer in self.optimizers:
            _make_moments(optimizer)
        self._undo = Undo()
        self._was_skipped = False
        """On a CPU: whether the latest update was skipped."""

    @property
    def optimizers(self) -> tuple[Adam, Adam]:
        """The critic's and the actor's optimizer."""
        return self.critic_optimizer, self.actor_optimizer

    def update(self, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        """One gradient step of critic and actor, and one soft update of target networks and weight average.

        The update is skipped if a loss or a gradient of critic or actor is not finite, also if fp16's loss scale is too
        large for it. Weights, moments, running statistics, target networks and weight average are then those of before,
        bit for bit; only the loss scale, the random generator and `updates` have changed.

        There is one exception, on a CPU: if the actor's gradient alone is not finite, the critic keeps its step, whose
        gradient is finite, in the first of several skipped updates. A copy of weights and moments before each update,
        to undo the step, would take some percent of its time; it is made after a skipped update, if the critic's
        learning rate is above RISKY_RATE, and with fp16 or batch normalization.

        Returns:
            TD errors (B,) float32, Q_1(s, a) - y before the step, all NaN if the update was skipped, and metrics as 0-d
            tensors: `losses/critic`, `losses/actor`, `losses/q_values`, `losses/target_q`, `losses/td_error_abs`,
            `charts/action_saturation`, which may not be finite if it was. All stay on the device.
        """
        self._set_learning_rates()
        if self.config.flip_augmentation:
            batch = random_horizontal_flip(batch, self.generator)
        undone = self._undone_if_skipped()
        if undone:
            self._undo.save(undone)
        critic = update_critic(
            self.networks, self.critic_optimizer, self.scaler, batch, self.config, self.generator
        )
        actor = update_actor(
            self.networks,
            self.actor_optimizer,
            self.scaler,
            batch.obs,
            critic.features,
            self.config,
            self.generator,
            critic.skipped,
        )
        self.scaler.update()
        with record_function("update: targets"):
            if host_reads(self.device):
                self._was_skipped = bool(actor.skipped)
            if not self._was_skipped:
                self.networks.update_copies()
            if undone:
                self._undo.restore_if(actor.skipped, undone)
        self.updates += 1
        td_errors = critic.td_errors.masked_fill(actor.skipped, torch.nan)
        return td_errors, critic.metrics | actor.metrics

    def _undone_if_skipped(self) -> list[Tensor]:
        """The tensors that an update changes before it is known whether it is skipped: the actor's loss is that of the
        critic after its step. Empty if they are not copied."""
        if not self._is_undoable():
            return []
        networks, moments = self.networks, self.critic_optimizer.state
        tensors = [tensor for weight, state in moments.items() for tensor in (weight, *state.values())]
        for network in (networks.critic_encoder, networks.critic, networks.own_actor_encoder, networks.actor):
            if network is not None:
                tensors += network.buffers()
        if not host_reads(self.device):
            for copies in (networks.targets, networks.average):
                tensors += [*copies.parameters(), *copies.buffers()]
        return tensors

    def _is_undoable(self) -> bool:
        config = self.config
        rate = max(config.critic_lr.start, config.critic_lr.end or 0.0)
        return (
            not host_reads(self.device)
            or self._was_skipped
            or rate > RISKY_RATE
            or self.scaler.is_enabled()
            or config.normalization == "batch"
        )

    def state_dict(self) -> dict[str, Any]:
        """Complete training state; tensors are references, as in torch."""
        return {
            "networks": self.networks.state_dict(),
            "critic_optimizer": self.critic_optimizer.state_dict(),
            "actor_optimizer": self.actor_optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator": self.generator.get_state(),
            "updates": int(self.updates),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore `state`, made by an agent of the same config and shapes. Values are copied.

        Raises:
            KeyError: a part is missing.
            RuntimeError, ValueError: a part does not fit, as torch reports it.
        """
        self.networks.load_state_dict(state["networks"])
        _load_moments(self.critic_optimizer, state["critic_optimizer"])
        _load_moments(self.actor_optimizer, state["actor_optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["generator"].cpu())
        self.updates.fill_(state["updates"])
        self._was_skipped = False

    def _set_learning_rates(self) -> None:
        for optimizer, schedule in self._schedules():
            optimizer.param_groups[0]["lr"].copy_(schedule.of_tensor(self.updates))

    def _schedules(self) -> Iterator[tuple[Adam, LinearSchedule]]:
        """The optimizers whose learning rate changes."""
        for optimizer, schedule in zip(
            self.optimizers, (self.config.critic_lr, self.config.actor_lr), strict=True
        ):
            if schedule.over is not None:
                yield optimizer, schedule


def _make_moments(optimizer: Adam) -> None:
    """Make the moments and step counts that Adam would make in its first step, so that they exist before it."""
    for parameter in optimizer.param_groups[0]["params"]:
        optimizer.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }


def _load_moments(optimizer: Adam, state: Mapping[str, Any]) -> None:
    """Load Adam's moments and step counts, in place if they exist; its hyperparameters stay those of this config."""
    held = dict(optimizer.state)
    rate = optimizer.param_groups[0]["lr"]
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": copy.deepcopy(state["state"]), "param_groups": groups})
    optimizer.param_groups[0]["lr"] = rate  # torch replaced it by a copy
    for parameter, tensors in held.items():
        loaded = optimizer.state[parameter]
        for name, tensor in tensors.items():
            if name in loaded:
                tensor.copy_(loaded[name])
            else:
                tensor.zero_()
        optimizer.state[parameter] = tensors
