"""A replay that is saved and resumed continues exactly as without the stop: same contents, same random stream.

Needs only NumPy. `python examples/save_and_resume.py` compares a run without a stop with one that is stopped half-way.

`save` replaces the file as a whole, so it may be called repeatedly with the same path; `load` executes no code from the
file and refuses a damaged one. `apexline.replay.IncrementalSaver` saves a large replay while it is in use. The state of
environments is not saved; if they start new episodes, call `cut_episodes` after `load`, so that old and new episodes
stay separate.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from apexline import Batch, PrioritizedFrameReplay


def make_replay() -> PrioritizedFrameReplay:
    """An empty replay. `load` requires the same shapes as those of the saved replay; its seed does not matter."""
    return PrioritizedFrameReplay(
        capacity=4_000, num_envs=2, frame_shape=(84, 84), action_shape=(3,), frame_stack=4, n_step=3, shift=4
    )


def run(replay: PrioritizedFrameReplay, begin: int, end: int) -> list[Batch]:
    """Runs steps `begin` to `end` of two environments with one sampled batch per step; returns the batches."""
    batches = []
    for step in range(begin, end):
        rng = np.random.default_rng(step)  # in place of environments whose state is saved as well
        frames, final_frames = rng.integers(0, 255, (2, 2, 84, 84), np.uint8)
        truncated = rng.random(2) < 0.05
        actions, rewards = rng.uniform(-1, 1, (2, 3)), rng.normal(size=2)
        replay.add(frames, actions, rewards, np.zeros(2, bool), truncated, final_frames)
        if step >= 10:
            batch = replay.sample(16)
            replay.update_priorities(batch.indices, batch.reward)  # in place of TD errors
            batches.append(batch)
    return batches


def main(folder: Path, steps: int = 200) -> int:
    """Compares the batches of both runs; returns their number."""
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
        for name in Batch._fields[:-1]:  # without `extras`, of which this replay has none
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    return len(with_stop)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(f"{main(Path(folder))} batches are the same with and without a stop")
