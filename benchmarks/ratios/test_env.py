from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ratios.workloads.env import OPTIONS, EnvStep


def test_env_step(benchmark: Any) -> None:
    step = EnvStep()

    benchmark.pedantic(step.run, setup=step.prepare, rounds=100, warmup_rounds=5)

    step.begin()
    for _ in range(5):
        frame, _, terminated, truncated, info = step.run()
        image = step.reference()
    assert frame.dtype == np.uint8
    assert np.array_equal(frame, naive_frame(image))
    assert info["repeats"] == OPTIONS.action_repeat
    assert not terminated
    assert not truncated


def naive_frame(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The stock image (96, 96, 3) cropped, converted to gray and halved to (42, 42)."""
    gray = (image[:84, 6:90] @ np.array([299, 587, 114]) + 500) // 1000
    sums: NDArray[np.int64] = gray.reshape(42, 2, 42, 2).sum(axis=(1, 3))
    return (sums + 2) // 4
