"""A file that grows by whole records, on disks that are full and in folders that are deleted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from apexline.training.records.append_file import AppendFile
from tests.disks import fill, mounted

RECORD = b"0123456789" * 100 + b"\n"


def opened(path: Path, records: int = 0, size: int = 0) -> AppendFile:
    file = AppendFile(path, size)
    for _ in range(records):
        file.add(RECORD)
    file.flush()
    return file


def test_records_are_appended_to_a_file_that_is_cut_first(tmp_path: Path) -> None:
    path = tmp_path / "file"
    opened(path).close()
    assert not path.exists(), "it is created with its first record"
    opened(path, records=3).close()
    assert path.read_bytes() == 3 * RECORD
    file = opened(path, size=len(RECORD))
    assert path.read_bytes() == RECORD
    file.add(b"next\n")
    assert (file.size, file.pending) == (len(RECORD), b"next\n")
    file.flush()
    file.sync()
    assert (file.size, file.pending) == (len(RECORD) + 5, b"")
    file.close()
    assert path.read_bytes() == RECORD + b"next\n"


def test_a_file_without_a_size_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"of another run\n")
    opened(path, records=1).close()
    assert path.read_bytes() == RECORD


def test_a_full_disk_holds_whole_records_and_gets_the_others_later(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=64k") as disk:
        path = disk / "file"
        file = opened(path, records=1)
        filler = fill(disk)
        for number in range(2, 7):  # one page of 4096 bytes has room for the next two
            file.add(RECORD)
            with suppress(OSError):
                file.flush()
            assert path.stat().st_size == file.size == len(RECORD) * min(number, 4)
        assert file.pending == 2 * RECORD
        filler.unlink()
        file.flush()
        assert file.pending == b""
        file.close()
        assert path.read_bytes() == 6 * RECORD


def test_a_deleted_file_is_created_again_with_its_records(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    file = opened(path, records=2)
    shutil.rmtree(path.parent)
    file.add(b"next\n")
    with pytest.raises(FileNotFoundError):
        file.flush()
    assert not path.parent.exists()
    path.parent.mkdir()
    file.flush()
    path.unlink()
    file.add(b"last\n")
    file.flush()
    file.close()
    assert path.read_bytes() == 2 * RECORD + b"next\nlast\n"


def test_a_file_that_was_replaced_gets_the_records_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = opened(path, records=2)
    (tmp_path / "other").write_bytes(10 * RECORD)
    (tmp_path / "other").replace(path)
    file.add(b"next\n")
    file.flush()
    assert path.read_bytes() == 2 * RECORD + b"next\n"
    os.truncate(path, len(RECORD))
    file.add(b"last\n")
    file.flush()
    file.close()
    assert path.read_bytes() == RECORD + b"last\n", "no bytes of value 0 where it was cut"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(RECORD)
    path = tmp_path / "file"
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        AppendFile(path, 10)
    file = AppendFile(path)
    file.add(b"next\n")
    with pytest.raises(OSError, match="symbolic link"):
        file.flush()
    assert victim.read_bytes() == RECORD
