"""Damaged and hostile checkpoints are refused in one line that names the file."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from apexline.training.records import checkpoint
from apexline.training.records.store.files import FileDigest, digest_of
from apexline.training.records.store.manifest import Manifest, read_manifest

from .checkpoints import refusal, save

FILES = ["manifest.json", "state.json", "tensors.safetensors", "replay/segment-10"]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return save(tmp_path, 10)


@pytest.mark.parametrize("name", FILES)
def test_a_change_of_any_byte_is_refused(whole: Path, name: str) -> None:
    path = whole / name
    content = path.read_bytes()
    for place, byte in enumerate(content):
        for changed in (byte ^ 1 << place % 8, ord(" ")):
            if changed != byte:
                path.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
                refusal(lambda: checkpoint.read(whole), path)
    path.write_bytes(content)
    checkpoint.read(whole)


def test_samples_of_large_tensors_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = torch.randn(300, 1000)
    folder = checkpoint.write(tmp_path, 1, {"agent": {"w": weights, "v": weights.half()}}, keep=1)
    path = folder / "tensors.safetensors"
    content = path.read_bytes()
    for place in [*range(200), *range(200, len(content), len(content) // 100)]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        refusal(lambda: checkpoint.read(folder), path)


@pytest.mark.parametrize("name", FILES)
def test_a_change_of_length_is_refused(whole: Path, name: str) -> None:
    path = whole / name
    content = path.read_bytes()
    for length in {0, 1, 7, 8, 9, len(content) // 2, len(content) - 1}:
        path.write_bytes(content[:length])
        refusal(lambda: checkpoint.read(whole), path)
    for more in (b"\0", b"\n", b" ", content, b"}", b"\0" * 100_000):
        path.write_bytes(content + more)
        refusal(lambda: checkpoint.read(whole), path)


def to_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def to_a_link(path: Path) -> None:
    copy = path.parents[3] / "copy"
    path.rename(copy)
    path.symlink_to(copy)


def to_a_broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def to_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def to_a_large_sparse_file(path: Path) -> None:
    os.truncate(path, 2**42)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "change",
    [Path.unlink, to_a_folder, to_a_fifo, to_a_link, to_a_broken_link, to_a_device, to_a_large_sparse_file],
)
def test_another_kind_of_file_is_refused(whole: Path, name: str, change: Callable[[Path], None]) -> None:
    change(whole / name)
    refusal(lambda: checkpoint.read(whole), whole / name)


@pytest.mark.parametrize("name", ["extra", "replay/extra", "deep/er/extra"])
def test_a_file_that_is_not_in_the_manifest_is_refused(whole: Path, name: str) -> None:
    (whole / name).parent.mkdir(parents=True, exist_ok=True)
    (whole / name).touch()
    assert "the manifest of the checkpoint does not contain this file" in refusal(
        lambda: checkpoint.read(whole), whole / name
    )


@pytest.mark.parametrize("name", [".hidden", "with space", "new\nline", "caf\udce9"])
def test_a_file_with_an_unusual_name_is_refused(whole: Path, name: str) -> None:
    (whole / name).touch()
    assert "which is not part of a checkpoint" in refusal(lambda: checkpoint.read(whole), whole)


@pytest.mark.parametrize("name", FILES)
def test_files_of_two_checkpoints_are_not_exchanged(whole: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "other").mkdir()
    other = save(tmp_path / "other", 20)
    shutil.copyfile(other / name.replace("10", "20"), whole / name)
    refusal(lambda: checkpoint.read(whole), whole)


def test_a_folder_that_is_a_link_is_refused(whole: Path, tmp_path: Path) -> None:
    (whole / "replay").rename(tmp_path / "elsewhere")
    (whole / "replay").symlink_to(tmp_path / "elsewhere")
    refusal(lambda: checkpoint.read(whole), whole / "replay")


def test_without_its_other_files_a_checkpoint_has_its_state(whole: Path) -> None:
    shutil.rmtree(whole / "replay")
    assert checkpoint.read(whole, files=False).state["agent"]["updates"] == 10
    refusal(lambda: checkpoint.read(whole), whole)


def seal(folder: Path, **contents: bytes) -> None:
    """Writes hostile contents with a manifest whose digests are right."""
    files = dict(read_manifest(folder).files)
    for key, content in contents.items():
        name = {"state": "state.json", "tensors": "tensors.safetensors"}[key]
        (folder / name).write_bytes(content)
        files[name] = digest_of(content)
    (folder / "manifest.json").write_bytes(Manifest(10, files).to_bytes())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b'{"x":' * 100_000,
        b'{"x":1e999}',
        b'{"x":' + b"7" * 10_000 + b"}",
        b'{"x":{"$tensor":"none"}}',
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_hostile_state_is_refused(whole: Path, text: bytes) -> None:
    seal(whole, state=text)
    refusal(lambda: checkpoint.read(whole), whole / "state.json")


@pytest.mark.parametrize("text", [b"{}", b'{"config":1}', b'{"config":"["}', b'{"config":"[1]"}'])
def test_a_state_without_configuration_is_refused(whole: Path, text: bytes) -> None:
    seal(whole, state=text)
    refusal(lambda: checkpoint.load_config(whole.parents[1]), whole)


def test_a_hostile_size_of_a_header_is_refused(whole: Path) -> None:
    header = b'{"x":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,8796093022208]}}'
    for content in (b"\xff" * 8 + header, len(header).to_bytes(8, "little") + header, b"", b"\0" * 8):
        seal(whole, tensors=content)
        refusal(lambda: checkpoint.read(whole), whole)


def manifest_with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda values: values | changes


def digest_with(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(values: dict[str, Any]) -> dict[str, Any]:
        values["files"]["state.json"] |= changes
        return values

    return change


def file_named(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(values: dict[str, Any]) -> dict[str, Any]:
        values["files"][name] = values["files"].pop("replay/segment-10")
        return values

    return change


HOSTILE_MANIFESTS = {
    "steps -1": manifest_with(steps=-1),
    "steps large": manifest_with(steps=10**12),
    "steps bool": manifest_with(steps=True),
    "steps text": manifest_with(steps="10"),
    "no files": manifest_with(files={}),
    "list of files": manifest_with(files=["state.json"]),
    "files of wrong type": manifest_with(files={"state.json": 3}),
    "another key": manifest_with(more=1),
    "another format": manifest_with(format="other"),
    "size huge": digest_with(size=2**63),
    "size negative": digest_with(size=-1),
    "size float": digest_with(size=1.0),
    "size 2**62": digest_with(size=2**62),
    "digest short": digest_with(sha256="0"),
    "digest long": digest_with(sha256="0" * 65),
    "digest number": digest_with(sha256=0),
    "absolute": file_named("/etc/passwd"),
    "above": file_named("../../other"),
    "inside above": file_named("replay/../../../other"),
    "itself": file_named("manifest.json"),
    "empty": file_named(""),
    "dot": file_named("."),
    "null": file_named("a\0b"),
    "surrogate": file_named("caf\udce9"),
    "long": file_named("a/" * 200 + "a"),
}


@pytest.mark.parametrize("change", HOSTILE_MANIFESTS)
def test_a_hostile_manifest_with_a_right_digest_is_refused(whole: Path, change: str) -> None:
    path = whole / "manifest.json"
    values = json.loads(path.read_bytes())
    del values["sha256"]
    values = HOSTILE_MANIFESTS[change](values)
    values["sha256"] = digest_of((json.dumps(values, indent=1) + "\n").encode()).sha256
    path.write_bytes((json.dumps(values, indent=1) + "\n").encode())
    refusal(lambda: checkpoint.read(whole), whole)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"[1]", b"1" * 10_000, b"\xff\xfe", b'"x"', b"NaN", b'{"a":' * 10_000]
)
def test_a_manifest_of_other_content_is_refused(whole: Path, content: bytes) -> None:
    (whole / "manifest.json").write_bytes(content)
    refusal(lambda: checkpoint.read(whole), whole / "manifest.json")


def test_another_version_is_named(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = read_manifest(whole)
    monkeypatch.setattr("apexline.training.records.store.manifest.VERSION", 4)
    (whole / "manifest.json").write_bytes(manifest.to_bytes())
    monkeypatch.undo()
    message = refusal(lambda: checkpoint.read(whole), whole / "manifest.json")
    assert "version is 4; expected 3 (the checkpoint is from another version of apexline)" in message


def test_a_size_that_is_not_there_allocates_nothing(whole: Path) -> None:
    """Sparse files of 4 TiB with manifests that declare them: refused by their size, or by their digest without memory
    for their content."""
    declared = {name: FileDigest(2**42, "0" * 64) for name in FILES[1:]}
    (whole / "manifest.json").write_bytes(Manifest(10, declared).to_bytes())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("replay/segment-10", "state.json"):
        refusal(lambda: checkpoint.read(whole), whole / name)
        declared[name] = digest_of((whole / name).read_bytes())
        (whole / "manifest.json").write_bytes(Manifest(10, declared).to_bytes())
    for name in ("state.json", "tensors.safetensors"):
        os.truncate(whole / name, 2**42)
        declared[name] = FileDigest(2**42, "0" * 64)
        (whole / "manifest.json").write_bytes(Manifest(10, declared).to_bytes())
        refusal(lambda: checkpoint.read(whole), whole / name)
        (whole / name).write_bytes(b"{}")
        declared[name] = digest_of(b"{}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"
