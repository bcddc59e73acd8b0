"""Saved replays are complete or refused; an earlier file is never damaged."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from apexline.replay import DamagedFileError, files

from .replays import NOT_WRAPPED, WRAPPED, add_random_step, filled, history, make, state_bytes

SMALL = {
    "capacity": 8,
    "num_envs": 2,
    "frame_shape": (2,),
    "action_shape": (),
    "extras": {"q": ((), np.float16)},
    "frame_stack": 1,
    "n_step": 1,
    "shift": 0,
}


def saved(tmp_path, replay, name="replay"):
    path = tmp_path / name
    replay.save(path)
    return path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def cleared():
    replay = filled()
    replay.clear()
    return replay


@pytest.mark.parametrize(
    "original",
    [
        make,
        lambda: filled(steps=1),
        lambda: filled(steps=NOT_WRAPPED),
        filled,
        lambda: filled(steps=5 * WRAPPED),
        cleared,
    ],
    ids=["new", "one step", "not full", "full", "overwritten", "cleared"],
)
def test_a_loaded_replay_continues_as_the_saved_one(tmp_path, original):
    replay, twin = original(), filled(steps=9, seed=2)
    twin.load(saved(tmp_path, replay))
    assert state_bytes(twin) == state_bytes(replay)
    assert history(twin) == history(replay)


@pytest.mark.parametrize("piece_bytes", [1, 300, 5000])
def test_a_file_of_many_pieces(tmp_path, monkeypatch, piece_bytes):
    monkeypatch.setattr("apexline.replay.state.PIECE_BYTES", piece_bytes)
    replay, twin = filled(), make()
    twin.load(saved(tmp_path, replay))
    assert state_bytes(twin) == state_bytes(replay)


@pytest.mark.parametrize(
    "changes",
    [
        {"extras": {}},
        {"frame_dtype": np.bool_, "extras": {"f": ((), np.bool_), "g": ((2,), np.uint64)}},
        {"frame_shape": (), "frame_dtype": np.float64, "shift": 0},
        {"frame_shape": (3, 6, 7), "frame_dtype": np.int16, "action_shape": (), "action_dtype": np.int64},
        {"frame_stack": 1, "n_step": 7, "action_dtype": np.float16},
    ],
)
def test_every_kind_of_frame_and_field_is_saved(tmp_path, changes):
    replay, twin = filled(**changes), make(**changes)
    twin.load(saved(tmp_path, replay))
    assert history(twin) == history(replay)


def test_paths_may_be_strings(tmp_path):
    replay, twin = filled(), make()
    replay.save(str(tmp_path / "replay"))
    twin.load(str(tmp_path / "replay"))
    assert state_bytes(twin) == state_bytes(replay)


def test_a_replay_made_with_numpy_integers_can_be_saved(tmp_path):
    saved(tmp_path, filled(num_envs=np.int64(3), frame_shape=np.array([5, 4]), frame_stack=np.int64(3)))


def test_saving_changes_nothing(tmp_path):
    replay, twin = filled(), filled()
    path = saved(tmp_path, replay)
    assert names_in(tmp_path) == [path.name]
    assert history(replay) == history(twin)


def test_saving_again_replaces_the_old_file(tmp_path):
    replay = filled()
    saved(tmp_path, replay)
    add_random_step(replay, np.random.default_rng(0))
    path = saved(tmp_path, replay)
    twin = make()
    twin.load(path)
    assert state_bytes(twin) == state_bytes(replay)


def test_saving_works_while_batches_are_prefetched(tmp_path):
    replay, twin = filled(), make()
    with replay.prefetch(30, depth=4) as prefetch:
        next(prefetch)
        twin.load(saved(tmp_path, replay))
        assert state_bytes(twin) == state_bytes(replay)


def test_the_file_contains_no_pickle(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a pickle was read")

    replay, twin = filled(), make()
    path = saved(tmp_path, replay)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(np, "load", refuse)
    twin.load(path)
    assert path.read_bytes().startswith(b"apexline replay")


@pytest.fixture
def small(tmp_path):
    """A file of one or two kilobytes, and a check that loading it fails and changes nothing."""
    path = saved(tmp_path, filled(steps=7, **SMALL))
    replay = filled(steps=3, seed=4, **SMALL)
    before = state_bytes(replay)

    def check_refused(error=DamagedFileError, message=None):
        with pytest.raises(error, match=re.escape(message or str(path))):
            replay.load(path)
        assert state_bytes(replay) == before

    yield path, check_refused
    twin = filled(steps=3, seed=4, **SMALL)
    assert history(replay, rounds=3) == history(twin, rounds=3)


def test_a_file_truncated_anywhere(small):
    path, check_refused = small
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        check_refused()


def test_a_bit_flipped_anywhere(small):
    path, check_refused = small
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(whole):
            for bit in range(8) if place < 200 else [place % 8, (place + 3) % 8]:
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), place)
                check_refused()
            os.pwrite(file.fileno(), bytes([byte]), place)


@pytest.mark.parametrize("more", [b"\0", b"apexline replay", b"x" * 5000])
def test_trailing_bytes(small, more):
    path, check_refused = small
    path.write_bytes(path.read_bytes() + more)
    check_refused(message="trailing data after the end marker")


def test_a_file_twice(small):
    path, check_refused = small
    path.write_bytes(2 * path.read_bytes())
    check_refused(message="trailing data after the end marker")


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\3\4" * 100, b"apexline replaz" + bytes(100)])
def test_a_file_of_something_else(small, content):
    path, check_refused = small
    path.write_bytes(content)
    check_refused()


def test_another_version_is_named(small):
    path, check_refused = small
    whole = path.read_bytes()
    path.write_bytes(whole[:15] + bytes([9]) + whole[16:])
    check_refused(message="file version is 9; expected 2")


def test_a_missing_section(small):
    path, check_refused = small
    sections = list(files.read(path))
    for place in range(len(sections)):
        files.write(path, sections[:place] + sections[place + 1 :])
        check_refused(ValueError)


def test_sections_in_another_order(small):
    path, check_refused = small
    sections = list(files.read(path))
    assert len(sections) > 8
    for place in range(len(sections) - 1):
        if sections_agree(sections[place], sections[place + 1]):
            continue
        swapped = sections.copy()
        swapped[place : place + 2] = swapped[place + 1], swapped[place]
        files.write(path, swapped)
        check_refused(ValueError)


def sections_agree(first, second):
    """Whether two sections are arrays of the same shape and dtype, which are interchangeable."""
    arrays = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    return arrays and (first.shape, first.dtype) == (second.shape, second.dtype)


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        make().load(tmp_path)


def test_a_fifo_in_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "replay")
    program = (
        "import sys, pathlib; from apexline.replay import files; next(files.read(pathlib.Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "replay"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"DamagedFileError: {tmp_path / 'replay'}: not a regular file" in done.stderr


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make().load(tmp_path / "nowhere")


def test_a_replay_of_another_shape(tmp_path):
    path = saved(tmp_path, filled())
    replay = make(frame_stack=2)
    before = state_bytes(replay)
    with pytest.raises(ValueError, match="frame_stack is 3; expected 2") as seen:
        replay.load(path)
    assert f"{path}: invalid replay state: " in str(seen.value)
    assert not isinstance(seen.value, DamagedFileError)
    assert state_bytes(replay) == before


def write_state(path, state):
    """Writes a file of any state with correct checksums."""
    names = ["shape", "seed", "draws", "batches", "stale_updates", "max_priority", "rings"]

    def sections():
        yield {name: state[name] for name in names}
        yield state["priorities"]
        for piece in state["slots"]:
            arrays = {name: value for name, value in piece.items() if isinstance(value, np.ndarray)}
            yield {"env": piece["env"], "begin": piece["begin"], "arrays": list(arrays)}
            yield from arrays.values()

    files.write(path, sections())


def test_write_state_writes_what_save_writes(tmp_path):
    replay = filled()
    write_state(tmp_path / "written out", replay.state_dict())
    assert (tmp_path / "written out").read_bytes() == saved(tmp_path, replay).read_bytes()


def priority_on_an_ineligible_slot(state):
    state["priorities"][np.flatnonzero(state["priorities"] == 0)[0]] = 1


def negative_head(state):
    state["rings"][0] = (-1, *state["rings"][0][1:])


def step_out_of_its_episode(state):
    state["slots"][0]["in_episode"][3] += 1


def missing_slots(state):
    del state["slots"][1]


def swapped_environments(state):
    for piece in state["slots"]:
        piece["env"] = 1 - piece["env"]


def seed_of_too_many_bits(state):
    state["seed"] = 2**64


def no_priorities(state):
    state["priorities"] = state["priorities"][:0]


def words_for_priorities(state):
    state["priorities"] = {"none": True}


def frames_of_text(state):
    piece = state["slots"][0]
    piece["frames"] = np.full(piece["frames"].shape, "a")


@pytest.mark.parametrize(
    "tamper",
    [
        priority_on_an_ineligible_slot,
        negative_head,
        step_out_of_its_episode,
        missing_slots,
        swapped_environments,
        seed_of_too_many_bits,
        no_priorities,
        words_for_priorities,
        frames_of_text,
    ],
)
def test_a_file_of_an_invalid_state(small, tamper):
    path, check_refused = small
    replay = make(**SMALL)
    random = np.random.default_rng(0)
    while replay.stats().evicted < 3:
        add_random_step(replay, random)
    state = replay.state_dict()
    tamper(state)
    write_state(path, state)
    check_refused(ValueError, f"{path}: invalid replay state: ")


def test_an_error_while_saving_leaves_the_earlier_file(tmp_path, monkeypatch):
    replay = filled()
    path = saved(tmp_path, replay)
    before = path.read_bytes()
    whole = list(files.read(path))
    add_random_step(replay, np.random.default_rng(0))

    for count in range(len(whole)):

        def interrupted(count=count):
            yield from whole[:count]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            files.write(path, interrupted())
        assert names_in(tmp_path) == [path.name]
        assert path.read_bytes() == before

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replay.save(path)
    assert names_in(tmp_path) == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/replay", "file/replay", "folder"])
def test_a_path_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"."):
        filled().save(tmp_path / place)
    assert names_in(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"kept"


SAVE_REPEATEDLY = """
import sys
import numpy as np
from apexline import PrioritizedFrameReplay

replay = PrioritizedFrameReplay(capacity=200, num_envs=1, frame_shape=(84, 84), action_shape=(), num_threads=1)
no = np.array([False])
for number in range(10**9):
    replay.add(np.full((1, 84, 84), number % 251, np.uint8), [number], [number], no, no)
    replay.save(sys.argv[1])
    print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill")
def test_a_process_killed_while_saving_leaves_a_complete_file(tmp_path):
    path = tmp_path / "replay"
    random = np.random.default_rng(0)
    options = {"capacity": 200, "num_envs": 1, "frame_shape": (84, 84), "action_shape": ()}
    replay = make(**options, action_dtype=np.float32, extras={}, frame_stack=1, n_step=1, shift=0)
    for _ in range(4):
        command = [sys.executable, "-c", SAVE_REPEATEDLY, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            saves = random.integers(40, 90)
            last = [int(child.stdout.readline()) for _ in range(saves)][-1]
            time.sleep(random.uniform(0, 2e-3))
            child.kill()
            last = max([last, *map(int, child.stdout.read().split())])
        replay.load(path)
        [(head, *_)] = replay.state_dict()["rings"]
        assert head - 1 in (last, last + 1)
        [_, *left] = names_in(tmp_path)
        assert len(left) <= 1, "each process removes what the one before it left"
    replay.save(path)
    assert names_in(tmp_path) == ["replay"]
