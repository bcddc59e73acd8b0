"""Trained policies: loaded from a run, a checkpoint, a weights file or the package, and acting on observations."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from apexline.agent import ActorCritic, build
from apexline.training.acting.frame_stack import FrameStack
from apexline.training.config.train_config import TrainConfig
from apexline.training.errors import InputError, reason
from apexline.training.records import checkpoint, weights_file
from apexline.training.records.paths import check_name, is_folder, regular_file
from apexline.training.records.saved_config import saved_config

PRETRAINED = "pretrained"
"""Name of the policy that is included in the package."""


class Policy:
    """A trained policy, without exploration noise, on the CPU.

    ::

        policy = Policy.load("pretrained")
        env = apexline.racing.make_env(policy.config.game)
        obs, _ = env.reset(seed=0)
        while True:
            obs, reward, terminated, truncated, _ = env.step(policy.act(obs))

    Args:
        networks: on the CPU.
        config: the configuration of the run; `config.game` are the options of the environments it acts in.
        path: the file that it was loaded from, if any.
        steps: agent steps after which the weights were saved.
    """

    def __init__(
        self, networks: ActorCritic, config: TrainConfig, path: Path | None = None, steps: int = 0
    ) -> None:
        self.networks = networks
        self.config = config
        self.path = path
        self.steps = steps
        self._stack: FrameStack | None = None
        self._begins: NDArray[np.bool_] | None = None

    @classmethod
    def load(cls, source: str | os.PathLike[str], *, warn: Callable[[str], None] | None = None) -> Policy:
        """Load a policy.

        Args:
            source: a run folder (its best weights, else its newest checkpoint that is whole), a checkpoint directory, a
                weights file, or the string "pretrained" for the policy in the package. A folder of that name is
                `"./pretrained"`.
            warn: called with one line for each newer checkpoint that is damaged; None: `warnings.warn`.

        Raises:
            InputError: there is none, or it cannot be used.
        """
        path, state, config, steps = _read(find_policy(source), warn or partial(warnings.warn, stacklevel=2))
        try:
            networks = _networks(state, config)
        except InputError as error:
            raise InputError(f"{path}: not a policy of this version of apexline ({error})") from error
        return cls(networks, config, path, steps)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Replace `path` by a weights file (safetensors).

        Raises:
            InputError: a weight is NaN or infinite.
            OSError: the file cannot be written.
        """
        weights_file.save(path, self.networks.state_dict(), self.config, self.steps)

    def act(self, obs: ArrayLike) -> NDArray[np.float32]:
        """Actions for one observation or for one of each environment; frames are stacked here.

        Args:
            obs: uint8, `config.game.frame_shape` or (num_envs, *frame_shape): the latest frame.

        Returns:
            float32, (A,) or (num_envs, A), within the action bounds.

        Raises:
            ValueError: the shape is wrong, or the number of environments has changed without `reset`.
            InputError: an action is not finite.
            TypeError: `obs` is not uint8.
        """
        frames = np.asarray(obs)
        shape = self.config.game.frame_shape
        if frames.dtype != np.uint8:
            raise TypeError(f"obs.dtype is {frames.dtype}; expected uint8")
        is_single = frames.shape == shape
        if not is_single and (frames.shape[1:] != shape or len(frames) == 0):
            raise ValueError(f"obs.shape is {frames.shape}; expected {shape} or (num_envs, *{shape})")
        actions = self._act(frames[None] if is_single else frames)
        return actions.reshape(-1) if is_single else actions

    def reset(self, mask: ArrayLike | None = None) -> None:
        """Treat the next observation as the first of an episode.

        Args:
            mask: (num_envs,) bool, the environments whose episodes begin; None: all of them, of any number.

        Raises:
            ValueError: `mask` is not boolean or has the wrong shape.
        """
        if mask is None:
            self._stack = None
            return
        begins = np.asarray(mask)
        num_envs = self._stack.num_envs if self._stack is not None else len(np.atleast_1d(begins))
        if begins.dtype != bool or begins.shape != (num_envs,):
            raise ValueError(f"mask is {begins.dtype} {begins.shape}; expected bool ({num_envs},)")
        self._begins = begins if self._begins is None else self._begins | begins

    def copy(self) -> Policy:
        """A policy with the same networks and a frame stack of its own."""
        return Policy(self.networks, self.config, self.path, self.steps)

    def __repr__(self) -> str:
        source = "" if self.path is None else f"{self.path.name!r}, "
        return (
            f"Policy({source}steps={self.steps}, frame_shape={self.config.game.frame_shape}, "
            f"frame_stack={self.config.replay.frame_stack})"
        )

    def _act(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._stack is None:
            self._stack = FrameStack(len(frames), self.config.replay.frame_stack)
            self._stack.reset(frames)
        elif len(frames) != self._stack.num_envs:
            raise ValueError(
                f"obs is of {len(frames)} environments; expected {self._stack.num_envs} (call reset to change it)"
            )
        else:
            self._stack.push(frames, self._begins)
        self._begins = None
        actions: NDArray[np.float32] = self.networks.evaluation_policy(
            torch.from_numpy(self._stack.stacks)
        ).numpy()
        if not np.isfinite(actions).all():  # finite weights may be so large that their products are not
            raise InputError(f"{self.path or 'policy'}: its actions are not finite; expected smaller weights")
        return actions


def build_networks(config: TrainConfig) -> ActorCritic:
    """The networks of a run, with random weights from torch's global generator, on the CPU."""
    shape = (config.replay.frame_stack, *config.game.frame_shape)
    return build(config.agent, shape, *config.game.action_bounds)


def find_policy(source: str | os.PathLike[str]) -> Path:
    """The weights file, checkpoint directory or run folder to load for `source`, as in `Policy.load`.

    Raises:
        InputError: there is none.
    """
    if source == PRETRAINED:
        return Path(str(files("apexline.training.evaluation") / f"{PRETRAINED}{weights_file.SUFFIX}"))
    path = Path(source)
    check_name("the policy", path)
    if not is_folder(path):
        if not regular_file(path):
            raise InputError(f"{path}: no such run folder or checkpoint")
        return path
    best = path / weights_file.BEST
    if best.exists() or best.is_symlink():
        return best
    if checkpoint.is_checkpoint(path) or checkpoint.exists(path):
        return path
    raise InputError(f"{path}: contains neither {weights_file.BEST} nor a checkpoint")


def output_folder(source: str | os.PathLike[str]) -> Path:
    """Where a command writes files about a policy: the run folder, or the folder of the file or checkpoint directory.

    For "pretrained" it is the working directory.
    """
    path = Path(source)
    if source == PRETRAINED:
        return Path()
    if not is_folder(path):
        return path.parent
    if not checkpoint.is_checkpoint(path):
        return path
    parent = path.resolve().parent
    return parent.parent if parent.name == checkpoint.FOLDER else parent


_Content = tuple[Path, Mapping[str, Tensor], TrainConfig, int]
"""Path, networks, configuration and steps."""


def _read(path: Path, warn: Callable[[str], None]) -> _Content:
    if not is_folder(path):
        weights = weights_file.load(path)
        return path, weights.networks, weights.config, weights.steps
    if checkpoint.is_checkpoint(path):
        found = checkpoint.read(path, files=False)
    else:
        found = checkpoint.newest(path, warn=warn, files=False)
    config = saved_config(found.state, found.path)
    agent = found.state.get(checkpoint.AGENT)
    networks = agent.get("networks") if isinstance(agent, dict) else None
    return found.path, networks if isinstance(networks, dict) else {}, config, found.steps


def _networks(state: Mapping[str, Tensor], config: TrainConfig) -> ActorCritic:
    """The networks of `config` with these weights. Memory is allocated only if the weights are those of `config`.

    Raises:
        InputError: they are not.
    """
    try:
        with torch.device("meta"):
            expected = build_networks(config).state_dict()
        if missing := sorted(expected.keys() ^ state.keys()):
            raise InputError(f"tensor {missing[0]!a:.80} is missing or unknown")
        for name, tensor in expected.items():
            given = state[name]
            if not isinstance(given, Tensor) or (given.shape, given.dtype) != (tensor.shape, tensor.dtype):
                raise InputError(
                    f"tensor {name} does not have the shape {tuple(tensor.shape)}, {tensor.dtype}"
                )
        networks = build_networks(config)
        networks.load_state_dict(state)
    except InputError:
        raise
    except (AttributeError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(reason(error)) from error
    return networks
