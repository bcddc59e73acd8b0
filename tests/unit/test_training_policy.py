"""Policies as files of weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from apexline.training import (
    PRESETS,
    PRETRAINED,
    InputError,
    Policy,
    build_networks,
    load_policy,
    play_native,
    save_weights,
)


@pytest.fixture
def policy() -> Policy:
    config = replace(PRESETS["cpu"], seed=77)
    return Policy(build_networks(config), config, Path("nowhere"), 1234)


def test_what_is_saved_comes_back(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    save_weights(policy, path)
    again = load_policy(path)
    assert (again.config, again.steps, again.path) == (policy.config, 1234, path)
    theirs = again.networks.state_dict()
    for name, tensor in policy.networks.state_dict().items():
        assert torch.equal(theirs[name], tensor), name
    assert [file.name for file in tmp_path.iterdir()] == ["policy.safetensors"]


def test_weights_are_as_readable_as_any_other_file(policy: Policy, tmp_path: Path) -> None:
    path, other = tmp_path / "policy.safetensors", tmp_path / "other"
    save_weights(policy, path)
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


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
    with pytest.raises(InputError, match="format is 'other'; expected 'apexline policy'"):
        load_policy(path)
    save_file(tensors, path, {"format": "apexline policy", "version": "1"})
    with pytest.raises(InputError, match="version is '1'; expected '2'"):
        load_policy(path)
    save_weights(policy._replace(config=replace(policy.config, agent=PRESETS["cuda"].agent)), path)
    with pytest.raises(InputError, match="not a policy of this apexline"):
        load_policy(path)


def test_the_policy_that_comes_with_the_package_drives() -> None:
    policy = load_policy(Path(PRETRAINED))
    assert policy.path.stat().st_size < 5e6
    scores = [episode.score for episode in play_native(policy.networks, policy.config, range(20))]
    assert sum(scores) / len(scores) > 850


def test_a_folder_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / PRETRAINED).mkdir()
    with pytest.raises(InputError, match="pretrained: holds neither"):
        load_policy(Path(PRETRAINED))
