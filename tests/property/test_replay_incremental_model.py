"""Every folder of a series loads to the state that the replay had at its snapshot, whatever happened in between."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apexline import PrioritizedFrameReplay
from apexline.replay import IncrementalSaver, ReplaySnapshot, incremental, segments

from .models import EnvStep, ReplaySpec, add_to


@st.composite
def specs(draw: st.DrawFn) -> ReplaySpec:
    frame_stack, n_step = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return ReplaySpec(
        num_envs=draw(st.integers(1, 3)),
        slots=frame_stack + n_step + draw(st.integers(0, 25)),
        frame_stack=frame_stack,
        n_step=n_step,
        action_dtype=draw(st.sampled_from(["float32", "int16"])),
        has_extras=draw(st.booleans()),
    )


SIZES = [(0, 400, 100), (900, 800, 1), (2_500, 100_000, 600)]
"""SMALL_BYTES, SEGMENT_BYTES and PIECE_BYTES."""


def flat(value: Any) -> Any:
    """A state, comparable by `==`."""
    if isinstance(value, dict):
        return {name: flat(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [flat(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value


class Open(NamedTuple):
    snapshot: ReplaySnapshot
    expected: Any
    replaced: int
    """Times that the contents had been replaced."""


class SeriesMachine(RuleBasedStateMachine):
    """A replay, snapshots of it that are not written yet, and the folders that were written, with their states."""

    @initialize(spec=specs(), sizes=st.sampled_from(SIZES))
    def make(self, spec: ReplaySpec, sizes: tuple[int, int, int]) -> None:
        small, segment, piece = sizes
        self.patches = [
            mock.patch.object(segments, "SMALL_BYTES", small),
            mock.patch.object(incremental, "SEGMENT_BYTES", segment),
            mock.patch.object(segments, "PIECE_BYTES", piece),
        ]
        for patch in self.patches:
            patch.start()
        self.top = Path(tempfile.mkdtemp())
        self.spec = spec
        self.replay = spec.build()
        self.saver = IncrementalSaver(self.replay)
        self.open: list[Open] = []
        self.folders: dict[Path, Any] = {}
        self.count = self.replaced = 0

    def teardown(self) -> None:
        for folder in list(getattr(self, "folders", [])):
            self.check(folder)
        for one in getattr(self, "open", []):
            one.snapshot.close()
        for patch in getattr(self, "patches", []):
            patch.stop()
        if hasattr(self, "top"):
            shutil.rmtree(self.top)

    def number(self) -> int:
        self.count += 1
        return self.count

    def state(self) -> Any:
        return flat(self.replay.state_dict())

    @rule(count=st.integers(1, 30), seed=st.integers(0, 1000))
    def add_random_steps(self, count: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(count):
            while any(self.blocks(one) for one in self.open):
                self.write(self.open.pop(0))
            kinds = random.choice(4, self.spec.num_envs, p=[0.8, 0.06, 0.06, 0.08])
            add_to(self.replay, [self.step(int(kind)) for kind in kinds])

    def step(self, kind: int) -> EnvStep | None:
        if kind == 3:
            return None
        return EnvStep(self.number(), kind == 1, kind == 2, self.number() if kind else None)

    def blocks(self, one: Open) -> bool:
        """Whether a step that ends an episode in every environment may wait for the snapshot."""
        if one.replaced != self.replaced:
            return False
        heads = [ring[0] for ring in self.replay._core.state()["rings"]]
        return any(
            head + 1 - self.spec.slots >= oldest for head, oldest in zip(heads, held(one), strict=True)
        )

    @rule(data=st.data())
    def cut_episodes(self, data: st.DataObject) -> None:
        self.replay.cut_episodes(np.array([data.draw(st.booleans()) for _ in range(self.spec.num_envs)]))

    @rule()
    def clear(self) -> None:
        self.replay.clear()

    @rule(scale=st.floats(0.1, 5))
    @precondition(lambda self: len(self.replay) > 0)
    def sample_and_update(self, scale: float) -> None:
        batch = self.replay.sample(6)
        self.replay.update_priorities(batch.indices, scale * np.arange(6))

    @rule()
    @precondition(lambda self: len(self.open) < 3)
    def take_snapshot(self) -> None:
        self.open.append(Open(self.saver.snapshot(), self.state(), self.replaced))

    @rule(newest_first=st.booleans())
    @precondition(lambda self: self.open)
    def write_all(self, newest_first: bool) -> None:
        while self.open:
            self.write(self.open.pop(-1 if newest_first else 0))

    @rule(cuts=st.booleans(), steps=st.integers(0, 3))
    def save_twice(self, cuts: bool, steps: int) -> None:
        self.take_snapshot()
        self.write(self.open.pop())
        if cuts:
            self.replay.cut_episodes()
        self.add_random_steps(steps, seed=steps)
        self.take_snapshot()
        self.write(self.open.pop())

    def write(self, one: Open) -> None:
        folder = self.top / str(self.number())
        try:
            self.saver.write(one.snapshot, folder)
        except RuntimeError:
            assert one.replaced != self.replaced
        except FileNotFoundError:
            assert self.deleted
        else:
            assert one.replaced == self.replaced
            self.folders[folder] = one.expected
        assert folder.exists() == (folder in self.folders)

    @rule(fails_after=st.integers(0, 6))
    @precondition(lambda self: self.open)
    def write_to_a_full_disk(self, fails_after: int) -> None:
        one, folder = self.open.pop(0), self.top / str(self.number())
        left = iter(range(fails_after))

        def synchronize(_: int) -> None:
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch.object(os, "fsync", synchronize):
            try:
                self.saver.write(one.snapshot, folder)
            except (OSError, RuntimeError):
                assert not folder.exists()
            else:
                self.folders[folder] = one.expected

    @rule()
    @precondition(lambda self: self.open)
    def close_one(self) -> None:
        self.open.pop(0).snapshot.close()

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.folders)
    def load_a_folder(self, pick: int) -> None:
        folder = self.any_folder(pick)
        self.saver.load(folder)
        self.replaced += 1
        assert self.state() == self.folders[folder]

    @rule()
    def load_its_own_state(self) -> None:
        self.replay.load_state_dict(self.replay.state_dict())
        self.replaced += 1

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.folders)
    def rename(self, pick: int) -> None:
        folder = self.any_folder(pick)
        renamed = folder.rename(self.top / f"renamed-{self.number()}")
        self.folders[renamed] = self.folders.pop(folder)

    deleted = False

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.folders)
    def delete(self, pick: int) -> None:
        folder = self.any_folder(pick)
        shutil.rmtree(folder)
        del self.folders[folder]
        self.deleted = True

    def any_folder(self, pick: int) -> Path:
        return list(self.folders)[pick % len(self.folders)]

    def check(self, folder: Path) -> None:
        twin: PrioritizedFrameReplay = self.spec.build()
        IncrementalSaver(twin).load(folder)
        assert flat(twin.state_dict()) == self.folders[folder]

    @invariant()
    def is_consistent(self) -> None:
        self.replay.check()


def held(one: Open) -> list[int]:
    """The first position of each environment that the snapshot has not released."""
    first, last_two, end = one.snapshot._core.bounds()
    oldest = []
    for env, (begin, until) in enumerate(zip(first.tolist(), last_two.tolist(), strict=True)):
        place = end.copy()
        for position in range(begin, until + 1):
            place[env] = position
            if one.snapshot._core.has(place):
                break
        oldest.append(position if position < until else 2**62)
    return oldest


TestSeriesMachine = SeriesMachine.TestCase


@pytest.mark.parametrize("slots", [4, 9])
def test_a_long_series(tmp_path: Path, slots: int) -> None:
    """Hundreds of folders, each made from the one before."""
    with mock.patch.object(segments, "SMALL_BYTES", 900), mock.patch.object(segments, "PIECE_BYTES", 200):
        spec = ReplaySpec(num_envs=2, slots=slots, frame_stack=2, n_step=1)
        replay = spec.build()
        saver = IncrementalSaver(replay)
        for number in range(150):
            add_to(replay, [EnvStep(number), EnvStep(number) if number % 3 else None])
            saver.write(saver.snapshot(), tmp_path / f"{number}.part")
            folder = (tmp_path / f"{number}.part").rename(tmp_path / str(number))
            twin = spec.build()
            IncrementalSaver(twin).load(folder)
            assert flat(twin.state_dict()) == flat(replay.state_dict())
            if number > 1:
                shutil.rmtree(tmp_path / str(number - 2))
        assert len(list(folder.iterdir())) < 12
