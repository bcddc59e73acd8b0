"""A file is replaced as a whole or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from apexline.atomic_write import atomic_write, check_writable


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_the_file_is_replaced_when_the_block_ends(tmp_path, kind):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_write(kind(path)) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_block_leaves_the_earlier_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail_half_way():
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_earlier_file(tmp_path, monkeypatch, step):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail)
    monkeypatch.setattr("pathlib.Path.replace", fail if step == "replace" else os.replace)
    with pytest.raises(OSError, match="No space left"), atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_the_file_and_then_the_folder_are_synchronized(tmp_path, monkeypatch):
    path = tmp_path / "file"
    synchronized = []

    def record(descriptor):
        synchronized.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))

    monkeypatch.setattr(os, "fsync", record)
    with atomic_write(path) as file:
        file.write(b"new")
    assert synchronized == [(False, False), (True, True)]


def test_a_folder_in_place_of_the_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"), atomic_write(tmp_path / "folder") as file:
        file.write(b"new")
    assert names_in(tmp_path) == ["folder"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "missing" / "file"):
        pass


KILLED_WHILE_WRITING = """
import os, signal, sys
from apexline.atomic_write import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_while_writing(path):
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, path], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for _ in range(2):
        kill_while_writing(path)
    (tmp_path / "file.part").write_bytes(b"mine")
    (tmp_path / "file.2.0123456789ab.part").write_bytes(b"of another file")
    assert len(names_in(tmp_path)) == 4, "the second process removed the file of the first"
    assert path.read_bytes() == b"old"
    with atomic_write(path) as file:
        file.write(b"new")
    assert names_in(tmp_path) == ["file", "file.2.0123456789ab.part", "file.part"]


def test_a_file_that_another_writer_has_open_is_not_removed(tmp_path):
    path = tmp_path / "file"
    with atomic_write(path) as first:
        first.write(b"first")
        with atomic_write(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", ["link", "file", "fifo", "folder"])
def test_an_existing_temporary_file_is_not_opened(tmp_path, monkeypatch, kind):
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"of another user")
    planted = [tmp_path / name for name in ("file.part", "file.000000000000.part", "file.111111111111.part")]
    for name in planted:
        if kind == "link":
            name.symlink_to(victim)
        elif kind == "fifo":
            os.mkfifo(name)
        elif kind == "folder":
            name.mkdir()
        else:
            name.hardlink_to(victim)
    guesses = iter(["000000000000", "111111111111", "222222222222"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(guesses))
    monkeypatch.setattr("apexline.atomic_write._remove_leftovers", lambda _: None)
    for _ in range(2):
        with pytest.raises(FileExistsError), atomic_write(path):
            pass
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert victim.read_bytes() == b"of another user"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_only_files_are_taken_for_leftovers(tmp_path, kind):
    victim, planted = tmp_path / "victim", tmp_path / "file.0123456789ab.part"
    victim.write_bytes(b"of another user")
    make = {
        "link": lambda: planted.symlink_to(victim),
        "fifo": lambda: os.mkfifo(planted),
        "folder": planted.mkdir,
    }
    make[kind]()
    with atomic_write(tmp_path / "file") as file:
        file.write(b"new")
    assert names_in(tmp_path) == ["file", planted.name, "victim"]
    assert victim.read_bytes() == b"of another user"


def test_a_link_is_replaced_not_followed(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"of another user")
    path.symlink_to(victim)
    with atomic_write(path) as file:
        file.write(b"new")
    assert (path.read_bytes(), victim.read_bytes()) == (b"new", b"of another user")


TOO_LARGE = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from apexline.replay import PrioritizedFrameReplay
from apexline.training import TrainConfig
from apexline.training.evaluation.gif import GifWriter
from apexline.training.records import weights_file
from apexline.training.records.json_file import write_json

path = Path(sys.argv[2])
replay = PrioritizedFrameReplay(capacity=100, num_envs=1, frame_shape=(84, 84), action_shape=(1,))
gif = GifWriter(1, 1)
gif.add(np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8))
write = {
    "weights": lambda: weights_file.save(path, {"weight": torch.zeros(100_000)}, TrainConfig(), 1),
    "replay": lambda: replay.save(path),
    "gif": lambda: gif.save(path),
    "json": lambda: write_json(path, list(range(100_000))),
}[sys.argv[1]]
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
try:
    write()
except OSError as error:
    sys.exit(error.errno)
"""


@pytest.mark.parametrize("what", ["weights", "replay", "gif", "json"])
def test_a_file_that_is_too_large_leaves_nothing(tmp_path, what):
    """A limit of the size of files fails as a full disk does, in the middle of a write."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, what, path], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (errno.EFBIG, "")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_whether_a_file_can_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "new")
    assert names_in(tmp_path) == ["file"]
    for name in ("missing/file", "file/below", ".", "x" * 300, "/proc/file"):
        with pytest.raises(OSError, match=r"."):
            check_writable(tmp_path / name)
    assert (tmp_path / "file").read_bytes() == b"old"
