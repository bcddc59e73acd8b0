"""A replay that is saved, stopped and resumed goes on as if nothing had happened: same contents, same random stream.

Needs NumPy alone. `python examples/save_and_resume.py` compares a run without a stop with one that is stopped half-way.

`save` writes the file whole or not at all, so it may be called again and again on the same path; `load` runs no code
from the file and refuses one that is damaged. Environments are yours to save; where they begin anew instead, call
`cut_episodes` after `load`, so that episodes stay apart.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from apexline import Batch, PrioritizedFrameReplay


def make_replay() -> PrioritizedFrameReplay:
    """What `load` fills: it must have the shape of the one that was saved; its seed does not matter."""
    return PrioritizedFrameReplay(
        capacity=4_000, num_envs=2, frame_shape=(84, 84), action_shape=(3,), frame_stack=4, n_step=3, shift=4
    )


def run(replay: PrioritizedFrameReplay, begin: int, end: int) -> list[Batch]:
    """Steps `begin` to `end` of two environments, with a batch and new priorities after each; returns the batches."""
    batches = []
    for step in range(begin, end):
        rng = np.random.default_rng(step)  # stands for environments whose state is saved as well
        frames, final_frames = rng.integers(0, 255, (2, 2, 84, 84), np.uint8)
        truncated = rng.random(2) < 0.05
        actions, rewards = rng.uniform(-1, 1, (2, 3)), rng.normal(size=2)
        replay.add(frames, actions, rewards, np.zeros(2, bool), truncated, final_frames)
        if step >= 10:
            batch = replay.sample(16)
            replay.update_priorities(batch.indices, batch.reward)  # stands for TD errors
            batches.append(batch)
    return batches


def main(folder: Path, steps: int = 200) -> int:
    """Returns how many batches were equal in both runs, which is all of them."""
    path = folder / "replay.apexline"
    without_stop = run(make_replay(), 0, steps)

    replay = make_replay()
    with_stop = run(replay, 0, steps // 2)
    replay.save(path)
    del replay  # the process may end here

    resumed = make_replay()
    resumed.load(path)
    with_stop += run(resumed, steps // 2, steps)

    for one, other in zip(without_stop, with_stop, strict=True):
        for name in Batch._fields[:-1]:  # all but `extras`, which this replay has none of
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    return len(with_stop)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(f"{main(Path(folder))} batches are the same with and without a stop")
