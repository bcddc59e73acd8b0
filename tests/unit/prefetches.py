"""The expected batches of a prefetch, and replays whose frames are their numbers."""

from collections import deque

import numpy as np

from apexline import PrioritizedFrameReplay

NO = np.array([False])


class SampledAhead:
    """The expected batches of a prefetch, by `sample`: batch j is sampled in the call that returns batch j - depth."""

    def __init__(self, replay, batch_size, depth, beta=None):
        self.beta, self.shift = beta, None
        self._replay, self._batch_size, self._depth = replay, batch_size, depth
        self._sampled = deque()
        self._number_sampled = self._number_returned = 0

    def __next__(self):
        while self._number_sampled <= self._number_returned + self._depth:
            self._sampled.append(self._replay.sample(self._batch_size, self.beta, shift=self.shift))
            self._number_sampled += 1
        self._number_returned += 1
        return self._sampled.popleft()

    def close(self):
        self._sampled.clear()


def numbered(count, **changes):
    """Steps whose frame, action and reward are their number, with equal priorities."""
    options = {"capacity": 8, "num_envs": 1, "frame_shape": (64, 64), "action_shape": (), "alpha": 1.0}
    replay = PrioritizedFrameReplay(
        **{**options, "action_dtype": np.int64, "frame_dtype": np.int32, "epsilon": 1e-9, **changes}
    )
    for number in range(count):
        add_number(replay, number)
    return replay


def add_number(replay, number):
    replay.add(np.full((1, *replay.frame_shape), number, np.int32), [number], [number], NO, NO)
