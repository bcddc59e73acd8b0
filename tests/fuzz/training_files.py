"""Targets: checkpoint folders, weights files and configurations."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apexline.training.config.presets import preset
from apexline.training.config.train_config import TrainConfig
from apexline.training.config.validation import from_dict, to_dict
from apexline.training.errors import InputError
from apexline.training.evaluation.policy import Policy, build_networks
from apexline.training.records import checkpoint, weights_file

from .mutators import Mutator
from .target import Files, Target, read

WEIGHTS = "policy.safetensors"
CONFIG = "config.json"
STEP = "step-000000000012"


@functools.cache
def small_config() -> TrainConfig:
    values = to_dict(preset("cpu"))
    values["agent"] |= {"hidden": (8, 8), "trunk_features": 8}
    return from_dict(values)


@functools.cache
def networks() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build_networks(small_config()).state_dict()


@functools.cache
def good_checkpoint() -> Files:
    random = np.random.default_rng(0)
    state: dict[str, Any] = {
        "config": json.dumps(to_dict(small_config())),
        "agent": {"networks": {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(0, 4)}, "updates": 7},
        "random": {"numpy": random.bit_generator.state, "torch": torch.get_rng_state()[:64]},
        "collector": {3: (1, 2.5, float("inf"), None, True), "half": torch.ones(3, dtype=torch.bfloat16)},
        "best": [{"score": 901.25, "steps": 10}, {}],
    }

    def write_files(folder: Path) -> None:
        (folder / "replay").mkdir()
        (folder / "replay" / "index").write_bytes(b"index of a replay")

    with tempfile.TemporaryDirectory() as run:
        return read(checkpoint.write(Path(run), 12, state, keep=1, write_files=write_files))


@functools.cache
def good_weights() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        weights_file.save(
            path, networks(), small_config(), 12, eval={"mean": 901.5}, notes={"licence": "MIT"}
        )
        return path.read_bytes()


def split_tensors(data: bytes) -> tuple[Any, bytes]:
    """Header and data of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join_tensors(header: Any, data: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def mutant_tensors(data: bytes, mutate: Mutator) -> bytes:
    header, values = split_tensors(data)
    match mutate.below(4):
        case 0:
            return mutate.bytes(data)
        case 1:
            return join_tensors(header, mutate.bytes(values))
        case 2:
            floats = np.frombuffer(values[: len(values) // 4 * 4], "<f4")
            return join_tensors(header, mutate.array(floats).tobytes())
        case _:
            return join_tensors(mutate.json(header), values)


def mutant_json(text: bytes, mutate: Mutator) -> bytes:
    if mutate.chance(0.2):
        return mutate.bytes(text)
    return json.dumps(mutate.json(json.loads(text))).encode()


def mutant_checkpoint(mutate: Mutator) -> Files:
    made = dict(good_checkpoint())
    name = mutate.pick(sorted(made))
    if mutate.chance(0.1):
        return {**made, name: mutate.bytes(made[name])}
    if mutate.chance(0.05):
        del made[name]
        return made
    if name.endswith(".json"):
        made[name] = mutant_json(made[name], mutate)
    elif name.endswith(".safetensors"):
        made[name] = mutant_tensors(made[name], mutate)
    else:
        made[name] = mutate.bytes(made[name])
    seal_manifest(made, name)
    return made


def seal_manifest(made: Files, changed: str) -> None:
    """Makes the digests valid, if the manifest still has the form of one."""
    try:
        values = json.loads(made["manifest.json"])
        if changed != "manifest.json":
            digest = {"size": len(made[changed]), "sha256": hashlib.sha256(made[changed]).hexdigest()}
            values["files"][changed] = digest
        values.pop("sha256", None)
        own = hashlib.sha256((json.dumps(values, indent=1) + "\n").encode()).hexdigest()
        made["manifest.json"] = (json.dumps(values | {"sha256": own}, indent=1) + "\n").encode()
    except (AttributeError, KeyError, TypeError, ValueError):
        return


def mutant_weights(mutate: Mutator) -> Files:
    if mutate.chance(0.2):
        return {WEIGHTS: mutate.bytes(good_weights())}
    return {WEIGHTS: sealed_weights(mutant_tensors(good_weights(), mutate))}


def sealed_weights(data: bytes) -> bytes:
    """With the digest of these bytes, if there is a place for it."""
    try:
        header, values = split_tensors(data)
        header["__metadata__"]["sha256"] = "0" * 64
        content = join_tensors(header, values)
    except (TypeError, KeyError, ValueError):
        return data
    old, new = (f'"sha256":"{digest}"'.encode() for digest in ("0" * 64, hashlib.sha256(content).hexdigest()))
    return content.replace(old, new, 1)


def mutant_config(mutate: Mutator) -> Files:
    return {CONFIG: mutant_json(json.dumps(to_dict(small_config())).encode(), mutate)}


def run_checkpoint(folder: Path) -> bool:
    try:
        found = checkpoint.read(folder)
    except InputError:
        return False
    with tempfile.TemporaryDirectory() as run:
        again = checkpoint.read(checkpoint.write(Path(run), found.steps, found.state, keep=1))
    assert same(again.state, found.state), "an accepted state changes when it is written and read"
    return True


def run_weights(folder: Path) -> bool:
    path = folder / WEIGHTS
    try:
        policy = Policy.load(path)
    except InputError:
        return False
    try:
        actions = policy.act(np.zeros(policy.config.game.frame_shape, np.uint8))
    except InputError:  # of weights that are too large
        return False
    low, high = policy.config.game.action_bounds
    assert (actions >= low).all(), f"actions are {actions}"
    assert (actions <= high).all(), f"actions are {actions}"
    policy.save(folder / "again.safetensors")
    again = Policy.load(folder / "again.safetensors")
    assert again.config == policy.config
    assert same(again.networks.state_dict(), policy.networks.state_dict())
    return True


def run_config(folder: Path) -> bool:
    try:
        values = json.loads((folder / CONFIG).read_bytes())
    except (ValueError, RecursionError):
        return False
    if not isinstance(values, dict):
        return False
    try:
        config = from_dict(values, CONFIG)
    except InputError as error:
        message = str(error)
    else:
        again = from_dict(json.loads(json.dumps(to_dict(config), allow_nan=False)))
        assert again == config, "an accepted configuration changes when it is written and read"
        return True
    assert len(message) < 1000, f"the message has {len(message)} characters"
    return False


def same(one: Any, other: Any) -> bool:
    """Whether nested values are equal bit for bit."""
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and (one.dtype, one.shape) == (other.dtype, other.shape)
            and one.contiguous().view(torch.uint8).equal(other.contiguous().view(torch.uint8))
            if one.ndim
            else torch.equal(one.reshape(1).view(torch.uint8), other.reshape(1).view(torch.uint8))
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


TARGETS = {
    "checkpoint": Target(mutant_checkpoint, run_checkpoint),
    "weights": Target(mutant_weights, run_weights),
    "config": Target(mutant_config, run_config),
}
