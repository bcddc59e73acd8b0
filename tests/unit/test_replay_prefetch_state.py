"""A restored pair of replay and prefetch returns the batches of the pair that was not interrupted."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

import numpy as np
import pytest
import torch

from apexline.replay import IncrementalSaver, PrioritizedFrameReplay, device
from apexline.replay.device import DevicePrefetcher
from apexline.replay.prefetch import Prefetch

from .replays import add_random_step, filled, make, state_bytes
from .test_replay_device import streams as streams

SIZE = 6


def restored(replay: PrioritizedFrameReplay) -> PrioritizedFrameReplay:
    """A copy by way of files."""
    twin, saver = make(seed=99), IncrementalSaver(replay)
    with tempfile.TemporaryDirectory() as folder:
        saver.write(saver.snapshot(), folder)
        IncrementalSaver(twin).load(folder)
    return twin


def go_on(replay: PrioritizedFrameReplay, prefetch: Prefetch[Any], rounds: int = 8) -> list[Any]:
    random, seen = np.random.default_rng(1), []
    for _ in range(rounds):
        add_random_step(replay, random)
        batch = next(prefetch)
        stale = replay.update_priorities(batch.indices, random.normal(size=SIZE))
        arrays = [np.asarray(array) for array in (*batch[:-1], *batch.extras.values())]
        seen.append(([array.tobytes() for array in arrays], stale))
    return [*seen, state_bytes(replay)]


@pytest.mark.parametrize("as_torch", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_restored_prefetch_returns_the_same_batches(as_torch: bool, taken: int) -> None:
    replay = filled()
    with replay.prefetch(SIZE, depth=3, beta=0.7, shift=0, as_torch=as_torch) as prefetch:
        for _ in range(taken):
            next(prefetch)
        state, twin = prefetch.state_dict(), restored(replay)
        assert len(state["batches"]) == (3 if taken else 0)
        kind = torch.Tensor if as_torch else np.ndarray
        assert all(isinstance(batch["obs"], kind) for batch in state["batches"])
        with twin.prefetch(SIZE, depth=3, as_torch=as_torch) as other:
            other.load_state_dict(state)
            assert (other.beta, other.shift) == (0.7, 0)
            assert go_on(twin, other) == go_on(replay, prefetch)


def test_taking_a_state_changes_nothing_and_copies() -> None:
    replay, twin = filled(), filled()
    with replay.prefetch(SIZE) as prefetch, twin.prefetch(SIZE) as other:
        next(prefetch), next(other)
        for _ in range(3):
            state = prefetch.state_dict()
            before = copy.deepcopy(state)
        assert go_on(replay, prefetch) == go_on(twin, other)
        for one, two in zip(state["batches"], before["batches"], strict=True):
            np.testing.assert_equal(one, two)


def test_a_state_can_be_taken_of_a_restored_prefetch() -> None:
    replay = filled()
    with replay.prefetch(SIZE, depth=3) as prefetch:
        next(prefetch)
        twin = restored(replay)
        with twin.prefetch(SIZE, depth=3) as second, twin.prefetch(SIZE, depth=3) as third:
            second.load_state_dict(prefetch.state_dict())
            next(prefetch), next(second)  # the latter has restored batches and one of its own
            third.load_state_dict(second.state_dict())
            assert go_on(replay, prefetch) == go_on(twin, third)


def bad_states() -> dict[str, Any]:
    def batches(change: Any) -> Any:
        return lambda state: change(state["batches"])

    return {
        "no batches": lambda state: state.pop("batches"),
        "no beta": lambda state: state.pop("beta"),
        "a shift in words": lambda state: state.update(shift="far"),
        "too many batches": batches(lambda all: all.extend(all)),
        "no obs": batches(lambda all: all[1].pop("obs")),
        "another size": batches(lambda all: all[1].update(reward=all[1]["reward"][:-1])),
        "another dtype": batches(lambda all: all[0].update(reward=all[0]["reward"].astype(float))),
        "no extras": batches(lambda all: all[0].update(extras={})),
        "values": batches(lambda all: all.__setitem__(0, 7)),
        "nothing": lambda state: state.clear(),
    }


@pytest.mark.parametrize("name", bad_states())
def test_a_state_that_does_not_fit(name: str) -> None:
    replay = filled()
    with replay.prefetch(SIZE) as prefetch, replay.prefetch(SIZE) as other:
        next(prefetch)
        state = prefetch.state_dict()
        bad_states()[name](state)
        with pytest.raises(ValueError, match="invalid prefetch state: "):
            other.load_state_dict(state)
        twin = restored(replay)
        with twin.prefetch(SIZE) as unchanged:
            assert go_on(replay, other) == go_on(twin, unchanged)


def test_a_used_or_closed_prefetch_is_refused() -> None:
    replay = filled()
    prefetch = replay.prefetch(SIZE)
    next(prefetch)
    state = prefetch.state_dict()
    with pytest.raises(ValueError, match="expected a new one"):
        prefetch.load_state_dict(state)
    prefetch.close()
    with pytest.raises(ValueError, match="closed"):
        prefetch.load_state_dict(state)
    with pytest.raises(ValueError, match="closed"):
        prefetch.state_dict()


def errors_of(number: int) -> torch.Tensor:
    return torch.linspace(-2, 2, SIZE) * (number + 1)


def learn(replay: PrioritizedFrameReplay, batches: DevicePrefetcher, rounds: int = 8) -> list[Any]:
    random, seen = np.random.default_rng(1), []
    for number in range(rounds):
        add_random_step(replay, random)
        batch = next(batches)
        batches.update_priorities(errors_of(number))
        seen.append(batch.map(torch.clone))
    batches.flush()
    contents = [[tensor.numpy().tobytes() for tensor in batch.tensors()] for batch in seen]
    return [*contents, batches.stale_updates, state_bytes(replay)]


@pytest.mark.parametrize("updates", [0, 1, 2, 7])
def test_a_restored_device_prefetcher_continues(updates: int) -> None:
    replay = filled()
    with DevicePrefetcher(replay, SIZE, "cpu") as batches:
        for number in range(updates):
            next(batches)
            batches.update_priorities(errors_of(number))
            add_random_step(replay, np.random.default_rng(number))
        state, twin = batches.state_dict(), restored(replay)
        assert len(state["prefetch"]["batches"]) == (3 if updates else 0)
        assert (state["pending"] is None) == (updates == 0)
        with DevicePrefetcher(twin, SIZE, "cpu") as other:
            other.load_state_dict(copy.deepcopy(state))
            assert learn(twin, other) == learn(replay, batches)


def test_a_state_between_a_batch_and_its_td_errors() -> None:
    replay = filled()
    with DevicePrefetcher(replay, SIZE, "cpu") as batches:
        next(batches)
        state, twin = batches.state_dict(), restored(replay)
        with DevicePrefetcher(twin, SIZE, "cpu") as other:
            other.load_state_dict(state)
            for each in (batches, other):
                each.update_priorities(errors_of(4))
            assert learn(twin, other) == learn(replay, batches)


def test_taking_the_state_of_a_device_prefetcher_changes_nothing_and_copies() -> None:
    replay, twin = filled(), filled()
    with DevicePrefetcher(replay, SIZE, "cpu") as batches, DevicePrefetcher(twin, SIZE, "cpu") as other:
        errors = errors_of(0)
        for each in (batches, other):
            next(each)
            each.update_priorities(errors.clone() if each is other else errors)
        state = batches.state_dict()
        before = copy.deepcopy(state)
        assert learn(replay, batches) == learn(twin, other)
        errors.zero_()
        assert torch.equal(state["pending"]["td_errors"], before["pending"]["td_errors"])
        assert torch.equal(state["prefetch"]["batches"][0]["obs"], before["prefetch"]["batches"][0]["obs"])


def test_the_state_with_streams_is_that_without(streams: Any) -> None:
    """On a GPU: batches are copied from host memory again, and TD errors are waited for."""
    on_device = torch.device("cpu")
    replay, twin = filled(), filled()
    with DevicePrefetcher(replay, SIZE, "cpu") as batches, DevicePrefetcher(twin, SIZE, "cpu") as other:
        batches._transfer = device._CopyAhead(on_device)
        for number in range(3):
            for each in (batches, other):
                next(each)
                each.update_priorities(errors_of(number))
            streams.run_a_little()
        state, expected = batches.state_dict(), other.state_dict()
        assert torch.equal(state["pending"]["td_errors"], expected["pending"]["td_errors"])
        resumed = restored(replay)
        with DevicePrefetcher(resumed, SIZE, "cpu") as third:
            third._transfer = device._CopyAhead(on_device)
            third.load_state_dict(state)
            for number in range(6):
                one, two = next(third), next(other)
                streams.run_until(lambda: all(not stream.work for stream in streams.all))
                assert all(torch.equal(*pair) for pair in zip(one.tensors(), two.tensors(), strict=True))
                for each in (third, other):
                    each.update_priorities(errors_of(number))
            for each in (third, other):
                each.flush()
            assert state_bytes(resumed) == state_bytes(twin)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_restored_prefetcher_continues_on_the_gpu() -> None:
    replay = filled()
    with DevicePrefetcher(replay, SIZE, "cuda") as batches:
        for number in range(5):
            next(batches)
            batches.update_priorities(errors_of(number).cuda())
        state, twin = batches.state_dict(), restored(replay)
        with DevicePrefetcher(twin, SIZE, "cuda") as other:
            other.load_state_dict(state)
            for number in range(6):
                one, two = next(batches), next(other)
                assert all(torch.equal(*pair) for pair in zip(one.tensors(), two.tensors(), strict=True))
                for each in (batches, other):
                    each.update_priorities(errors_of(number).cuda())
            for each in (batches, other):
                each.flush()
            assert state_bytes(twin) == state_bytes(replay)


def bad_device_states() -> dict[str, Any]:
    return {
        "no pending": lambda state: state.pop("pending"),
        "no prefetch": lambda state: state.pop("prefetch"),
        "no next": lambda state: state["prefetch"]["batches"].clear(),
        "indices of floats": lambda state: state["pending"].update(indices=torch.zeros(SIZE)),
        "too few errors": lambda state: state["pending"].update(td_errors=torch.zeros(SIZE - 1)),
        "errors in words": lambda state: state["pending"].update(td_errors="none"),
        "stale updates in words": lambda state: state.update(stale_updates="many"),
        "another size": lambda state: state["prefetch"]["batches"][0].update(reward=torch.zeros(2)),
    }


@pytest.mark.parametrize("name", bad_device_states())
def test_a_state_that_does_not_fit_a_device_prefetcher(name: str) -> None:
    replay = filled()
    with DevicePrefetcher(replay, SIZE, "cpu") as batches, DevicePrefetcher(replay, SIZE, "cpu") as other:
        next(batches)
        batches.update_priorities(errors_of(1))
        state = batches.state_dict()
        bad_device_states()[name](state)
        with pytest.raises(ValueError, match="invalid prefetch"):
            other.load_state_dict(state)
        twin = restored(replay)
        with DevicePrefetcher(twin, SIZE, "cpu") as unchanged:
            assert learn(replay, other) == learn(twin, unchanged)


def test_a_used_device_prefetcher_is_refused() -> None:
    replay = filled()
    batches = DevicePrefetcher(replay, SIZE, "cpu")
    next(batches)
    state = batches.state_dict()
    with pytest.raises(ValueError, match="expected a new one"):
        batches.load_state_dict(state)
    batches.close()
    with pytest.raises(ValueError, match="closed"):
        batches.state_dict()
