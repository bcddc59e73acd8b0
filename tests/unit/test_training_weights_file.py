"""Weights files: exact, reproducible, and refused if a byte is changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from apexline.training import PRESETS, InputError, Policy
from apexline.training.config.validation import to_dict
from apexline.training.evaluation.policy import build_networks, find_policy
from apexline.training.records import weights_file

from .checkpoints import refusal

CONFIG = replace(PRESETS["cpu"], seed=7)
NETWORKS = {
    "actor.w": torch.arange(6.0).reshape(2, 3),
    "scale": torch.tensor(2.5),
    "steps": torch.tensor([2**62]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.safetensors"
    weights_file.save(path, NETWORKS, CONFIG, 1234, eval={"mean": 901.25, "min": -3.0})
    return path


def test_what_is_saved_is_loaded(path: Path) -> None:
    weights = weights_file.load(path)
    assert weights.networks.keys() == NETWORKS.keys()
    for name, tensor in NETWORKS.items():
        assert weights.networks[name].dtype == tensor.dtype
        assert torch.equal(weights.networks[name], tensor)
    assert (weights.config, weights.steps, weights.eval) == (CONFIG, 1234, {"mean": 901.25, "min": -3.0})
    weights_file.save(path, NETWORKS, CONFIG, 5, notes={"license": "MIT"})
    assert weights_file.load(path).eval is None


def test_other_programs_can_read_it(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        assert torch.equal(file.get_tensor("actor.w"), NETWORKS["actor.w"])
        metadata = file.metadata()
    assert json.loads(metadata["config"]) == json.loads(json.dumps(to_dict(CONFIG)))
    content = path.read_bytes()
    assert int.from_bytes(content[:8], "little") % 8 == 0, "tensors are aligned"
    zeros = content.replace(metadata["sha256"].encode(), b"0" * 64)
    assert hashlib.sha256(zeros).hexdigest() == metadata["sha256"], "as the documentation says"


def test_equal_weights_give_equal_files(path: Path, tmp_path: Path) -> None:
    turned = NETWORKS | {"actor.w": NETWORKS["actor.w"].T.contiguous().T}
    weights_file.save(tmp_path / "again", turned, CONFIG, 1234, eval={"mean": 901.25, "min": -3.0})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_change_of_any_byte_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for place, byte in enumerate(content):
        path.write_bytes(content[:place] + bytes([byte ^ 1 << place % 8]) + content[place + 1 :])
        refusal(lambda: weights_file.load(path), path)


def test_a_change_of_length_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in [*range(9), 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        refusal(lambda: weights_file.load(path), path)
    for more in (b"\0", b" ", content):
        path.write_bytes(content + more)
        refusal(lambda: weights_file.load(path), path)


def test_samples_of_the_pretrained_policy_are_refused(tmp_path: Path) -> None:
    content = find_policy("pretrained").read_bytes()
    path = tmp_path / "damaged.safetensors"
    for place in [*range(0, 12_000, 400), *range(12_000, len(content), len(content) // 30)]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        refusal(lambda: weights_file.load(path), path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_weights_that_are_not_finite_are_refused(
    path: Path, value: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    bad = NETWORKS | {"critic.bias": torch.tensor([0.0, value], dtype=dtype)}
    message = refusal(lambda: weights_file.save(path, bad, CONFIG, 1), path)
    assert f"not written, as critic.bias contains {value}; expected finite weights" in message
    assert path.read_bytes() == before
    monkeypatch.setattr(weights_file, "first_non_finite", lambda _: None)
    weights_file.save(path, bad, CONFIG, 1)
    monkeypatch.undo()
    assert f"critic.bias contains {value}" in refusal(lambda: weights_file.load(path), path)


def sealed(path: Path, metadata: dict[str, object], tensors: bytes = b"", **about: object) -> None:
    """Writes a hostile file whose digest is right."""
    header = json.dumps(
        {"__metadata__": metadata | {"sha256": "0" * 64}, **about}, separators=(",", ":")
    ).encode()
    content = len(header).to_bytes(8, "little") + header + tensors
    path.write_bytes(content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode()))


GOOD = {**weights_file.FORMAT, "config": json.dumps(to_dict(CONFIG)), "steps": "3"}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, "format is None; expected 'apexline policy'"),
        ({"format": "other"}, "format is 'other'; expected 'apexline policy'"),
        (
            GOOD | {"version": "2"},
            "version is '2'; expected '3' (the file is from another version of apexline)",
        ),
        (GOOD | {"version": "x" * 10_000}, "version is 'xxx"),
        (GOOD | {"steps": "many"}, "steps or eval is not valid"),
        (GOOD | {"steps": "7" * 5000}, "steps or eval is not valid"),
        (GOOD | {"config": "[" * 100_000}, "contains no configuration"),
        (GOOD | {"config": "[1]"}, "its configuration is [1]; expected a JSON object"),
        (GOOD | {"config": '{"seed": -1}'}, "seed is -1; expected >= 0"),
        (GOOD | {"eval": "3"}, "steps or eval is not valid"),
        (GOOD | {"eval": '{"mean": "x"}'}, "steps or eval is not valid"),
        (GOOD | {"eval": '{"mean": NaN}'}, "steps or eval is not valid"),
        (GOOD | {"eval": '{"mean": 1e999}'}, "steps or eval is not valid"),
        (
            {name: value for name, value in GOOD.items() if name != "config"},
            "contains no configuration",
        ),
    ],
    ids=lambda value: ascii(value)[-40:],
)
def test_hostile_metadata_with_a_right_digest_is_refused(
    path: Path, metadata: dict[str, object], expected: str
) -> None:
    sealed(path, metadata)
    message = refusal(lambda: weights_file.load(path), path)
    assert expected in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "about",
    [
        {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
        {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}},
        {"x": 3},
    ],
)
def test_hostile_tensors_with_a_right_digest_are_refused(path: Path, about: dict[str, object]) -> None:
    sealed(path, GOOD, b"\0" * 4, **about)
    refusal(lambda: weights_file.load(path), path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff" * 8,
        b"\0" * 8,
        b"\x02" + b"\0" * 7 + b"[]",
        b"\x01" + b"\0" * 7 + b"3",
        b"\x80\x04K\x01.",
    ],
)
def test_other_content_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refusal(lambda: weights_file.load(path), path)


def test_a_header_that_is_nested_deeply_is_refused(path: Path) -> None:
    header = b'{"__metadata__":' * 50_000
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    refusal(lambda: weights_file.load(path), path)


@pytest.mark.parametrize(
    "make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda _: None], ids=str
)
def test_other_kinds_of_files_are_refused(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)
    refusal(lambda: weights_file.load(path), path)


def test_a_huge_sparse_file_is_refused_by_its_size(path: Path) -> None:
    os.truncate(path, 2**42)
    assert "expected at most 1073741824" in refusal(lambda: weights_file.load(path), path)


def test_weights_of_other_networks_are_refused_before_memory_is_allocated(tmp_path: Path) -> None:
    """A small file may declare huge networks."""
    path = tmp_path / "huge.safetensors"
    huge = replace(CONFIG, agent=replace(CONFIG.agent, hidden=(10_000_000, 10_000_000)))
    weights_file.save(path, build_networks(CONFIG).state_dict(), huge, 1)
    assert "does not have the shape" in refusal(lambda: Policy.load(path), path)
    weights_file.save(path, NETWORKS, CONFIG, 1)
    assert "is missing or unknown" in refusal(lambda: Policy.load(path), path)


def test_a_policy_that_is_not_finite_is_neither_saved_nor_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.safetensors"
    networks = build_networks(CONFIG)
    policy = Policy(networks, CONFIG)
    policy.save(path)
    with torch.no_grad():
        networks.actor.output.bias[1] = float("nan")
    assert "actor.output.bias contains nan" in refusal(lambda: policy.save(path), path)
    Policy.load(path)
    monkeypatch.setattr(weights_file, "first_non_finite", lambda _: None)
    policy.save(path)
    monkeypatch.undo()
    assert "actor.output.bias contains nan" in refusal(lambda: Policy.load(path), path)


def test_the_card_of_the_pretrained_policy_names_its_license_and_digest() -> None:
    path = find_policy("pretrained")
    card = files("apexline.training.evaluation").joinpath("pretrained.md").read_text(encoding="utf-8")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["license"] == "MIT"
    assert re.search(r"\| license \| MIT", card)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card


WEIGHTS = "2028fcc6ad8a77b703933677900d9cd52d3b6cd457123d2f62b9ab1c8a483d40"
"""SHA-256 of the names and values of the weights that the card describes."""


def test_the_weights_of_the_pretrained_policy_are_those_that_were_evaluated() -> None:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights_file.load(find_policy("pretrained")).networks.items()):
        digest.update(name.encode() + tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    assert digest.hexdigest() == WEIGHTS


def test_errors_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        weights_file.load(tmp_path / "missing")
