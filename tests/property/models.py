"""Naive models of `SumTree` and `PrioritizedFrameReplay`: lists, whole episodes and literal definitions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from apexline import Batch, PrioritizedFrameReplay, SumTree
from apexline.replay import ReplayStats


class ListTree:
    """Priorities in a list. Exact for integers, whose sums are not rounded."""

    def __init__(self, capacity: int) -> None:
        self.leaves = [0.0] * capacity

    def set(self, indices: list[int], priorities: list[float]) -> None:
        for index, priority in zip(indices, priorities, strict=True):
            self.leaves[index] = priority

    def clear(self) -> None:
        self.leaves = [0.0] * len(self.leaves)

    @property
    def positive(self) -> list[float]:
        return [leaf for leaf in self.leaves if leaf > 0]

    def find(self, mass: float) -> int:
        return next(i for i, total in enumerate(accumulate(self.leaves)) if total > mass)


class StratifiedDraws:
    """The masses that `SumTree.sample` uses: one in each of n equal parts of the total, from NumPy's Philox."""

    def __init__(self, seed: int) -> None:
        # NumPy increments the counter before its first block, the tree after it.
        before_zero = np.full(4, 2**64 - 1, np.uint64)
        self._words = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=before_zero)

    def masses(self, n: int, total: float) -> np.ndarray:
        uniform = (self._words.random_raw(n) >> np.uint64(11)) * 2.0**-53
        return (np.arange(n) + uniform) * (total / n)


@dataclass(frozen=True)
class ReplaySpec:
    """Settings of a replay of numbered frames."""

    num_envs: int
    slots: int
    frame_stack: int
    n_step: int
    gamma: float = 0.5
    alpha: float = 1.0
    epsilon: float = 0.01
    seed: int = 0
    action_dtype: str = "float32"
    has_extras: bool = False

    def build(self, num_threads: int = 1) -> PrioritizedFrameReplay:
        return PrioritizedFrameReplay(
            capacity=self.num_envs * self.slots,
            num_envs=self.num_envs,
            frame_shape=(2,),
            action_shape=(2,),
            action_dtype=self.action_dtype,
            extras={"number": ((), np.int64), "halves": ((2, 1), np.float64)} if self.has_extras else None,
            frame_dtype=np.int32,
            frame_stack=self.frame_stack,
            n_step=self.n_step,
            gamma=self.gamma,
            alpha=self.alpha,
            epsilon=self.epsilon,
            seed=self.seed,
            num_threads=num_threads,
        )


@dataclass(frozen=True)
class EnvStep:
    """Step of one environment. Of the environments that end in one `add`, all have a final number or none has."""

    number: int
    terminated: bool = False
    truncated: bool = False
    final_number: int | None = None

    @property
    def ended(self) -> bool:
        return self.terminated or self.truncated


def frame_of(number: int) -> list[int]:
    return [number, -number]


def action_of(number: int) -> list[int]:
    return [number, -number]


def extras_of(number: int) -> dict[str, Any]:
    return {"number": -3 * number, "halves": [[number / 2], [number + 0.5]]}


def reward_of(number: int) -> float:
    return number % 97 - 20.5


def add_to(replay: PrioritizedFrameReplay, steps: list[EnvStep | None]) -> None:
    """Adds one step per environment; None masks the environment, with a row that must not be read."""
    unread = EnvStep(-1, terminated=True)
    rows = [step or unread for step in steps]
    finals = [step.final_number for step in rows]
    replay.add(
        np.array([frame_of(step.number) for step in rows], np.int32),
        np.array([action_of(step.number) for step in rows]),
        np.array([reward_of(step.number) if step is not unread else np.nan for step in rows]),
        np.array([step.terminated for step in rows]),
        np.array([step.truncated for step in rows]),
        None if all(n is None for n in finals) else np.array([frame_of(n or -2) for n in finals], np.int32),
        None if all(steps) else np.array([step is not None for step in steps]),
        {name: np.array([extras_of(step.number)[name] for step in rows]) for name in replay.extras},
    )


@dataclass
class Episode:
    """All steps between two episode ends, never evicted."""

    first_position: int
    """Frames that its environment had stored before."""
    steps: list[EnvStep] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return bool(self.steps) and self.steps[-1].ended

    @property
    def frames(self) -> list[int]:
        numbers = [step.number for step in self.steps]
        if self.ended:
            final = self.steps[-1].final_number
            numbers.append(self.steps[-1].number if final is None else final)
        return numbers

    def stack(self, at: int, frame_stack: int) -> list[int]:
        return [max(0, at - back) for back in reversed(range(frame_stack))]


@dataclass(frozen=True, order=True)
class Start:
    env: int
    position: int


@dataclass(frozen=True)
class Transition:
    obs: list[int]
    action: list[float]
    reward: float
    discount: float
    next_obs: list[int]
    extras: dict[str, Any]


class SamplingState(NamedTuple):
    """The transitions that could be sampled at one moment, and their probabilities."""

    transitions: dict[Start, Transition]
    priority: dict[Start, float]


class ReplayModel:
    def __init__(self, spec: ReplaySpec) -> None:
        self.spec = spec
        self.stored = [0] * spec.num_envs
        self.cleared_at = [0] * spec.num_envs
        self.episodes: list[list[Episode]] = [[] for _ in range(spec.num_envs)]
        self.priority: dict[Start, float] = {}
        self.max_priority = 1.0
        self.start_of_frame: dict[int, Start] = {}
        self.start_of_handle: dict[int, Start] = {}
        self.stale_updates = 0

    def add(self, steps: list[EnvStep | None]) -> None:
        for env, step in enumerate(steps):
            if step is None:
                continue
            episodes = self.episodes[env]
            if not episodes or episodes[-1].ended:
                episodes.append(Episode(first_position=self.stored[env]))
            episodes[-1].steps.append(step)
            self.start_of_frame[step.number] = Start(env, self.stored[env])
            self.stored[env] += 2 if step.ended else 1
        eligible = self.transitions()
        self.priority = {start: self.priority.get(start, self.max_priority) for start in eligible}

    def update(self, handles: list[int], td_errors: list[float]) -> int:
        """Returns the number of stale updates."""
        stale = 0
        for handle, td_error in zip(handles, td_errors, strict=True):
            start = self.start_of_handle[handle]
            if start in self.priority:
                self.priority[start] = (abs(td_error) + self.spec.epsilon) ** self.spec.alpha
                self.max_priority = max(self.max_priority, self.priority[start])
            else:
                stale += 1
        self.stale_updates += stale
        return stale

    def cut(self, envs: list[int]) -> None:
        """The last frame of a running episode becomes its final frame; its action is dropped."""
        for env in envs:
            episodes = self.episodes[env]
            if not episodes or episodes[-1].ended:
                continue
            last = episodes[-1].steps.pop()
            if episodes[-1].steps:
                before = episodes[-1].steps[-1]
                episodes[-1].steps[-1] = replace(before, truncated=True, final_number=last.number)
            else:
                episodes.pop()
        eligible = self.transitions()
        self.priority = {start: self.priority.get(start, self.max_priority) for start in eligible}

    def clear(self) -> None:
        self.cleared_at = list(self.stored)
        self.episodes = [[] for _ in self.episodes]
        self.priority = {}
        self.max_priority = 1.0
        self.stale_updates = 0

    def sampling_state(self) -> SamplingState:
        return SamplingState(self.transitions(), dict(self.priority))

    def stats(self) -> ReplayStats:
        evicted = sum(
            episode.first_position + at < self.stored[env] - self.spec.slots
            for env, episodes in enumerate(self.episodes)
            for episode in episodes
            for at in range(len(episode.steps))
        )
        priorities = np.array([*self.priority.values()])
        effective = priorities.sum() ** 2 / (priorities**2).sum() if self.priority else 0.0
        ended = sum(episode.ended for episodes in self.episodes for episode in episodes)
        return ReplayStats(
            len(self.priority), ended, evicted, self.stale_updates, self.max_priority, effective
        )

    def transitions(self) -> dict[Start, Transition]:
        """Every eligible start with its expected sample, by definition."""
        return {
            Start(env, episode.first_position + at): self._transition(episode, at)
            for env, episodes in enumerate(self.episodes)
            for episode in episodes
            for at in range(len(episode.steps))
            if self._stack_is_stored(env, episode, at) and self._window_is_known(episode, at)
        }

    def slots(self) -> np.ndarray:
        """The priority of every slot, environment by environment."""
        priorities = np.zeros((self.spec.num_envs, self.spec.slots))
        for start, priority in self.priority.items():
            priorities[start.env, start.position % self.spec.slots] = priority
        return priorities.ravel()

    def check(self, replay: PrioritizedFrameReplay) -> None:
        np.testing.assert_allclose(replay.priorities, self.slots(), rtol=1e-15)
        assert len(replay) == len(self.priority)
        assert replay.max_priority == self.max_priority
        *counters, effective = replay.stats()
        *expected, expected_effective = self.stats()
        assert counters == expected
        np.testing.assert_allclose(effective, expected_effective, rtol=1e-12)
        replay.check()

    def check_batch(self, batch: Batch, beta: float, sampled_from: SamplingState | None = None) -> set[Start]:
        """Compares every field of every row; returns the sampled starts."""
        transitions, priority = sampled_from or self.sampling_state()
        starts = [self.start_of_frame[number] for number in batch.obs[:, -1, 0].tolist()]
        rows = [transitions[start] for start in starts]
        assert len(batch.extras) == (2 if self.spec.has_extras else 0)
        for name, values in batch.extras.items():
            np.testing.assert_array_equal(values, [row.extras[name] for row in rows])
        np.testing.assert_array_equal(batch.obs, [[frame_of(n) for n in row.obs] for row in rows])
        np.testing.assert_array_equal(batch.next_obs, [[frame_of(n) for n in row.next_obs] for row in rows])
        np.testing.assert_array_equal(batch.action, [row.action for row in rows])
        np.testing.assert_allclose(batch.reward, [row.reward for row in rows], rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(batch.discount, [row.discount for row in rows], rtol=1e-6)

        probability = np.array([priority[start] for start in starts]) / sum(priority.values())
        weights = (len(priority) * probability) ** -beta
        np.testing.assert_allclose(batch.weights, weights / weights.max(), rtol=1e-6)

        for handle, start in zip(batch.indices.tolist(), starts, strict=True):
            assert self.start_of_handle.setdefault(handle, start) == start
        assert len(set(self.start_of_handle.values())) == len(self.start_of_handle)
        return set(starts)

    def _stack_is_stored(self, env: int, episode: Episode, at: int) -> bool:
        oldest_stored = max(self.stored[env] - self.spec.slots, self.cleared_at[env])
        return episode.first_position + episode.stack(at, self.spec.frame_stack)[0] >= oldest_stored

    def _window_is_known(self, episode: Episode, at: int) -> bool:
        return episode.ended or at + self.spec.n_step < len(episode.frames)

    def _transition(self, episode: Episode, at: int) -> Transition:
        window = episode.steps[at : at + self.spec.n_step]
        frames, depth = episode.frames, self.spec.frame_stack
        return Transition(
            obs=[frames[i] for i in episode.stack(at, depth)],
            action=action_of(episode.steps[at].number),
            reward=sum(self.spec.gamma**i * reward_of(step.number) for i, step in enumerate(window)),
            discount=0.0 if window[-1].terminated else self.spec.gamma ** len(window),
            next_obs=[frames[i] for i in episode.stack(at + len(window), depth)],
            extras=extras_of(episode.steps[at].number),
        )


class SummedArray:
    """Priorities of any size. Eight neighbours are summed in the tree's order, so that totals are bit-identical."""

    def __init__(self, capacity: int, seed: int) -> None:
        self.leaves = np.zeros(capacity)
        self._draws = StratifiedDraws(seed)

    @property
    def total(self) -> float:
        sums = self.leaves
        while len(sums) > 1:
            sums = np.pad(sums, (0, -len(sums) % 8)).reshape(-1, 8)
            for _ in range(3):
                sums = sums[:, 0::2] + sums[:, 1::2]
            sums = sums[:, 0]
        return float(sums[0])

    def check(self, tree: SumTree, batch_size: int) -> None:
        total = self.total
        np.testing.assert_array_equal(tree[np.arange(len(tree))], self.leaves)
        assert tree.total.hex() == total.hex()
        positive = self.leaves[self.leaves > 0]
        if len(positive) == 0:
            return
        assert (tree.min(), tree.max()) == (positive.min(), positive.max())
        masses = self._draws.masses(batch_size, total)
        self._check_sampled(tree.sample(batch_size), masses, total)
        masses = np.array([0.0, total / 3, np.nextafter(total, 0)])
        self._check_sampled(np.array([tree.find(mass) for mass in masses]), masses, total)

    def _check_sampled(self, sampled: np.ndarray, masses: np.ndarray, total: float) -> None:
        """Each index is the leaf that contains the mass, up to the rounding of the sums."""
        assert (self.leaves[sampled] > 0).all()
        ends = np.cumsum(self.leaves)
        rounded_by = total * 1e-16 * (len(self.leaves) + 8)
        assert (masses <= ends[sampled] + rounded_by).all()
        assert (masses >= ends[sampled] - self.leaves[sampled] - rounded_by).all()
