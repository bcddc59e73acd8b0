"""The update and the policy as CUDA graphs: hundreds of kernels queued by one launch.

A graph is an outermost, optional wrapper: it replays what the eager functions did while they were captured, at the
addresses they did it. `make_update` and `make_policy` choose; the rest of the agent knows of no graph.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import Optimizer

from apexline.agent.batch import TensorBatch
from apexline.agent.ddpg import DDPG
from apexline.agent.updates import Metrics

Update = Callable[[TensorBatch], tuple[Tensor, Metrics]]
"""As `DDPG.update`."""
Act = Callable[[Tensor], Tensor]
"""Actions (num_envs, A) float32 for observations (num_envs, stack, ..., H, W) uint8, both on the device."""
Policy = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Actions (num_envs, A) float32 for observations (num_envs, stack, ..., H, W) uint8, both on the host."""

WARM_UP_CALLS = 3
"""Calls before a capture, so that libraries have chosen their algorithms and made their workspaces; torch's number."""

Result = TypeVar("Result")


def make_update(agent: DDPG, example: TensorBatch) -> Update:
    """The agent's update: a `GraphedUpdate` on CUDA, unless `agent.config.cuda_graphs` is off; else `agent.update`."""
    if agent.device.type == "cuda" and agent.config.cuda_graphs:
        return GraphedUpdate(agent, example)
    return agent.update


def make_policy(
    act: Act, num_envs: int, observation_shape: Sequence[int], device: torch.device, *, graphs: bool
) -> Policy:
    """A policy for arrays: a `GraphedPolicy` on CUDA where `graphs`, else an eager one.

    Args:
        act: such as `ActorCritic.policy`; what it reads, it reads at each call.
        num_envs: observations in a call.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        device: where `act` computes.
        graphs: as in AgentConfig.cuda_graphs.
    """
    if device.type == "cuda" and graphs:
        return GraphedPolicy(act, num_envs, observation_shape, device)

    def policy(observations: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return act(torch.from_numpy(observations).to(device)).cpu().numpy()

    return policy


class GraphedUpdate:
    """`agent.update` as a CUDA graph: critic, actor, loss scale, targets, averages, learning rates, update counter.

    Making one takes the place of no update: the warm-up's are undone, random numbers included. Loading a state into
    the agent before or after is fine, since `DDPG.load_state_dict` and `ActorCritic.load_online` write in place, and
    so is calling `agent.update` in between. The graph remembers addresses: giving a parameter, a buffer or an
    optimiser's state another tensor is not fine.

    It queues the kernels that eager updates queue. What is tested (tests/unit/test_agent_cuda_graph.py): after 20
    updates TD errors and metrics differ by at most 1e-4 (fp32) or 5e-3 (bf16, fp16), and weights by at most 5% or 20%
    of the way they went.

    Args:
        agent: on a CUDA device.
        example: a batch of the shapes and dtypes that all batches will have, on any device; its values do not matter.

    Raises:
        RuntimeError: the device cannot capture the update, as torch reports it.
    """

    def __init__(self, agent: DDPG, example: TensorBatch) -> None:
        self._inputs = TensorBatch(*(field.to(agent.device, copy=True) for field in example))
        with _restored(agent):
            self._captured = _Captured(
                lambda: agent.update(self._inputs), optimizers=agent.optimizers, generator=agent.generator
            )

    def __call__(self, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        """One update, queued on the current stream; the host does not wait.

        Args:
            batch: on the device, or in pinned memory that must stay as it is until it was copied.

        Returns:
            As `DDPG.update`, but always in the same memory: the next call overwrites it. Work that was queued on the
            current stream before that call still sees these values.

        Raises:
            ValueError: a field has another shape or dtype than in the example.
        """
        for name, target, source in zip(TensorBatch._fields, self._inputs, batch, strict=True):
            if source.shape != target.shape or source.dtype != target.dtype:
                raise ValueError(
                    f"{name} is {tuple(source.shape)} {source.dtype}; "
                    f"the update was captured for {tuple(target.shape)} {target.dtype}"
                )
        for target, source in zip(self._inputs, batch, strict=True):
            target.copy_(source, non_blocking=True)
        return self._captured.replay()


class GraphedPolicy:
    """A policy as a CUDA graph between pinned buffers on the host, with the weights of each moment.

    A call waits for its own actions, so for the work queued before it on the current stream too, and for nothing else.

    Args:
        act: such as `ActorCritic.policy`; it reads the same tensors at every call.
        num_envs: observations in a call.
        observation_shape: (stack, H, W) or (stack, C, H, W).
        device: a CUDA device, where `act` computes.

    Raises:
        RuntimeError: the device cannot capture the policy, as torch reports it.
    """

    def __init__(
        self, act: Act, num_envs: int, observation_shape: Sequence[int], device: torch.device
    ) -> None:
        shape = (num_envs, *observation_shape)
        self._observations = torch.zeros(shape, dtype=torch.uint8, device=device)
        self._captured = _Captured(lambda: act(self._observations))
        actions = self._captured.outputs
        self._host_observations = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self._host_actions = torch.empty(actions.shape, dtype=actions.dtype, pin_memory=True)
        self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def __call__(self, observations: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Actions (num_envs, A) float32, the caller's own, for observations (num_envs, stack, ..., H, W) uint8.

        Raises:
            ValueError: the observations have another shape than the policy was captured for.
            TypeError: they are not uint8.
        """
        pinned = self._host_observations.numpy()
        if observations.shape != pinned.shape:
            raise ValueError(
                f"observations are {observations.shape}; the policy was captured for {pinned.shape}"
            )
        np.copyto(pinned, observations, casting="no")
        self._observations.copy_(self._host_observations, non_blocking=True)
        self._host_actions.copy_(self._captured.replay(), non_blocking=True)
        self._arrived.record()
        self._arrived.synchronize()
        return self._host_actions.numpy().copy()


class _Captured(Generic[Result]):
    """The CUDA work of a function, after a warm-up on a side stream, as in torch's notes on whole-network capture.

    Args:
        function: reads and writes the same tensors at every call, and waits for nothing.
        optimizers: those it steps.
        generator: the random numbers it draws; each replay draws the next ones.
    """

    def __init__(
        self,
        function: Callable[[], Result],
        *,
        optimizers: Sequence[Optimizer] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                function()
        torch.cuda.current_stream().wait_stream(stream)

        self._graph = torch.cuda.CUDAGraph()
        if generator is not None:
            self._graph.register_generator_state(generator)
        for optimizer in optimizers:
            optimizer.zero_grad()  # so that the gradients that stay are the graph's own
        # Other threads (a prefetch's, a checkpoint's) may go on meanwhile: only this one is held to the rules.
        with (
            _capturable(optimizers),
            torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"),
        ):
            self.outputs = function()

    def replay(self) -> Result:
        """Queue the work on the current stream once more. The outputs are always the same tensors."""
        self._graph.replay()
        return self.outputs


@contextmanager
def _restored(agent: DDPG) -> Iterator[None]:
    """Undo, in place, whatever happens to the agent inside."""
    state = copy.deepcopy(agent.state_dict())
    try:
        yield
    finally:
        agent.load_state_dict(state)


@contextmanager
def _capturable(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Let the optimisers step inside a capture. Fused steps are the same with or without this mark, but torch warns of
    a marked one that runs eagerly."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
