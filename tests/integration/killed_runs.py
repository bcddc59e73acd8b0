"""A training that is killed at random moments and resumed, in processes of its own.

Run as a program: `python -m tests.integration.killed_runs FOLDER KILLS SEED`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

# Imported once, before the processes are forked: a run imports them when it needs them.
import matplotlib.pyplot  # noqa: F401
import torch
import torch._dynamo
import torch.utils.tensorboard

from apexline.training import PRESETS, TrainConfig, train
from apexline.training.records import checkpoint

STEPS = 1_000
LIFE_SECONDS = (0.1, 1.2)
"""Range of the processor time after which a process is killed: while it starts, trains or saves."""
MOST_STEPS = 40
"""Steps of a process after which it is killed before that time, so that a fast machine does not finish the run."""


def deterministic(*, steps: int, **monitor: object) -> TrainConfig:
    """A deterministic run on two environments whose ring buffers wrap around, which saves all the time."""
    config = PRESETS["cpu"]
    options = {"eval_steps": None, "log_steps": 50, "checkpoint_seconds": 0.01, **monitor}
    return replace(
        config,
        deterministic=True,
        seed=7,
        num_envs=2,
        replay=replace(config.replay, capacity=600),
        learning=replace(config.learning, batch_size=16, learning_starts=40),
        budget=replace(config.budget, minutes=None, total_steps=steps),
        monitor=replace(config.monitor, **options),
    )


def train_in_child(config: TrainConfig, folder: Path) -> int:
    """Start a process that begins or resumes the run; returns its number."""
    child = os.fork()
    if child:
        return child
    try:
        train(config, folder, resume=checkpoint.exists(folder))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait_for(child: int, seconds: float, folder: Path) -> None:
    """Wait until a child has used `seconds` of processor time, has saved MOST_STEPS more steps, or has ended."""
    ticks = seconds * os.sysconf("SC_CLK_TCK")
    most = (checkpoint.newest_steps(folder) or 0) + MOST_STEPS
    while True:
        state, *_, user, system = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()[:13]
        if state == "Z" or int(user) + int(system) >= ticks or (checkpoint.newest_steps(folder) or 0) >= most:
            return
        time.sleep(0.001)


def main(folder: Path, kills: int, seed: int) -> None:
    """Train to the end; the first `kills` processes are killed."""
    torch.set_num_threads(1)
    config, rng = deterministic(steps=STEPS), random.Random(seed)
    killed = 0
    while True:
        child = train_in_child(config, folder)
        if killed < kills:
            wait_for(child, rng.uniform(*LIFE_SECONDS), folder)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "a run that was killed cannot be resumed"
            break
        killed += 1
        saved = checkpoint.newest(folder, warn=print).steps if checkpoint.exists(folder) else None
        print(f"killed {killed}: {saved}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
