"""Checks that memory does not grow over twenty thousand resets of the native environments.

Takes about 15 seconds; not collected by pytest. Usage:

    .venv/bin/python tests/by_hand/racing_resets.py
    .venv/bin/python tests/by_hand/racing_resets.py --resets 2_000 --num-envs 4

Prints the memory of the process ten times. Raises AssertionError if it grows by more than 16 MB after the first tenth.
"""

import argparse
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode

from apexline.racing import CarRacingVectorEnv

PAGE = 4096
ALLOWED = 16 * 2**20


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resets", type=int, default=20_000)
    parser.add_argument("--num-envs", type=int, default=16)
    options = parser.parse_args()

    env = CarRacingVectorEnv(
        options.num_envs,
        render_mode="rgb_array",
        autoreset_mode=AutoresetMode.SAME_STEP,
        max_episode_frames=3,
        domain_randomize=True,
    )
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    resets, first, next_print = 0, 0, 0
    while resets < options.resets:
        actions = rng.uniform([-1, 0, 0], 1, (options.num_envs, 3)).astype(np.float32)
        *_, truncated, _ = env.step(actions)
        resets += int(truncated.sum())
        if resets >= next_print:
            print(f"{resets:6d} resets  {resident() / 2**20:7.1f} MB")
            next_print += options.resets // 10
            if not first and resets >= options.resets // 10:
                first = resident()
    assert resident() - first < ALLOWED, f"memory grew by {(resident() - first) / 2**20:.1f} MB"


if __name__ == "__main__":
    main()
