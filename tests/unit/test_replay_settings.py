"""Settings of a replay are readable and cannot be changed by assignment."""

import pickle
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from apexline import Batch, PrioritizedFrameReplay
from apexline.replay import TensorBatch

from .replays import batch_bytes, filled, make

SETTINGS = {
    "capacity": 90,
    "num_envs": 3,
    "frame_shape": (5, 4),
    "action_shape": (2,),
    "frame_dtype": np.dtype(np.int16),
    "action_dtype": np.dtype(np.float64),
    "extras": {"q": ((2,), np.dtype(np.float32))},
    "frame_stack": 3,
    "n_step": 2,
    "gamma": 0.9,
    "alpha": 0.5,
    "beta": 0.3,
    "epsilon": 0.02,
    "shift": 1,
    "seed": 7,
    "num_threads": 1,
}


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize("copied", [lambda replay: replay, lambda replay: pickle.loads(pickle.dumps(replay))])
def test_every_argument_can_be_read(copied):
    replay = copied(PrioritizedFrameReplay(**SETTINGS))
    assert {name: getattr(replay, name) for name in SETTINGS} == SETTINGS


@pytest.mark.parametrize("name", [*(SETTINGS.keys() - {"beta"}), "nbytes", "max_priority", "gama", "n_steps"])
def test_other_attributes_than_beta_cannot_be_set(name):
    replay = make()
    with pytest.raises(AttributeError):
        setattr(replay, name, 1)


def test_extras_cannot_be_changed():
    with pytest.raises(TypeError):
        make().extras["q"] = ((), np.uint8)


def test_beta_is_that_of_the_following_batches():
    replay, twin = filled(), filled()
    replay.beta = np.float32(0.5)
    assert batch_bytes(replay.sample(9)) == batch_bytes(twin.sample(9, 0.5))


@pytest.mark.parametrize(
    ("beta", "error", "message"),
    [
        (1.5, ValueError, "beta is 1.5; expected from 0 to 1"),
        (np.nan, ValueError, "beta is nan; expected from 0 to 1"),
        ("x", TypeError, "beta is 'x'; expected a number"),
    ],
)
def test_a_beta_that_is_refused_changes_nothing(beta, error, message):
    replay = make()
    with raises(error, message):
        replay.beta = beta
    assert replay.beta == 0.4


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"seed": None}, TypeError, "seed is None; expected an integer"),
        ({"seed": -1}, ValueError, "seed is -1; expected from 0 to 2**64 - 1"),
        ({"seed": 2**64}, ValueError, f"seed is {2**64}; expected from 0 to 2**64 - 1"),
        ({"capacity": 1e6}, TypeError, "capacity is 1000000.0; expected an integer"),
        ({"num_threads": "two"}, TypeError, "num_threads is 'two'; expected an integer"),
        ({"gamma": "high"}, TypeError, "gamma is 'high'; expected a number"),
        ({"frame_shape": 84}, TypeError, "frame_shape is 84; expected a sequence of integers"),
        ({"frame_shape": {"a": 3}}, TypeError, "frame_shape is {'a': 3}; expected a sequence of integers"),
        ({"extras": {"q": 3}}, TypeError, "extras['q'] is 3; expected (shape, dtype)"),
        ({"extras": {"q": (3, float)}}, TypeError, "the shape of extras['q'] is 3; expected a sequence"),
        ({"extras": {3: ((), float)}}, TypeError, "extras has the name 3; expected a string"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(changes, error, message):
    with raises(error, message):
        make(**changes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda replay: replay.sample(2.5), "batch_size is 2.5; expected an integer"),
        (lambda replay: replay.sample(2, "high"), "beta is 'high'; expected a number"),
        (lambda replay: replay.sample(2, shift=0.5), "shift is 0.5; expected an integer"),
        (lambda replay: replay.empty_batch("2"), "batch_size is '2'; expected an integer"),
        (lambda replay: replay.prefetch(2, depth=1.0), "depth is 1.0; expected an integer"),
        (lambda replay: replay.prefetch(2, shift=[1]), "shift is [1]; expected an integer"),
    ],
)
def test_an_argument_of_a_call_of_the_wrong_type_is_named(call, message):
    with raises(TypeError, message):
        call(filled())


def test_lists_and_numpy_numbers_are_accepted():
    replay = PrioritizedFrameReplay(
        capacity=np.int32(90),
        num_envs=np.int64(3),
        frame_shape=[5, np.uint8(4)],
        action_shape=[2],
        extras={"q": ([2], "float32")},
        frame_stack=np.uint8(3),
        gamma=np.float32(0.5),
        seed=np.uint64(7),
    )
    assert (replay.capacity, replay.frame_shape, replay.gamma) == (90, (5, 4), 0.5)
    assert replay.extras["q"] == ((2,), np.dtype(np.float32))
    beta: Any = np.float32(1)
    assert filled().sample(np.int64(3), beta).obs.shape == (3, 3, 5, 4)


def test_the_repr_lists_the_settings():
    replay = filled(frame_dtype=np.int16, seed=5)
    assert repr(replay) == (
        f"<PrioritizedFrameReplay of {len(replay)} transitions: capacity=90, num_envs=3, frame_shape=(5, 4), "
        "action_shape=(2,), frame_dtype=int16, action_dtype=float64, extras={'log_prob': ((), float32), "
        "'hidden': ((2, 3), int16)}, frame_stack=3, n_step=2, gamma=0.99, alpha=0.6, beta=0.4, epsilon=0.01, "
        "shift=1, seed=5, num_threads=1>"
    )


@pytest.mark.parametrize("shift", [0, 1, np.int64(1), None])
def test_prefetch_takes_a_shift_as_sample_does(shift):
    replay, twin = filled(), filled()
    with replay.prefetch(9, shift=shift) as batches:
        assert repr(batches) == f"<Prefetch: depth=2, beta=0.4, shift={1 if shift is None else shift}>"
        for _ in range(3):
            assert batch_bytes(next(batches)) == batch_bytes(twin.sample(9, shift=shift))
    assert repr(batches).endswith(", closed>")


def test_a_misspelt_attribute_of_a_prefetch_is_refused():
    with filled().prefetch(9) as batches, pytest.raises(AttributeError):
        batches.beat = 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(("as_torch", "kind"), [(False, Batch), (True, TensorBatch)])
def test_as_torch_chooses_the_type_of_batches(as_torch, kind):
    pytest.importorskip("torch")
    replay = filled()
    assert type(replay.sample(9, as_torch=as_torch)) is kind
    with replay.prefetch(9, as_torch=as_torch) as batches:
        assert type(next(batches)) is kind


def test_only_batches_of_tensors_are_pinned(monkeypatch):
    torch = pytest.importorskip("torch")
    pinned = []

    def empty(nbytes, *, dtype, pin_memory):
        assert (dtype, pin_memory) == (torch.uint8, True)
        pinned.append(nbytes)
        return SimpleNamespace(numpy=lambda: np.empty(nbytes, np.uint8))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", empty)
    replay = filled()
    replay.sample(9)
    with replay.prefetch(9) as batches:
        next(batches)
    assert pinned == []
    replay.sample(9, as_torch=True)
    assert len(pinned) == 1
    with replay.prefetch(9, depth=1, as_torch=True) as batches:
        next(batches)
    assert len(pinned) == 3
