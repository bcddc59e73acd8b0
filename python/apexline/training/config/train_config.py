"""The configuration of a run, as frozen dataclasses; bounds are annotations, which `validation` checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from apexline.agent import AgentConfig, LinearSchedule, NoiseConfig
from apexline.racing import Backend, GameOptions, ShapingRules

EPISODE_FRAMES = 1000
"""Game frames after which episodes of training and evaluation are truncated, as those of the stock CarRacing-v3."""


@dataclass(frozen=True)
class BudgetConfig:
    """End of the run: the first limit that is reached; None is no limit."""

    minutes: Annotated[float, Gt(0)] | None = None
    """Wall-clock minutes of training, summed over resumed parts."""
    total_steps: Annotated[int, Gt(0)] | None = None
    """Agent steps of all environments together."""
    total_frames: Annotated[int, Gt(0)] | None = None
    """Game frames (1/50 s each) of all environments together."""
    total_episodes: Annotated[int, Gt(0)] | None = None
    """Training episodes."""


@dataclass(frozen=True)
class ShapingPhase:
    """A phase of the reward-shaping curriculum, until the next one starts."""

    start_step: Annotated[int, Ge(0)] = 0
    """Agent steps before this phase starts; 0 in the first phase."""
    rules: ShapingRules = field(default_factory=ShapingRules)
    """All reward-shaping rules of the phase."""


@dataclass(frozen=True)
class LearningConfig:
    """Amount and start of learning."""

    batch_size: Annotated[int, Gt(0)] = 128
    """Transitions in an update."""
    replay_ratio: Annotated[float, Gt(0)] = 0.5
    """Updates per agent step."""
    learning_starts: Annotated[int, Ge(0)] = 4_000
    """Agent steps with random actions before learning starts; a run that starts from weights uses its policy
    instead."""
    reward_scale: Annotated[float, Gt(0)] = 0.1
    """Factor of rewards before they are stored in the replay."""
    max_skipped_updates: Annotated[int, Gt(0)] = 100
    """Updates in a row that may be skipped because a loss or a gradient is not finite; then training ends."""


@dataclass(frozen=True)
class ReplayConfig:
    """Prioritized replay buffer."""

    capacity: Annotated[int, Gt(0)] = 100_000
    """Buffer size in frames, over all environments."""
    frame_stack: Annotated[int, Gt(0)] = 3
    """Frames in an observation."""
    n_step: Annotated[int, Gt(0)] = 3
    """Steps in a return."""
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99
    """Discount factor per agent step."""
    alpha: Annotated[float, Ge(0), Le(1)] = 0.6
    """Prioritization exponent; 0 is uniform sampling."""
    beta: Annotated[float, Ge(0), Le(1)] = 0.4
    """Exponent of the importance-sampling weights; 1 corrects the bias of the priorities in full."""
    epsilon: Annotated[float, Gt(0)] = 0.01
    """Added to |TD error|, so every transition keeps a non-zero sampling probability."""
    shift: LinearSchedule = LinearSchedule(2)
    """Random-shift augmentation: largest shift of a sample's images in whole pixels, over updates. 2 suits frames of 42
    pixels, 4 suits 84. It may only decrease: shifts help early and later cost positional precision."""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self.shift, name)
            if value is not None and (value < 0 or value != int(value)):
                raise ValueError(f"shift.{name} is {value}; expected whole pixels >= 0")
        if self.shift.end is not None and self.shift.end > self.shift.start:
            raise ValueError(f"shift.end is {self.shift.end}; expected <= shift.start, {self.shift.start}")

    def arguments(self) -> dict[str, Any]:
        """Arguments of PrioritizedFrameReplay, whose `shift` is the largest of the schedule."""
        return vars(self) | {"shift": int(self.shift.start)}


@dataclass(frozen=True)
class MonitorConfig:
    """Metrics, checkpoints and evaluation during training."""

    log_seconds: Annotated[float, Gt(0)] = 10.0
    """Seconds between rows of metrics.csv."""
    log_steps: Annotated[int, Gt(0)] | None = None
    """Agent steps between rows of metrics.csv, instead of `log_seconds`; None: `log_seconds`, in a deterministic run
    1,000 steps."""
    checkpoint_seconds: Annotated[float, Gt(0)] = 120.0
    """Seconds between checkpoints."""
    keep_checkpoints: Annotated[int, Gt(0)] = 3
    """Newest checkpoints that are kept, besides the best weights."""
    eval_steps: Annotated[int, Gt(0)] | None = 10_000
    """Agent steps between evaluations, which run in worker processes; None: no evaluation."""
    eval_episodes: Annotated[int, Gt(0), Le(1_000_000)] = 8
    """Episodes of an evaluation."""
    eval_seed: Annotated[int, Ge(0), Lt(2**62)] = 2_000_000
    """First seed of the evaluations that select the best weights; the following episodes use the next seeds. Keep it
    apart from the seeds of final scores."""
    eval_processes: Annotated[int, Gt(0)] = 1
    """Worker processes of the evaluation."""
    eval_timeout: Annotated[float, Gt(0), Le(1e9)] = 600.0
    """Seconds that such a process may take for the episodes that it plays at a time: 32 with the backend `native`, one
    with `gymnasium`. A process that takes longer or dies is replaced and its episodes are repeated; the second time,
    the evaluation is skipped with a warning."""


@dataclass(frozen=True)
class TrainConfig:
    """The whole configuration of a run."""

    preset: str = "cpu"
    """Defaults of all other options: `cpu` (the measured recipe), `cuda` (the same for a GPU, with frames of 84
    pixels), `notebook` (hyperparameters of the 2019 notebook that this project replaces), or `auto`: `cuda` if torch
    finds a GPU, else `cpu`."""
    seed: Annotated[int, Ge(0), Lt(2**63)] = 0
    """Seed of initial weights, noise, replay and tracks."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Device of the networks."""
    threads: Annotated[int, Gt(0), Le(1024)] | None = None
    """Threads of torch; environments and replay use the remaining processors, at least one. None: on a CPU the fastest
    number is measured at the start, on a GPU 1. Use fewer threads than processors on a machine with other load."""
    deterministic: bool = False
    """Make the run a function of its configuration: with the same versions on the same kind of machine, a run that was
    killed and resumed ends with the same weights, replay and metrics as one that was not. Uses one torch thread, on a
    CPU precision fp32 unless one is given, writes rows of metrics.csv by steps and waits for evaluations. Needs the
    native backend."""
    num_envs: Annotated[int, Gt(0)] = 8
    """Environments that step together."""
    backend: Backend = "native"
    """Environment: `native` (C++, the same game hundreds of times as fast) or `gymnasium` (the stock CarRacing-v3)."""
    worker_processes: bool = True
    """With the backend `gymnasium`: run each environment in a process of its own."""
    worker_timeout: Annotated[float, Gt(0), Le(1e9)] = 60.0
    """Seconds that such a process may take for a step or a reset. One that takes longer or dies is replaced, and its
    episode is truncated."""
    max_worker_restarts: Annotated[int, Ge(0)] = 20
    """Replaced processes of environments, over all of them, after which the next loss ends the run; 0: the first one
    does. A resumed run counts from 0."""
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    game: GameOptions = field(
        default_factory=lambda: GameOptions(channels_first=True, max_episode_frames=EPISODE_FRAMES)
    )
    shaping: tuple[ShapingPhase, ...] = (ShapingPhase(),)
    """Reward shaping of training episodes: phases in the order of their first step. Evaluation is never shaped."""
    learning: LearningConfig = field(default_factory=LearningConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    monitor: MonitorConfig = field(default_factory=MonitorConfig)
