"""What the agent is made of and how it learns; the defaults are plain, the measured recipe is the preset `cpu`."""

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
    """Networks, losses and optimisers of a DDPG agent; the caller checks the bounds in the annotations."""

    encoder: EncoderName = "small42"
    """Convolutions over the stacked frames. The suffix is the frame size they are meant for. `patch` takes 10x10
    patches that do not overlap, then 3x3 of those: the fastest on a CPU; `nature` is the DQN network (84 pixels),
    `notebook` three 9x9 convolutions with max-pooling (96 pixels)."""
    shared_encoder: bool = True
    """One encoder for both, trained by the critic alone (DrQ-v2), instead of one each."""
    trunk_features: Annotated[int, Gt(0)] | None = 64
    """Width of the Linear-LayerNorm-Tanh bottleneck after the encoder, one per head; None leaves it out."""
    hidden: tuple[Annotated[int, Gt(0)], ...] = (256, 256)
    """Widths of the hidden layers of actor and critic."""
    action_join: Literal["first", "second"] = "first"
    """The critic's hidden layer at which the action enters; Lillicrap et al. 2015 use the second."""
    normalization: Normalization = "layer"
    """`layer`: LayerNorm in hidden layers. `batch`: BatchNorm in the encoder and in the hidden layers that
    do not see the action (Lillicrap et al. 2015)."""
    num_critics: Literal[1, 2] = 2
    """Critics; of two, the smaller value counts (TD3)."""
    target_actor: bool = False
    """Let a slow copy of the actor choose the next action in the Bellman target, not the actor itself."""
    output_init: Annotated[float, Ge(0)] = 3e-3
    """Output weights start uniform in [-output_init, output_init], so that outputs start near zero."""
    actor_lr: LinearSchedule = LinearSchedule(3e-4)
    """Adam's learning rate for the actor, over updates; it starts above 0."""
    critic_lr: LinearSchedule = LinearSchedule(3e-4)
    """Adam's learning rate for the critic and its encoder, over updates; it starts above 0."""
    tau: Annotated[float, Gt(0), Le(1)] = 0.01
    """Share of the online weights that a target network takes in at each update."""
    huber_delta: Annotated[float, Gt(0)] | None = 1.0
    """TD error at which the critic's Huber loss changes from quadratic to linear; None: squared error."""
    flip_augmentation: bool = False
    """Horizontal-flip augmentation: with probability 0.5 a transition's images are flipped left to right and its first
    action (steering) is negated. Evaluation averages the policy over an observation and its mirror image."""
    preactivation_penalty: Annotated[float, Ge(0)] = 1e-3
    """Weight of the mean squared pre-activation in the actor's loss: keeps actions out of saturation."""
    smoothing_sigma: Annotated[float, Ge(0)] = 0.3
    """Standard deviation of the noise on the actor's actions in both losses (TD3's target policy
    smoothing), in units of half of each action's range; 0 switches it off."""
    smoothing_clip: Annotated[float, Ge(0)] = 0.3
    """Largest smoothing noise, in the same units."""
    ema: Annotated[float, Ge(0), Lt(1)] | None = None
    """Decay per update of the weight average (EMA) that evaluation uses; None evaluates the acting networks."""
    precision: PrecisionName = "auto"
    """Arithmetic of the encoders; everything behind them is fp32. fp16 scales the loss. `auto` is bf16, unless
    a run on a CPU measures at its start that fp32 is as fast there."""
    channels_last: bool = True
    """Keep images and convolution weights in NHWC order: faster on GPUs, and for overlapping convolutions on CPUs.
    With patches on a CPU it brings nothing at 42 pixels and slows updates by a tenth or more at 84."""
    cuda_graphs: bool = True
    """Capture the update and the policy in CUDA graphs; eager otherwise. Without effect on the CPU."""

    def __post_init__(self) -> None:
        for name in ("actor_lr", "critic_lr"):
            schedule: LinearSchedule = getattr(self, name)
            if schedule.start <= 0:
                raise ValueError(f"{name}.start is {schedule.start}; expected > 0")
            if schedule.end is not None and schedule.end < 0:
                raise ValueError(f"{name}.end is {schedule.end}; expected >= 0")
