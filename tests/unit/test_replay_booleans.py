"""True as a byte other than 1, as in views of other types and in image masks."""

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay

from . import replays

BYTES = [2, 4, 128, 255]


def as_byte(flags, byte):
    """The same booleans, whose True is stored as `byte`."""
    return (np.asarray(flags, bool) * np.uint8(byte)).view(bool)


def filled(byte, **changes):
    """A replay whose flags and masks had True stored as `byte`."""
    replay, random = replays.make(**changes), np.random.default_rng(0)
    for step in range(replays.WRAPPED):
        frames, finals = random.integers(0, 100, (2, 3, 5, 4)).astype(np.uint8)
        terminated, truncated = (as_byte(random.random(3) < 0.1, byte) for _ in range(2))
        replay.add(
            frames,
            random.normal(size=(3, 2)),
            random.normal(size=3),
            terminated,
            truncated,
            final_frames=finals,
            mask=as_byte(random.random(3) < 0.9, byte),
            extras={"log_prob": random.normal(size=3), "hidden": np.zeros((3, 2, 3), np.int16)},
        )
        if step % 20 == 10:
            replay.cut_episodes(as_byte(random.random(3) < 0.4, byte))
    return replay


@pytest.mark.parametrize("byte", BYTES)
def test_every_byte_of_true_is_the_same_replay(byte, tmp_path):
    expected = replays.history(filled(1))
    assert replays.history(filled(byte)) == expected

    filled(byte).save(tmp_path / "replay.bin")
    loaded = replays.make()
    loaded.load(tmp_path / "replay.bin")
    assert replays.history(loaded) == expected

    restored = replays.make()
    restored.load_state_dict(filled(byte).state_dict())
    assert replays.history(restored) == expected


@pytest.mark.parametrize("byte", BYTES)
def test_a_termination_stays_one_after_saving(byte, tmp_path):
    options = {"capacity": 8, "num_envs": 1, "frame_shape": (1,), "action_shape": ()}
    replay = PrioritizedFrameReplay(**options)
    frame, zero, false = np.zeros((1, 1), np.uint8), np.zeros(1, np.float32), np.zeros(1, bool)
    replay.add(frame, zero, zero, as_byte([True], byte), false)
    assert set(replay.sample(4).discount) == {0}
    replay.save(tmp_path / "replay.bin")
    loaded = PrioritizedFrameReplay(**options)
    loaded.load(tmp_path / "replay.bin")
    assert set(loaded.sample(4).discount) == {0}


@pytest.mark.parametrize("byte", BYTES)
def test_boolean_frames_actions_and_extras_are_stored_as_0_and_1(byte):
    replay = PrioritizedFrameReplay(
        capacity=8,
        num_envs=1,
        frame_shape=(3,),
        frame_dtype=bool,
        action_shape=(2,),
        action_dtype=bool,
        extras={"seen": ((), bool)},
    )
    values = as_byte([[True, False, True]], byte)
    false = np.zeros(1, bool)
    for _ in range(2):
        replay.add(values, values[:, :2], np.zeros(1), false, false, extras={"seen": as_byte([True], byte)})
    batch = replay.sample(1)
    assert batch.obs.view(np.uint8).tolist() == [[[1, 0, 1]]]
    assert batch.action.view(np.uint8).tolist() == [[1, 0]]
    assert batch.extras["seen"].view(np.uint8).tolist() == [1]

    state = replay.state_dict()
    for piece in state["slots"]:
        for name in ("frames", "field 0", "field 1"):
            piece[name] = as_byte(piece[name], byte)
    replay.load_state_dict(state)
    assert set(replay.sample(1).obs.view(np.uint8).ravel().tolist()) == {0, 1}
    assert replay.sample(1).action.view(np.uint8).tolist() == [[1, 0]]
