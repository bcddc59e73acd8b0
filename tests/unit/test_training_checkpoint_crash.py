"""A checkpoint that cannot be completed leaves the run with a whole newest one, and nothing else."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apexline.training.records import checkpoint

from .checkpoints import is_whole, names, replay_files, save, state

CALLS = ("mkdir", "open", "fsync", "link", "rename", "unlink", "rmdir", "scandir", "lstat", "fdopen")
"""Functions of `os` that writing a checkpoint goes through; pathlib and shutil call them too."""

KILLED = """
import json, os, shutil, sys
from pathlib import Path
from tests.unit.checkpoints import save
from apexline.training.records import checkpoint

CALLS, RUN, STEPS, KEEP = sys.argv[1].split(), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def write_and_die_at(call):
    left = call
    def counted(function):
        def call_or_die(*arguments, **options):
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)
            return function(*arguments, **options)
        return call_or_die
    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    save(RUN, STEPS, keep=KEEP)
    os._exit(0)

origin = RUN.with_name("origin")
for call in range(1000):
    shutil.rmtree(RUN)
    shutil.copytree(origin, RUN)
    child = os.fork()
    if child == 0:
        write_and_die_at(call)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    warnings = []
    found = checkpoint.newest(RUN, warn=warnings.append)
    left = sorted(os.listdir(RUN / "checkpoints"))
    save(RUN, STEPS + 10, keep=KEEP)
    after = sorted(os.listdir(RUN / "checkpoints"))
    print(json.dumps([status, found.steps, len(warnings), left, after]))
    if status == 0:
        break
"""


def killed_at_every_call(origin: Path, steps: int, keep: int) -> list[list[Any]]:
    """Exit code, steps found, warnings, names left after the kill and after the next write, for each call of CALLS."""
    run = origin.with_name("run")
    run.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, " ".join(CALLS), run, str(steps), str(keep)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return [
        json.loads(line.replace("'", '"').replace("True", "1").replace("False", "0"))
        for line in done.stdout.splitlines()
    ]


def test_a_kill_at_any_moment_leaves_a_whole_newest_checkpoint(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    for steps in (10, 20):
        save(origin, steps)
    results = killed_at_every_call(origin, 30, keep=2)
    assert len(results) > 40
    found = [steps for _, steps, *_ in results]
    assert found == sorted(found)
    assert {*found} == {20, 30}, "from the rename on it is the new one"
    for status, _, warnings, _, after in results:
        assert warnings == 0
        assert after == ["step-000000000030", "step-000000000040"] or status == 9
        assert len(after) == 2, "what was left is removed by the next write"
    assert results[-1][0] == 0


def test_a_kill_while_a_checkpoint_is_replaced_leaves_one_of_its_step(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    save(origin, 10)
    results = killed_at_every_call(origin, 10, keep=1)
    assert {steps for _, steps, *_ in results} == {10}
    assert ["step-000000000010.old"] in [[n for n in left if "part" not in n] for _, _, _, left, _ in results]
    for _, _, warnings, _, after in results:
        assert warnings == 0
        assert after == ["step-000000000020"]


@pytest.mark.parametrize("name", CALLS)
def test_an_error_of_any_call_leaves_earlier_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The n-th call fails once, for every n, as on a full or failing disk. What fails after the rename is no error."""
    function: Callable[..., object] = getattr(os, name)
    for number in range(100):
        run = tmp_path / f"run{number}"
        run.mkdir()
        for steps in (0, 10):
            save(run, steps)
        calls = 0

        def failing(*arguments: object, number: int = number, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == number + 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing)
            try:
                save(run, 20, keep=2)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017
                assert names(run) == ["step-000000000000", "step-000000000010"]
        found = checkpoint.newest(run, warn=lambda message: pytest.fail(message))
        assert is_whole(found)
        assert found.steps == 20 or calls > number
        if calls <= number:
            break
    assert number > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB, if this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs the permission to mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("needs the permission to mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    run = small_disk / "run"
    run.mkdir()
    save(run, 10)

    def fill(folder: Path) -> None:
        replay_files(20)(folder)
        (folder / "replay" / "large").write_bytes(b"x" * 300_000)

    free = shutil.disk_usage(small_disk).free
    for _ in range(3):
        with pytest.raises(OSError, match="No space left") as caught:
            checkpoint.write(run, 20, state(20), keep=1, write_files=fill)
        assert caught.value.errno == errno.ENOSPC
        assert shutil.disk_usage(small_disk).free == free
        assert names(run) == ["step-000000000010"]
        assert is_whole(checkpoint.newest(run, warn=lambda message: pytest.fail(message)))
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * 300_000)
    with pytest.raises(OSError, match="No space left"):
        save(run, 20)
    assert names(run) == ["step-000000000010"]
    filler.unlink()
    save(run, 20, keep=1)
    assert names(run) == ["step-000000000020"], "when there is room, it is written"


def test_a_read_only_disk_is_an_error_and_can_be_read(small_disk: Path) -> None:
    save(small_disk, 10)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        save(small_disk, 20)
    assert is_whole(checkpoint.newest(small_disk, warn=lambda message: pytest.fail(message)))


def test_files_are_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file and folder is synchronized, then the directory is renamed, then the folder of that name."""
    events: list[str] = []
    synchronize, rename = os.fsync, Path.rename

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        events.append("/".join(path.parts[len(tmp_path.parts) + 1 :][1:]) or path.name)
        synchronize(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        events.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(Path, "rename", renamed)
    save(tmp_path, 10)
    at = events.index("rename")
    assert {*events[:at]} >= {
        "replay/segment-10",
        "replay",
        "state.json",
        "tensors.safetensors",
        "manifest.json",
    }
    assert events.index("manifest.json") > max(
        events.index(name) for name in ("replay", "tensors.safetensors")
    )
    assert events[at - 1].endswith(".part")
    assert events[at + 1 :] == ["checkpoints"]
