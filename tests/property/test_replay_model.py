import copy
import math
import pickle
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .models import EnvStep, ReplayModel, ReplaySpec, add_to

TD_ERRORS = st.floats(-3, 3) | st.just(0.0)
PICKS = st.lists(st.tuples(st.integers(0, 10**6), TD_ERRORS), min_size=1, max_size=12)


@st.composite
def specs(draw: st.DrawFn) -> ReplaySpec:
    frame_stack, n_step = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    return ReplaySpec(
        num_envs=draw(st.integers(1, 3)),
        slots=frame_stack + n_step + draw(st.integers(0, 10)),
        frame_stack=frame_stack,
        n_step=n_step,
        gamma=draw(st.sampled_from([0.0, 0.5, 0.99, 1.0])),
        alpha=draw(st.sampled_from([0.0, 0.6, 1.0])),
        epsilon=draw(st.sampled_from([0.01, 1.0])),
        seed=draw(st.integers(0, 2**64 - 1)),
        action_dtype=draw(st.sampled_from(["float32", "float64", "int16", "int64"])),
        has_extras=draw(st.booleans()),
    )


def step_kinds(tenths: int) -> st.SearchStrategy[tuple[bool, bool] | None]:
    """(terminated, truncated); None masks the environment. Parameters: tenths of the steps that end or are masked."""
    unusual = st.sampled_from([(True, False), (False, True), (True, True), None])
    return st.integers(0, 9).flatmap(lambda pick: unusual if pick < tenths else st.just((False, False)))


class ReplayMachine(RuleBasedStateMachine):
    """Every frame is a unique number, so that any mix-up of environments, episodes, slots or steps is detected."""

    @initialize(spec=specs())
    def make(self, spec: ReplaySpec) -> None:
        self.spec = spec
        self.replay = spec.build()
        self.model = ReplayModel(spec)
        self.next_number = 1
        self.prefetch: Any = None

    def teardown(self) -> None:
        self.close_prefetch()

    def number(self) -> int:
        self.next_number += 1
        return self.next_number - 1

    def add(self, steps: list[EnvStep | None]) -> None:
        add_to(self.replay, steps)
        self.model.add(steps)

    @rule(data=st.data(), count=st.integers(1, 8), unusual_tenths=st.sampled_from([0, 1, 4]))
    def add_steps(self, data: st.DataObject, count: int, unusual_tenths: int) -> None:
        for _ in range(count):
            kinds = [data.draw(step_kinds(unusual_tenths)) for _ in range(self.spec.num_envs)]
            required = any(truncated for _, truncated in filter(None, kinds))
            given = required or data.draw(st.booleans())
            self.add([kind and self.step(*kind, given) for kind in kinds])

    def step(self, terminated: bool, truncated: bool, final_is_given: bool) -> EnvStep:
        final_number = self.number() if final_is_given and (terminated or truncated) else None
        return EnvStep(self.number(), terminated, truncated, final_number)

    @rule(pairs=PICKS)
    @precondition(lambda self: self.model.start_of_handle)
    def update_any_handles(self, pairs: list[tuple[int, float]]) -> None:
        self.update([*self.model.start_of_handle], pairs)

    @rule(pairs=PICKS)
    @precondition(lambda self: self.model.priority)
    def update_fresh_handles(self, pairs: list[tuple[int, float]]) -> None:
        batch = self.replay.sample(8)
        self.model.check_batch(batch, self.replay.beta)
        self.update(batch.indices.tolist(), pairs)

    def update(self, handles: list[int], pairs: list[tuple[int, float]]) -> None:
        handles = [handles[pick % len(handles)] for pick, _ in pairs]
        td_errors = [td_error for _, td_error in pairs]
        assert self.replay.update_priorities(handles, td_errors) == self.model.update(handles, td_errors)

    @rule(data=st.data())
    def cut_episodes(self, data: st.DataObject) -> None:
        mask = [data.draw(st.booleans()) for _ in range(self.spec.num_envs)]
        self.replay.cut_episodes(None if all(mask) else np.array(mask))
        self.model.cut([env for env, chosen in enumerate(mask) if chosen])

    @rule()
    def clear(self) -> None:
        self.replay.clear()
        self.model.clear()

    @rule(batch_size=st.integers(1, 12), depth=st.integers(1, 3))
    def open_prefetch(self, batch_size: int, depth: int) -> None:
        self.close_prefetch()
        self.prefetch = self.replay.prefetch(batch_size, depth)
        self.sampled_from = deque()

    @rule(beta=st.sampled_from([0.0, 0.4, 1.0]), count=st.integers(1, 5))
    @precondition(lambda self: self.prefetch is not None)
    def take_prefetched(self, beta: float, count: int) -> None:
        self.prefetch.beta = beta
        for _ in range(count):
            if not self.model.priority:
                with pytest.raises(ValueError, match="no transition can be sampled yet"):
                    next(self.prefetch)
                return
            while len(self.sampled_from) <= self.prefetch.depth:
                self.sampled_from.append((beta, self.model.sampling_state()))
            batch = next(self.prefetch)
            self.model.check_batch(batch, *self.sampled_from.popleft())

    @rule()
    @precondition(lambda self: self.prefetch is not None)
    def close_prefetch(self) -> None:
        if getattr(self, "prefetch", None) is not None:
            self.prefetch.close()
            assert next(self.prefetch, None) is None
            self.prefetch = None

    @rule()
    def load_its_own_state(self) -> None:
        """An open prefetch continues."""
        self.replay.load_state_dict(self.replay.state_dict())

    @rule(how=st.sampled_from(["state_dict", "pickle", "deepcopy", "file"]), used_before=st.booleans())
    def go_on_with_a_copy(self, how: str, used_before: bool) -> None:
        self.close_prefetch()
        twin = self.spec.build()
        if used_before:
            for number in range(5):
                add_to(twin, [EnvStep(number)] * self.spec.num_envs)
        if how == "state_dict":
            twin.load_state_dict(self.replay.state_dict())
        elif how == "pickle":
            twin = pickle.loads(pickle.dumps(self.replay))
        elif how == "deepcopy":
            twin = copy.deepcopy(self.replay)
        else:
            with tempfile.TemporaryDirectory() as folder:
                self.replay.save(Path(folder) / "replay")
                twin.load(Path(folder) / "replay")
        if self.model.priority:
            first, second = self.replay.sample(9), twin.sample(9)
            assert first.indices.tolist() == second.indices.tolist()
        self.replay = twin

    @rule(batch_size=st.integers(1, 20), beta=st.sampled_from([0.0, 0.4, 1.0]))
    @precondition(lambda self: self.model.priority)
    def sample(self, batch_size: int, beta: float) -> None:
        self.model.check_batch(self.replay.sample(batch_size, beta), beta)

    @rule()
    @precondition(lambda self: self.model.priority)
    def sample_every_eligible_start(self) -> None:
        """Samples from so many strata that even the smallest priority contains a whole one."""
        priorities = self.model.priority.values()
        batch_size = math.ceil(2.001 * sum(priorities) / min(priorities))
        sampled = self.model.check_batch(self.replay.sample(batch_size), self.replay.beta)
        assert sampled == self.model.priority.keys()

    @rule()
    @precondition(lambda self: not self.model.priority)
    def sample_nothing(self) -> None:
        with pytest.raises(ValueError, match="no transition can be sampled yet"):
            self.replay.sample(1)

    @invariant()
    def equals_the_model(self) -> None:
        self.model.check(self.replay)


TestReplayMachine = ReplayMachine.TestCase


@pytest.mark.parametrize("frame_stack", [1, 3])
@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize("end", [{"terminated": True}, {"truncated": True}], ids=["terminated", "truncated"])
def test_an_episode_may_end_at_every_offset_of_the_ring(frame_stack, n_step, end):
    spec = ReplaySpec(num_envs=1, slots=9, frame_stack=frame_stack, n_step=n_step, alpha=0.0)
    for length in range(1, 2 * spec.slots):
        replay, model = spec.build(), ReplayModel(spec)
        for number in range(3 * spec.slots):
            ends = number % length == length - 1
            step = EnvStep(2 * number, final_number=2 * number + 1, **end) if ends else EnvStep(2 * number)
            add_to(replay, [step])
            model.add([step])
            model.check(replay)
            if model.priority:
                batch = replay.sample(3 * len(model.priority))
                assert model.check_batch(batch, replay.beta) == model.priority.keys()


def test_ring_buffers_wrap_independently():
    spec = ReplaySpec(num_envs=3, slots=7, frame_stack=2, n_step=2, alpha=0.0)
    replay, model = spec.build(), ReplayModel(spec)
    for number in range(60):
        steps = [
            EnvStep(1000 * env + 2 * number) if number % (env + 1) == 0 else None
            for env in range(spec.num_envs)
        ]
        add_to(replay, steps)
        model.add(steps)
        model.check(replay)
    assert model.check_batch(replay.sample(100), replay.beta) == model.priority.keys()
