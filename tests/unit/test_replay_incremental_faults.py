"""Full disks, limits of file sizes, kills and forks during an incremental write: earlier folders stay whole."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from apexline.replay import DamagedFileError, IncrementalSaver, files, incremental, segments
from tests.disks import fill, mounted

from .replays import add_random_step, filled, make, state_bytes


def loaded(folder):
    replay = make()
    IncrementalSaver(replay).load(folder)
    return replay


def add(replay, steps):
    random = np.random.default_rng(9)
    for _ in range(steps):
        add_random_step(replay, random)


def test_a_full_disk_leaves_earlier_folders_whole_and_releases_the_slots(tmp_path):
    with mounted(tmp_path / "disk", "size=128k") as disk:
        replay = filled()
        saver = IncrementalSaver(replay)
        saver.write(saver.snapshot(), disk / "0")
        expected = state_bytes(replay)
        filler = fill(disk)
        for _ in range(2):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                saver.write(saver.snapshot(), disk / "1")
            assert not (disk / "1").exists()
            add(replay, 40)  # hangs if slots are still held
        assert state_bytes(loaded(disk / "0")) == expected
        filler.unlink()
        saver.write(saver.snapshot(), disk / "1")
        assert state_bytes(loaded(disk / "1")) == state_bytes(replay)


@pytest.mark.parametrize("fails_at", range(8))
def test_an_error_at_any_file_leaves_nothing(tmp_path, monkeypatch, fails_at):
    monkeypatch.setattr(incremental, "SEGMENT_BYTES", 2500)
    replay = filled()
    saver = IncrementalSaver(replay)
    write, calls = files.write, []

    def failing(path, sections):
        calls.append(path)
        if len(calls) > fails_at:
            raise OSError(errno.EIO, "Input/output error")
        return write(path, sections)

    monkeypatch.setattr(files, "write", failing)
    (tmp_path / "existing").mkdir()
    try:
        saver.write(saver.snapshot(), tmp_path / "existing")
    except OSError as error:
        assert error.errno == errno.EIO  # noqa: PT017 - the last case has fewer files
        assert list((tmp_path / "existing").iterdir()) == []
    add(replay, 40)  # hangs if slots are still held
    monkeypatch.setattr(files, "write", write)
    saver.write(saver.snapshot(), tmp_path / "1")
    assert state_bytes(loaded(tmp_path / "1")) == state_bytes(replay)


PROGRAM = """
import os, resource, signal, sys
from apexline.replay import IncrementalSaver, incremental
from tests.unit.replays import filled
incremental.SEGMENT_BYTES = 2500
replay = filled()
saver = IncrementalSaver(replay)
saver.write(saver.snapshot(), sys.argv[1] + "/0")
"""

LIMITED = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    saver.write(saver.snapshot(), sys.argv[1] + "/1")
except OSError as error:
    print(error.strerror, os.listdir(sys.argv[1]))
"""

KILLED = """
calls, synchronize = 0, os.fsync
def fsync(descriptor):
    global calls
    calls += 1
    if calls > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    synchronize(descriptor)
saver = IncrementalSaver(replay)  # a new series
os.fsync = fsync
saver.write(saver.snapshot(), sys.argv[1] + "/1")
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_a_limit_of_file_sizes(tmp_path):
    ended = run(LIMITED, tmp_path)
    assert ended.stdout == f"{os.strerror(errno.EFBIG)} ['0']\n", ended.stderr
    assert state_bytes(loaded(tmp_path / "0")) == state_bytes(filled())


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_a_kill_in_the_middle_of_a_write(tmp_path, calls):
    ended = run(KILLED, tmp_path, calls)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (tmp_path / "1").exists()
    with pytest.raises(DamagedFileError, match=re.escape(f"{tmp_path / '1' / 'index'}: missing")):
        loaded(tmp_path / "1")
    replay = loaded(tmp_path / "0")
    assert state_bytes(replay) == state_bytes(filled())
    saver = IncrementalSaver(replay)
    saver.load(tmp_path / "0")
    add(replay, 5)
    saver.write(saver.snapshot(), tmp_path / "2")
    assert state_bytes(loaded(tmp_path / "2")) == state_bytes(replay)


def child(body):
    """Exit status of a forked child that runs `body`; an alarm ends one that hangs."""
    process = os.fork()
    if process == 0:
        signal.alarm(20)
        try:
            body()
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_neither_waits_for_a_snapshot_nor_writes_it(tmp_path):
    replay = filled()
    saver = IncrementalSaver(replay)
    snapshot = saver.snapshot()
    expected = state_bytes(replay)

    def use():
        nonlocal snapshot
        add(replay, 100)
        with pytest.raises(RuntimeError, match="taken in another process"):
            saver.write(snapshot, tmp_path / "child")
        snapshot.close()
        del snapshot
        saver.write(saver.snapshot(), tmp_path / "child")
        assert state_bytes(loaded(tmp_path / "child")) == state_bytes(replay)

    assert child(use) == 0
    saver.write(snapshot, tmp_path / "0")
    assert state_bytes(loaded(tmp_path / "0")) == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_that_is_forked_while_a_snapshot_is_read_can_drop_it(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "PIECE_BYTES", 300)
    replay = filled(capacity=30_000, steps=4000)
    saver = IncrementalSaver(replay)
    snapshot = saver.snapshot()
    writer = threading.Thread(target=saver.write, args=(snapshot, tmp_path / "0"))
    writer.start()
    time.sleep(0.01)

    def drop():
        nonlocal snapshot
        snapshot.close()
        del snapshot

    assert [child(drop) for _ in range(5)] == [0] * 5
    writer.join()
