"""Policies as files of weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from apexline.training import PRESETS, InputError, Policy, build_networks, load_policy, save_weights


@pytest.fixture
def policy() -> Policy:
    config = replace(PRESETS["cpu"], seed=77)
    return Policy(build_networks(config), config, Path("nowhere"), 1234)


def test_what_is_saved_comes_back(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    save_weights(policy, path)
    again = load_policy(path)
    assert (again.config, again.decisions, again.path) == (policy.config, 1234, path)
    theirs = again.networks.state_dict()
    for name, tensor in policy.networks.state_dict().items():
        assert torch.equal(theirs[name], tensor), name
    assert [file.name for file in tmp_path.iterdir()] == ["policy.safetensors"]


def test_a_damaged_file_is_refused_by_name(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    save_weights(policy, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"policy\.safetensors: cut short or not a file of weights"):
        load_policy(path)
    with pytest.raises(InputError, match="no such run folder or checkpoint"):
        load_policy(tmp_path / "missing.safetensors")


def test_a_file_of_someone_else_is_refused(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    save_weights(policy, path)
    tensors = load_file(path)
    save_file(tensors, path, {"format": "other"})
    with pytest.raises(InputError, match="its format is 'other'; this apexline reads 'apexline policy'"):
        load_policy(path)
    save_file(tensors, path, {"format": "apexline policy", "version": "2"})
    with pytest.raises(InputError, match="its version is '2'"):
        load_policy(path)
    save_weights(policy._replace(config=replace(policy.config, agent=PRESETS["cuda"].agent)), path)
    with pytest.raises(InputError, match="not a policy of this apexline"):
        load_policy(path)
