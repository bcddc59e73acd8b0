"""A replay that uses every option, random steps for it, and comparisons of replays."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from apexline import PrioritizedFrameReplay

OPTIONS = {
    "capacity": 90,
    "num_envs": 3,
    "frame_shape": (5, 4),
    "action_shape": (2,),
    "action_dtype": np.float64,
    "extras": {"log_prob": ((), np.float32), "hidden": ((2, 3), np.int16)},
    "frame_stack": 3,
    "n_step": 2,
    "shift": 1,
    "seed": 7,
    "num_threads": 1,
}
WRAPPED = 60
"""Steps after which every ring buffer of `OPTIONS` has wrapped."""
NOT_WRAPPED = 20
"""Steps after which some episodes have ended and nothing was overwritten."""

FINAL_FRAME = 4
"""Flag of a slot without a step."""


def make(**changes: Any) -> PrioritizedFrameReplay:
    return PrioritizedFrameReplay(**{**OPTIONS, **changes})


def add_random_step(replay: PrioritizedFrameReplay, random: np.random.Generator) -> None:
    num_envs = replay.num_envs

    def values(shape, dtype):
        return random.integers(0, 100, (num_envs, *shape)).astype(dtype)

    terminated, truncated = random.random((2, num_envs)) < 0.06
    replay.add(
        values(replay.frame_shape, replay.frame_dtype),
        values(replay.action_shape, replay.action_dtype),
        random.normal(size=num_envs),
        terminated,
        truncated,
        final_frames=values(replay.frame_shape, replay.frame_dtype),
        mask=random.random(num_envs) < 0.95,
        extras={name: values(shape, dtype) for name, (shape, dtype) in replay.extras.items()},
    )


def filled(steps: int = WRAPPED, **changes: Any) -> PrioritizedFrameReplay:
    replay, random = make(**changes), np.random.default_rng(0)
    for _ in range(steps):
        add_random_step(replay, random)
    if len(replay) > 0:
        batch = replay.sample(40)
        replay.update_priorities(batch.indices, random.normal(scale=3, size=40))
        replay.update_priorities([0], [1.0])  # stale once the first step is overwritten
    return replay


def batch_bytes(batch) -> list[bytes]:
    return [array.tobytes() for array in (*batch[:-1], *batch.extras.values())]


def state_bytes(replay: PrioritizedFrameReplay) -> list[str]:
    """All of `state_dict` except the fields of final frames, which have no action; equal lists mean equal replays."""
    state = replay.state_dict()
    for piece in state["slots"]:
        for name, values in piece.items():
            if name.startswith("field"):
                values[piece["flags"] == FINAL_FRAME] = 0
    return list(_flat("", state))


def _flat(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}/{name}", inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _flat(f"{path}/{place}", inner)
    elif isinstance(value, np.ndarray):
        yield f"{path} {value.dtype} {value.shape} {value.tobytes().hex()}"
    else:
        yield f"{path} {value!r}"


def history(replay: PrioritizedFrameReplay, rounds: int = 25) -> list[Any]:
    """The bytes of all later results of adds, samples, updates and a prefetch."""
    random = np.random.default_rng(1)
    for _ in range(8):
        add_random_step(replay, random)
    seen: list[Any] = []
    with replay.prefetch(5, depth=2) as prefetch:
        for _ in range(rounds):
            add_random_step(replay, random)
            for batch in (replay.sample(8), next(prefetch)):
                stale = replay.update_priorities(batch.indices, random.normal(size=len(batch.indices)))
                seen.append((batch_bytes(batch), stale))
    return [*seen, replay.stats(), state_bytes(replay)]
