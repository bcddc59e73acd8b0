"""Configuration of a DDPG agent; bounds are annotations, which `apexline.training` checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from apexline.agent.schedule import LinearSchedule

EncoderName = Literal["patch42", "patch84", "small42", "small84", "nature", "notebook"]
Normalization = Literal["none", "batch", "layer"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class AgentConfig:
    """Networks, losses and optimizers.

    Raises:
        ValueError: a learning rate does not start above 0, or ends below 0.
    """

    encoder: EncoderName = "small42"
    """Convolutions over the stacked frames; a number is the frame size in pixels. `patch42`, `patch84`: non-overlapping
    10x10 patches, then 3x3 (fastest on a CPU). `small42`, `small84`: small overlapping convolutions. `nature`: the DQN
    network (84 pixels). `notebook`: three 9x9 convolutions with max-pooling (96 pixels)."""
    shared_encoder: bool = True
    """Actor and critic share one encoder, trained by the critic's loss only (DrQ-v2); otherwise each has its own."""
    trunk_features: Annotated[int, Gt(0)] | None = 64
    """Width of the bottleneck (Linear, LayerNorm, Tanh) after the encoder, one per head; None: no bottleneck."""
    hidden: tuple[Annotated[int, Gt(0)], ...] = (256, 256)
    """Widths of the hidden layers of actor and critic."""
    action_join: Literal["first", "second"] = "first"
    """Hidden layer of the critic that the action enters; Lillicrap et al. 2015 use the second."""
    normalization: Normalization = "layer"
    """`layer`: LayerNorm in hidden layers. `batch`: BatchNorm in the encoder and in the hidden layers before the action
    enters (Lillicrap et al. 2015)."""
    num_critics: Literal[1, 2] = 2
    """Number of critics; with two, the smaller value is used (TD3)."""
    target_actor: bool = False
    """Use a target network of the actor for the next action in the Bellman target; otherwise the actor itself."""
    output_init: Annotated[float, Ge(0)] = 3e-3
    """Initial output weights are uniform in [-output_init, output_init], so initial outputs are near zero."""
    actor_lr: LinearSchedule = LinearSchedule(3e-4)
    """Learning rate of the actor (Adam) over updates; starts above 0."""
    critic_lr: LinearSchedule = LinearSchedule(3e-4)
    """Learning rate of the critic and its encoder (Adam) over updates; starts above 0."""
    tau: Annotated[float, Gt(0), Le(1)] = 0.01
    """Polyak factor of the target networks: target += tau * (online - target) after each update."""
    huber_delta: Annotated[float, Gt(0)] | None = 1.0
    """TD error at which the critic's Huber loss changes from quadratic to linear; None: squared error."""
    flip_augmentation: bool = False
    """Horizontal-flip augmentation: with probability 0.5 a transition's images are flipped left to right and its first
    action (steering) is negated. Evaluation averages the policy over an observation and its mirror image."""
    preactivation_penalty: Annotated[float, Ge(0)] = 1e-3
    """Weight of the mean squared pre-activation of the actor's output in its loss, against saturated actions."""
    smoothing_sigma: Annotated[float, Ge(0)] = 0.3
    """Standard deviation of the smoothing noise on the actor's actions in both losses (TD3's target policy smoothing),
    in units of half of each action's range; 0: no noise."""
    smoothing_clip: Annotated[float, Ge(0)] = 0.3
    """Largest smoothing noise, in the same units."""
    ema: Annotated[float, Ge(0), Lt(1)] | None = None
    """Decay per update of the weight average (EMA) that evaluation uses; None: evaluation uses the online networks."""
    precision: PrecisionName = "auto"
    """Precision of the encoders; all other layers use fp32. `fp16` uses loss scaling. `auto`: bf16, or on a CPU the
    faster of fp32 and bf16, measured at the start."""
    channels_last: bool = True
    """Memory format NHWC of images and convolution weights: faster on GPUs and for overlapping convolutions on CPUs.
    With patch encoders on a CPU it makes no difference at 42 pixels, and updates at least 10 % slower at 84."""
    cuda_graphs: bool = True
    """Capture the update and the policy in CUDA graphs; otherwise eager. No effect on a CPU."""

    def __post_init__(self) -> None:
        for name in ("actor_lr", "critic_lr"):
            schedule: LinearSchedule = getattr(self, name)
            if schedule.start <= 0:
                raise ValueError(f"{name}.start is {schedule.start}; expected > 0")
            if schedule.end is not None and schedule.end < 0:
                raise ValueError(f"{name}.end is {schedule.end}; expected >= 0")
