"""Checkpoints: atomic writes, and damaged files are refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from apexline.training import InputError
from apexline.training.records import checkpoint

PARTS = {"weights": torch.arange(1000.0), "count": 7, "rng": {"state": 2**120 + 1}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, PARTS)
    return path


def test_what_is_saved_is_loaded(saved: Path) -> None:
    parts = checkpoint.load(saved)
    assert torch.equal(parts["weights"], PARTS["weights"])
    assert parts["count"] == 7
    assert parts["rng"] == PARTS["rng"]
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(saved: Path, keep: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(InputError, match=r"checkpoint\.pt: truncated or not a checkpoint"):
        checkpoint.load(saved)


def test_a_flipped_bit_in_the_weights_is_refused(saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    place = whole.index(torch.arange(1000.0).numpy().tobytes()[:400]) + 321
    whole[place] ^= 0x10
    saved.write_bytes(whole)
    with pytest.raises(InputError, match="truncated or not a checkpoint"):
        checkpoint.load(saved)


def test_another_version_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.pt"
    monkeypatch.setattr("apexline.training.records.old_checkpoint.VERSION", 0)
    checkpoint.save(path, PARTS)
    monkeypatch.undo()
    with pytest.raises(
        InputError, match=r"old\.pt: version is 0; expected 2 \(the file is from another version"
    ):
        checkpoint.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    torch.save({"weights": torch.zeros(1)}, other)
    with pytest.raises(InputError, match="not an apexline checkpoint"):
        checkpoint.load(other)
    text = tmp_path / "text.pt"
    text.write_text("root:x:0:0")
    with pytest.raises(InputError, match="not a checkpoint"):
        checkpoint.load(text)
    with pytest.raises(InputError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "missing.pt")


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "trap.pt"
    torch.save({"format": checkpoint.FORMAT, "version": checkpoint.VERSION, "x": Trap()}, path)
    with pytest.raises(InputError):
        checkpoint.load(path)
    assert not (tmp_path / "ran").exists()


def test_a_crash_while_saving_keeps_the_previous_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(saved, {"count": 8})
    assert checkpoint.load(saved)["count"] == 7


def test_find_prefers_the_best(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains neither"):
        checkpoint.find(tmp_path)
    (tmp_path / checkpoint.LATEST).touch()
    assert checkpoint.find(tmp_path).name == checkpoint.LATEST
    (tmp_path / checkpoint.BEST).touch()
    assert checkpoint.find(tmp_path).name == checkpoint.BEST
    assert checkpoint.find(tmp_path / checkpoint.LATEST).name == checkpoint.LATEST
    with pytest.raises(InputError, match="no such run"):
        checkpoint.find(tmp_path / "nowhere")
