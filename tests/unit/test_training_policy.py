"""Loading, saving and acting of trained policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from apexline.racing import make_env
from apexline.training import PRESETS, InputError, Policy, play, play_parallel
from apexline.training.evaluation.policy import build_networks, find_policy
from apexline.training.records import weights_file

CONFIG = replace(PRESETS["cpu"], seed=77)
SHAPE = CONFIG.game.frame_shape
STACK = CONFIG.replay.frame_stack


@pytest.fixture
def policy() -> Policy:
    return Policy(build_networks(CONFIG), CONFIG, steps=1234)


def test_what_is_saved_is_loaded(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    policy.save(path)
    for source in (path, str(path)):
        loaded = Policy.load(source)
        assert (loaded.config, loaded.steps, loaded.path) == (policy.config, 1234, path)
        state = loaded.networks.state_dict()
        for name, tensor in policy.networks.state_dict().items():
            assert torch.equal(state[name], tensor), name
    assert [file.name for file in tmp_path.iterdir()] == ["policy.safetensors"]


def test_actions_that_are_not_finite_are_refused(policy: Policy) -> None:
    """Finite weights may have products that are not."""
    with torch.no_grad():
        for tensor in policy.networks.parameters():
            tensor.fill_(1e38)
    with pytest.raises(InputError, match=r"^policy: its actions are not finite; expected smaller weights"):
        policy.act(np.full(SHAPE, 255, np.uint8))


def test_a_weights_file_has_the_permissions_of_any_other_file(policy: Policy, tmp_path: Path) -> None:
    path, other = tmp_path / "policy.safetensors", tmp_path / "other"
    policy.save(path)
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_a_damaged_file_is_refused_by_name(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    policy.save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"policy\.safetensors: damaged; its content"):
        Policy.load(path)
    with pytest.raises(InputError, match="no such run folder or checkpoint"):
        Policy.load(tmp_path / "missing.safetensors")


def test_a_file_of_another_format_is_refused(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    policy.save(path)
    # Copies: safetensors before 0.8 returns tensors that are mapped to the file.
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "other"})
    with pytest.raises(InputError, match="format is 'other'; expected 'apexline policy'"):
        Policy.load(path)
    save_file(tensors, path, {"format": "apexline policy", "version": "1"})
    with pytest.raises(InputError, match="version is '1'; expected '3'"):
        Policy.load(path)
    Policy(policy.networks, replace(CONFIG, agent=PRESETS["cuda"].agent)).save(path)
    with pytest.raises(InputError, match="not a policy of this version of apexline"):
        Policy.load(path)


def test_the_pretrained_policy_drives() -> None:
    policy = Policy.load("pretrained")
    assert policy.path is not None
    assert policy.path.stat().st_size < 5e6
    scores = [episode.score for episode in play_parallel(policy, range(20))]
    assert sum(scores) / len(scores) > 850


def test_pretrained_is_never_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    included = find_policy("pretrained")
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / weights_file.BEST).touch()
    assert find_policy("pretrained") == included
    assert (
        find_policy("./pretrained") == find_policy(Path("pretrained")) == Path("pretrained/best.safetensors")
    )


def test_acting_in_an_environment_gives_the_score_of_play() -> None:
    policy = Policy.load("pretrained")
    env = make_env(policy.config.game)
    for seed in (1_000_003, 1_000_004):
        policy.reset()
        obs, info = env.reset(seed=seed)
        terminated = truncated = False
        while not (terminated or truncated):
            obs, _, terminated, truncated, info = env.step(policy.act(obs))
        result = play(policy, seed)
        assert (info["score"], info["frames"], info["tiles"]) == (result.score, result.frames, result.tiles)
    env.close()


def frames_of(*values: int) -> np.ndarray[Any, Any]:
    return np.stack([np.full(SHAPE, value, np.uint8) for value in values])


@pytest.fixture
def stacks(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[int]]]:
    """The stacks that the networks saw last, as one number a frame."""
    seen: list[torch.Tensor] = []
    act = policy.networks.evaluation_policy

    def recorded(obs: torch.Tensor) -> torch.Tensor:
        seen.append(obs[(..., *[0] * len(SHAPE))].clone())
        return act(obs)

    monkeypatch.setattr(policy.networks, "evaluation_policy", recorded)
    return lambda: seen[-1].tolist()


def test_one_observation_gives_one_action(policy: Policy, stacks: Callable[[], list[list[int]]]) -> None:
    for value, expected in ((1, [1, 1, 1]), (2, [1, 1, 2]), (3, [1, 2, 3]), (4, [2, 3, 4])):
        action = policy.act(frames_of(value)[0])
        assert action.shape == (2,)
        assert action.dtype == np.float32
        assert stacks() == [expected]
    policy.reset()
    policy.act(frames_of(9)[0])
    assert stacks() == [[9, 9, 9]]


def test_environments_begin_episodes_independently(
    policy: Policy, stacks: Callable[[], list[list[int]]]
) -> None:
    assert policy.act(frames_of(1, 11)).shape == (2, 2)
    policy.act(frames_of(2, 12))
    policy.reset([False, True])
    policy.act(frames_of(3, 13))
    assert stacks() == [[1, 2, 3], [13, 13, 13]]
    policy.act(frames_of(4, 14))
    assert stacks() == [[2, 3, 4], [13, 13, 14]]


def test_observations_and_masks_of_another_shape_or_dtype_are_refused(policy: Policy) -> None:
    policy.act(frames_of(1, 2))
    before = policy.act(frames_of(1, 2))
    with pytest.raises(TypeError, match=r"obs.dtype is float32; expected uint8"):
        policy.act(np.zeros(SHAPE, np.float32))
    with pytest.raises(ValueError, match=r"obs.shape is \(5, 5\); expected \(42, 42\) or"):
        policy.act(np.zeros((5, 5), np.uint8))
    with pytest.raises(ValueError, match=r"obs is of 3 environments; expected 2"):
        policy.act(frames_of(1, 2, 3))
    with pytest.raises(ValueError, match=r"mask is bool \(3,\); expected bool \(2,\)"):
        policy.reset([True, False, True])
    assert np.array_equal(policy.act(frames_of(1, 2)), before), "nothing was changed"
    policy.reset()
    assert policy.act(frames_of(1, 2, 3)).shape == (3, 2)


def test_repr() -> None:
    policy = Policy.load("pretrained")
    assert repr(policy) == (
        f"Policy('pretrained.safetensors', steps={policy.steps}, frame_shape={SHAPE}, frame_stack={STACK})"
    )
