"""Frame stacks for acting."""

from __future__ import annotations

import numpy as np

from apexline.training.acting.frame_stack import FrameStack


def test_the_first_frame_of_an_episode_is_repeated_and_later_ones_are_appended() -> None:
    stack = FrameStack(num_envs=2, depth=3)
    stack.reset(np.array([[1], [10]], np.uint32))
    assert stack.stacks.dtype == np.uint32
    assert stack.stacks[..., 0].tolist() == [[1, 1, 1], [10, 10, 10]]
    memory = stack.stacks
    stack.push(np.array([[2], [20]], np.uint32))
    stack.push(np.array([[3], [30]], np.uint32), begins=np.array([False, True]))
    assert stack.stacks[..., 0].tolist() == [[1, 2, 3], [30, 30, 30]]
    assert stack.stacks is memory
