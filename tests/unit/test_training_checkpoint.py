"""Checkpoints are written, found, replaced and removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from apexline.training import InputError
from apexline.training.errors import NonFiniteError
from apexline.training.records import checkpoint
from apexline.training.records.store import manifest
from apexline.training.records.store.files import digest_file

from .checkpoints import is_whole, names, refusal, save, state


def fail(message: str) -> None:
    raise AssertionError(message)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = save(tmp_path, 12_000)
    assert path == tmp_path / "checkpoints" / "step-000000012000"
    files = sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())
    assert files == ["manifest.json", "replay/segment-12000", "state.json", "tensors.safetensors"]
    for found in (checkpoint.read(path), checkpoint.newest(tmp_path, warn=fail)):
        assert (found.path, found.steps) == (path, 12_000)
        assert is_whole(found)
        assert "state" not in repr(found)
    assert checkpoint.load_config(tmp_path) == {"seed": 3}
    assert checkpoint.exists(tmp_path)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for steps in (0, 10, 20, 30):
        save(tmp_path, steps, keep=2)
    assert names(tmp_path) == ["step-000000000020", "step-000000000030"]
    assert checkpoint.newest(tmp_path, warn=fail).steps == 30
    save(tmp_path, 40, keep=1)
    assert names(tmp_path) == ["step-000000000040"]
    assert is_whole(checkpoint.newest(tmp_path, warn=fail))


def test_a_checkpoint_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 10)
    checkpoint.write(tmp_path, 10, state(10) | {"second": True}, keep=3)
    assert names(tmp_path) == ["step-000000000010"]
    found = checkpoint.newest(tmp_path, warn=fail)
    assert found.state["second"] is True
    assert not (found.path / "replay").exists()


def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(tmp_path: Path) -> None:
    for steps in (10, 20, 30):
        path = save(tmp_path, steps)
    (path / "tensors.safetensors").unlink()
    damaged = path.with_name("step-000000000020") / "state.json"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    warnings: list[str] = []
    assert checkpoint.newest(tmp_path, warn=warnings.append).steps == 10
    assert warnings == [
        f"{path / 'tensors.safetensors'}: no such file; step-000000000010 is used instead",
        f"{damaged}: damaged; its content does not have the digest in the manifest; step-000000000010 is used instead",
    ]
    assert checkpoint.load_config(tmp_path) == {"seed": 3}
    save(tmp_path, 15, keep=2)
    assert names(tmp_path) == ["step-000000000010", "step-000000000015"], (
        "those after the resumed one are removed"
    )


def test_a_run_without_whole_checkpoints_is_refused(tmp_path: Path) -> None:
    for call in (lambda: checkpoint.newest(tmp_path, warn=fail), lambda: checkpoint.load_config(tmp_path)):
        assert "no checkpoint in it" in refusal(call, tmp_path)
        assert not checkpoint.exists(tmp_path)
    first, second = save(tmp_path, 10), save(tmp_path, 20)
    for path in (first, second):
        (path / "manifest.json").write_bytes(b"{}")
    message = refusal(lambda: checkpoint.newest(tmp_path, warn=fail), second / "manifest.json")
    assert message.endswith("not the manifest of a checkpoint (and 1 earlier checkpoints)")
    refusal(lambda: checkpoint.load_config(tmp_path), second / "manifest.json")


def test_other_names_are_no_checkpoints(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    for name in (
        "step-11",
        "step-000000000020.part",
        "step-000000000020.0123.part",
        "step-0000000000200",
        "notes",
    ):
        (path.parent / name).mkdir()
    assert checkpoint.newest(tmp_path, warn=fail).path == path
    save(tmp_path, 20)
    assert len(names(tmp_path)) == 7, "they are not removed"


def test_a_renamed_checkpoint_can_be_read_but_does_not_count_as_later(tmp_path: Path) -> None:
    first, second = save(tmp_path, 10), save(tmp_path, 20)
    second.rename(second.with_name("step-000000000099"))
    warnings: list[str] = []
    assert checkpoint.newest(tmp_path, warn=warnings.append).path == first
    assert "its manifest is of step 20; step-000000000010 is used instead" in warnings[0]
    assert is_whole(checkpoint.read(second.with_name("step-000000000099")))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", ["networks", "critic_optimizer"])
def test_weights_that_are_not_finite_are_not_written(tmp_path: Path, place: str, value: float) -> None:
    save(tmp_path, 10)
    bad: dict[str, Any] = state(20)
    tensor = torch.zeros(3, 3, dtype=torch.bfloat16)
    tensor[1, 2] = value
    bad["agent"][place] = {"state": {0: {"exp_avg": tensor}}}
    with pytest.raises(NonFiniteError, match=rf"agent\.{place}\.state\.0\.exp_avg contains {value}"):
        checkpoint.write(tmp_path, 20, bad, keep=1)
    assert names(tmp_path) == ["step-000000000010"]


def test_a_checkpoint_with_such_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "first_non_finite", lambda _: None)
    path = checkpoint.write(tmp_path, 1, {"agent": {"w": torch.tensor([1, float("inf")])}}, keep=1)
    monkeypatch.undo()
    assert "agent.w contains inf; expected finite weights" in refusal(lambda: checkpoint.read(path), path)


def test_a_state_that_cannot_be_stored_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"state\.x is of type builtins\.object"):
        checkpoint.write(tmp_path, 1, {"x": object()}, keep=1)
    for arguments in ({"steps": -1, "keep": 1}, {"steps": 10**12, "keep": 1}, {"steps": 1, "keep": 0}):
        with pytest.raises(ValueError, match=r"expected >= 1 and 0 to 999999999999"):
            checkpoint.write(tmp_path, state={}, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_linked_files_take_their_digest_from_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save(tmp_path, 10)
    read: list[str] = []

    def recorded(path: Path, **options: bool) -> object:
        read.append(path.name)
        return digest_file(path, **options)

    monkeypatch.setattr(checkpoint, "digest_file", recorded)
    second = save(tmp_path, 20)
    assert read == ["segment-20"]
    linked = "replay/segment-10"
    assert (first / linked).samefile(second / linked)
    assert manifest.read_manifest(second).files[linked] == manifest.read_manifest(first).files[linked]
    assert is_whole(checkpoint.read(second))


def test_a_copied_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 10)
    monkeypatch.setattr(os, "link", lambda _, target: Path(target).write_bytes(b"of another length"))
    second = save(tmp_path, 20)
    monkeypatch.undo()
    assert manifest.read_manifest(second).files["replay/segment-10"] == digest_file(
        second / "replay/segment-10"
    )


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError("no"), KeyboardInterrupt()])
def test_an_error_while_files_are_added_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def add(folder: Path) -> None:
        (folder / "replay").mkdir()
        (folder / "replay" / "half").write_bytes(b"x")
        raise error

    with pytest.raises(type(error)):
        checkpoint.write(tmp_path, 10, state(10), keep=1, write_files=add)
    assert list(tmp_path.iterdir()) == []
    save(tmp_path, 10)
    with pytest.raises(type(error)):
        checkpoint.write(tmp_path, 20, state(20), keep=1, write_files=add)
    assert names(tmp_path) == ["step-000000000010"]


@pytest.mark.parametrize("name", ["state.json", "manifest.json", "tensors.safetensors"])
def test_added_files_do_not_replace_those_of_the_checkpoint(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileExistsError):
        checkpoint.write(tmp_path, 1, {}, keep=1, write_files=lambda folder: (folder / name).touch())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/tmp"), os.mkfifo, lambda path: path.touch()])
def test_only_a_folder_of_the_run_is_written_to(tmp_path: Path, make: Any) -> None:
    make(tmp_path / checkpoint.FOLDER)
    with pytest.raises(NotADirectoryError, match="expected a folder, not a link or a file"):
        save(tmp_path, 1)


def test_a_missing_run_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "deleted", 1)


def test_links_named_as_checkpoints_are_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "precious").mkdir(parents=True)
    path = save(tmp_path, 10)
    for name in ("step-000000000005", "step-000000000020", "step-000000000005.0123456789ab.part"):
        path.with_name(name).symlink_to(other)
    save(tmp_path, 15, keep=1)
    assert (other / "precious").exists()
    assert checkpoint.newest(tmp_path, warn=print).steps == 15


def test_errors_are_one_line_for_any_source() -> None:
    for path in (Path("x" * 300), Path("/dev/null"), Path("a\0b")):
        assert not checkpoint.exists(path)
        assert not checkpoint.is_checkpoint(path)
        with pytest.raises(InputError):
            checkpoint.newest(path, warn=fail)
