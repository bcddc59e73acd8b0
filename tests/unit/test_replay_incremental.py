"""Incremental saving: which files are linked, writes during adds, and folders that were renamed or deleted."""

import errno
import os
import shutil
import threading
import time

import numpy as np
import pytest

from apexline.replay import IncrementalSaver, files, incremental, segments

from .replays import WRAPPED, add_random_step, filled, history, make, state_bytes

SMALL = 2_000
LARGE = {"capacity": 300}
"""Room for all steps of a test."""


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    """Sizes for which a few steps are several files of several pieces."""
    monkeypatch.setattr(segments, "SMALL_BYTES", SMALL)
    monkeypatch.setattr(incremental, "SEGMENT_BYTES", 4000)
    monkeypatch.setattr(segments, "PIECE_BYTES", 700)


def loaded(folder, **changes):
    replay = make(**changes)
    IncrementalSaver(replay).load(folder)
    replay.check()
    return replay


def save(saver, folder):
    saver.write(saver.snapshot(), folder)
    return folder


def add(replay, steps, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(steps):
        add_random_step(replay, random)


def head_of(replay):
    return replay._core.state()["rings"][0][0]


def inodes(folder):
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def test_paths_may_be_strings_and_folders_exist(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    (tmp_path / "one").mkdir()
    saver.write(saver.snapshot(), str(tmp_path / "one"))
    saver.load(str(tmp_path / "one"))
    saver.write(saver.snapshot(), tmp_path / "a" / "b")
    assert state_bytes(loaded(tmp_path / "a" / "b")) == state_bytes(replay)


@pytest.mark.parametrize(
    "changes",
    [
        {"extras": {}},
        {"frame_dtype": np.bool_, "extras": {"f": ((), np.bool_), "g": ((2,), np.uint64)}},
        {"frame_shape": (), "frame_dtype": np.float64, "shift": 0},
        {"frame_shape": (3, 6, 7), "frame_dtype": np.int16, "action_shape": (), "action_dtype": np.int64},
    ],
)
def test_every_kind_of_frame_and_field_is_saved(tmp_path, changes):
    replay = filled(**changes)
    save(IncrementalSaver(replay), tmp_path / "one")
    assert history(loaded(tmp_path / "one", **changes)) == history(replay)


def test_new_and_cleared_replays_are_saved(tmp_path):
    replay = make()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "new")
    add(replay, WRAPPED)
    replay.clear()
    save(saver, tmp_path / "cleared")
    assert state_bytes(loaded(tmp_path / "cleared")) == state_bytes(replay)
    assert state_bytes(loaded(tmp_path / "new")) == state_bytes(make())


def test_saving_changes_nothing(tmp_path):
    replay, twin = filled(), filled()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "one")
    with saver.snapshot():
        pass
    assert history(replay) == history(twin)


def test_slots_that_were_written_are_linked(tmp_path):
    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    add(replay, 40)
    first = inodes(save(saver, tmp_path / "0"))
    add(replay, 30)
    second = inodes(save(saver, tmp_path / "1"))
    last = max(name for name in first if name != "index")
    is_small = (tmp_path / "0" / last).stat().st_size < SMALL
    expected = first.keys() - {"index"} - ({last} if is_small else set())
    assert len(expected) >= 2
    assert {name for name in first.keys() & second.keys() if first[name] == second[name]} == expected
    assert second.keys() > first.keys()
    assert all(path.stat().st_nlink == 1 + (path.name in expected) for path in (tmp_path / "1").iterdir())


def test_a_small_segment_is_written_again_with_the_slots_that_follow(tmp_path):
    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    counts = []
    for number in range(30):
        add(replay, 1, seed=number)
        folder = save(saver, tmp_path / str(number))
        counts.append(len(inodes(folder)))
        assert state_bytes(loaded(folder, **LARGE)) == state_bytes(replay)
    written = sum(path.stat().st_size for path in folder.iterdir() if path.name != "index")
    assert max(counts) <= 2 + written / SMALL


def test_overwritten_segments_are_left_out(tmp_path):
    replay = make()
    saver = IncrementalSaver(replay)
    names = set()
    for number in range(12):
        add(replay, 15, seed=number)
        folder = save(saver, tmp_path / str(number))
        names |= inodes(folder).keys()
        assert state_bytes(loaded(folder)) == state_bytes(replay)
    assert len(inodes(folder)) < len(names)
    assert "segment-00000000" not in inodes(folder)


def test_a_loaded_series_continues(tmp_path):
    replay = filled()
    save(IncrementalSaver(replay), tmp_path / "0")
    resumed = make(seed=99)
    saver = IncrementalSaver(resumed)
    saver.load(tmp_path / "0")
    for each in (replay, resumed):
        add(each, 6)
    save(saver, tmp_path / "1")
    first, second = inodes(tmp_path / "0"), inodes(tmp_path / "1")
    assert len([name for name in first.keys() & second.keys() if first[name] == second[name]]) >= 1
    assert state_bytes(loaded(tmp_path / "1")) == state_bytes(replay)


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_files_are_copied_where_links_are_impossible(tmp_path, monkeypatch, error):
    def refuse(*_args, **_options):
        raise OSError(error, "no links")

    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    add(replay, 40)
    save(saver, tmp_path / "0")
    add(replay, 20)
    monkeypatch.setattr(os, "link", refuse)
    save(saver, tmp_path / "1")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "0").iterdir())
    assert state_bytes(loaded(tmp_path / "1", **LARGE)) == state_bytes(replay)


def test_a_folder_is_found_after_it_was_renamed(tmp_path):
    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    add(replay, 40)
    (tmp_path / "x.part").mkdir()
    save(saver, tmp_path / "x.part" / "replay")
    (tmp_path / "x.part").rename(tmp_path / "x")
    add(replay, 20)
    save(saver, tmp_path / "1")
    assert (tmp_path / "1" / "segment-00000000").stat().st_nlink == 2


def test_without_descriptors_of_folders_a_renamed_one_is_written_again(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(segments.Folder, "_KEEPS_OPEN", False)
    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    add(replay, 40)
    save(saver, tmp_path / "0")
    add(replay, 10)
    save(saver, tmp_path / "1")
    assert (tmp_path / "1" / "segment-00000000").stat().st_nlink == 2
    (tmp_path / "0").rename(tmp_path / "2")
    (tmp_path / "1").rename(tmp_path / "3")
    save(saver, tmp_path / "4")
    assert (tmp_path / "4" / "segment-00000000").stat().st_nlink == 1
    assert state_bytes(loaded(tmp_path / "4", **LARGE)) == state_bytes(replay)


@pytest.mark.parametrize("failed", [1, 2, 3])
def test_after_the_last_folders_were_deleted_the_one_before_is_used(tmp_path, failed):
    """A checkpoint that could not be finished is deleted."""
    replay = make(**LARGE)
    saver = IncrementalSaver(replay)
    add(replay, 40)
    save(saver, tmp_path / "0")
    for number in range(1, 1 + failed):
        add(replay, 5, seed=number)
        shutil.rmtree(save(saver, tmp_path / str(number)))
    add(replay, 20)
    save(saver, tmp_path / "last")
    assert (tmp_path / "last" / "segment-00000000").stat().st_ino == inodes(tmp_path / "0")[
        "segment-00000000"
    ]
    assert state_bytes(loaded(tmp_path / "last", **LARGE)) == state_bytes(replay)


def test_after_all_folders_were_deleted_everything_is_written(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "0")
    shutil.rmtree(tmp_path / "0")
    assert state_bytes(loaded(save(saver, tmp_path / "1"))) == state_bytes(replay)


def test_a_folder_deleted_between_snapshot_and_write_is_an_error(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "0")
    snapshot = saver.snapshot()
    shutil.rmtree(tmp_path / "0")
    with pytest.raises(FileNotFoundError, match="no longer exists; expected it for links"):
        saver.write(snapshot, tmp_path / "1")
    assert not (tmp_path / "1").exists()
    assert state_bytes(loaded(save(saver, tmp_path / "2"))) == state_bytes(replay)


@pytest.mark.parametrize("replace", ["load", "load_state_dict"])
def test_replaced_contents_end_a_snapshot_and_the_series(tmp_path, replace):
    replay = filled()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "0")
    snapshot = saver.snapshot()
    if replace == "load":
        filled(steps=9).save(tmp_path / "other")
        replay.load(tmp_path / "other")
    else:
        replay.load_state_dict(filled(steps=9).state_dict())
    with pytest.raises(RuntimeError, match="were replaced"):
        saver.write(snapshot, tmp_path / "1")
    assert not (tmp_path / "1").exists()
    save(saver, tmp_path / "2")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "2").iterdir())
    assert state_bytes(loaded(tmp_path / "2")) == state_bytes(replay)


def test_other_contents_at_the_same_positions_are_written_again(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    save(saver, tmp_path / "0")
    state = replay.state_dict()
    for piece in state["slots"]:
        piece["frames"] ^= 1
    replay.load_state_dict(state)
    save(saver, tmp_path / "1")
    assert state_bytes(loaded(tmp_path / "1")) == state_bytes(replay)


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    saver = IncrementalSaver(filled())
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is not empty; expected a new or empty folder"):
        saver.write(saver.snapshot(), tmp_path)
    assert list(inodes(tmp_path)) == ["file"]


def test_wrong_snapshots_are_refused(tmp_path):
    saver = IncrementalSaver(filled())
    snapshot = saver.snapshot()
    saver.write(snapshot, tmp_path / "0")
    with pytest.raises(ValueError, match="the snapshot is closed"):
        saver.write(snapshot, tmp_path / "1")
    with pytest.raises(ValueError, match="snapshot is of another replay"):
        saver.write(IncrementalSaver(filled()).snapshot(), tmp_path / "1")
    assert list(inodes(tmp_path)) == ["0"]


def test_reprs():
    saver = IncrementalSaver(filled(steps=5))
    assert repr(saver) == "<IncrementalSaver: 0 segments written>"
    assert repr(saver.snapshot()).startswith("<ReplaySnapshot of 1")


def test_a_folder_is_written_while_another_thread_adds(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    random = np.random.default_rng(5)
    expected = []
    for number in range(8):
        snapshot = saver.snapshot()
        expected.append(state_bytes(replay))
        writer = threading.Thread(target=saver.write, args=(snapshot, tmp_path / str(number)))
        writer.start()
        for _ in range(40):  # overwrites all slots of the snapshot
            add_random_step(replay, random)
            replay.update_priorities(replay.sample(5).indices, random.normal(size=5))
        writer.join()
    for number, state in enumerate(expected):
        assert state_bytes(loaded(tmp_path / str(number))) == state


def test_an_add_waits_for_slots_that_are_still_to_be_written(tmp_path, monkeypatch):
    """The writer stops after its second piece until the adding thread had time to damage the rest."""
    monkeypatch.setattr(incremental, "SEGMENT_BYTES", 10**6)
    replay, pieces, proceed = filled(), [], threading.Event()
    saver = IncrementalSaver(replay)
    read = segments.slot_sections

    def slow(core, begin, end):
        pieces.append(begin)
        if len(pieces) == 3:
            proceed.wait(60)
        return list(read(core, begin, end))

    monkeypatch.setattr(segments, "slot_sections", slow)
    snapshot = saver.snapshot()
    expected = state_bytes(replay)
    before = head_of(replay)
    writer = threading.Thread(target=saver.write, args=(snapshot, tmp_path / "0"))
    adder = threading.Thread(target=add, args=(replay, 40))
    writer.start()
    adder.start()
    deadline = time.monotonic() + 60
    while head_of(replay) == before:  # the first pieces are released at once
        assert time.monotonic() < deadline
        time.sleep(0.001)
    adder.join(0.3)  # time enough for adds that do not wait; a slow machine fails no test
    head = head_of(replay)
    assert adder.is_alive()
    proceed.set()
    adder.join()
    writer.join()
    assert head_of(replay) > head
    assert state_bytes(loaded(tmp_path / "0")) == expected


def test_a_lost_snapshot_holds_nothing():
    replay = filled()
    saver = IncrementalSaver(replay)
    snapshot = saver.snapshot()
    del snapshot
    saver.snapshot().close()
    add(replay, 200)  # hangs if it waits


def test_the_index_is_written_last(tmp_path, monkeypatch):
    written = []
    write = files.write

    def note(path, sections):
        written.append(path.name)
        return write(path, sections)

    monkeypatch.setattr(files, "write", note)
    save(IncrementalSaver(filled()), tmp_path / "0")
    assert len(written) > 2
    assert written[-1] == "index"
