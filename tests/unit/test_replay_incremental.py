"""Each folder of a series loads to the state of its snapshot; only new slots are written."""

import numpy as np
import pytest

from apexline.replay import DamagedFileError, IncrementalSaver, segments

from .replays import add_random_step, filled, history, make, state_bytes


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    """Sizes for which a few steps are several files of several pieces."""
    monkeypatch.setattr(segments, "SMALL_BYTES", 2000)
    monkeypatch.setattr("apexline.replay.incremental.SEGMENT_BYTES", 4000)
    monkeypatch.setattr(segments, "PIECE_BYTES", 700)


def loaded(folder, **changes):
    replay = make(**changes)
    IncrementalSaver(replay).load(folder)
    replay.check()
    return replay


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_folder_of_a_series_has_the_state_of_its_snapshot(tmp_path):
    replay, random = make(), np.random.default_rng(0)
    saver = IncrementalSaver(replay)
    expected = []
    for number in range(25):
        for _ in range(number % 5 * 3):
            add_random_step(replay, random)
        if number % 4 == 1:
            replay.cut_episodes(random.random(3) < 0.6)
        if number in (9, 17):
            replay.clear()
        if len(replay):
            replay.update_priorities(replay.sample(9).indices, random.normal(size=9))
        saver.write(saver.snapshot(), tmp_path / str(number))
        expected.append(state_bytes(replay))
    for number, state in enumerate(expected):
        assert state_bytes(loaded(tmp_path / str(number))) == state


def test_a_loaded_replay_continues_as_the_saved_one(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    saver.write(saver.snapshot(), tmp_path / "one")
    assert history(loaded(tmp_path / "one")) == history(replay)


def test_a_missing_segment_is_named(tmp_path):
    saver = IncrementalSaver(filled())
    saver.write(saver.snapshot(), tmp_path / "one")
    missing = next(path for path in (tmp_path / "one").iterdir() if path.name != "index")
    missing.unlink()
    with pytest.raises(DamagedFileError, match=f"{missing}: missing"):
        loaded(tmp_path / "one")
