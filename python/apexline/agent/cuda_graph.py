"""The update and the policy as CUDA graphs: hundreds of kernels queued by one launch.

A graph is an optional outer wrapper: it replays the kernels of the eager functions at the memory addresses of their
capture. `execution.make_update` and `make_policy` choose between both; nothing else in the agent depends on graphs.
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

from apexline.agent.ddpg import DDPG
from apexline.agent.updates import UPDATE_FIELDS, Metrics
from apexline.replay import TensorBatch

Act = Callable[[Tensor], Tensor]
"""Actions (num_envs, A) float32 for observations (num_envs, stack, ..., H, W) uint8, both on the device."""

WARM_UP_CALLS = 3
"""Calls before a capture, in which libraries choose algorithms and allocate workspaces; PyTorch's own number."""

Result = TypeVar("Result")


class GraphedUpdate:
    """`agent.update` as a CUDA graph: critic, actor, loss scale, targets, averages, learning rates, update counter.

    Construction leaves the agent unchanged: the warm-up updates are undone, random state included. A state may be
    loaded into the agent before or after, since `DDPG.load_state_dict` and `ActorCritic.load_online` write in place,
    and `agent.update` may be called in between. A parameter, buffer or optimizer state must not be replaced by another
    tensor, because the graph holds the addresses of the captured ones.

    A graphed update queues the same kernels as an eager one. Tested tolerances (tests/unit/test_agent_cuda_graph.py):
    after 20 updates, TD errors and metrics differ by at most 1e-4 (fp32) or 5e-3 (bf16, fp16), and weights by at most
    5% or 20% of the distance they moved.

    Args:
        agent: on a CUDA device.
        example: a batch with the shapes and dtypes of all later batches, on any device; its values are not used.

    Raises:
        RuntimeError: the device cannot capture the update, as torch reports it.
    """

    def __init__(self, agent: DDPG, example: TensorBatch) -> None:
        self._inputs = example._replace(
            **{name: getattr(example, name).to(agent.device, copy=True) for name in UPDATE_FIELDS},
            indices=torch.empty(0),
            extras={},
        )
        with _restored(agent):
            self._captured = _Captured(
                lambda: agent.update(self._inputs), optimizers=agent.optimizers, generator=agent.generator
            )

    def __call__(self, batch: TensorBatch) -> tuple[Tensor, Metrics]:
        """Queue one update on the current stream; the host does not wait.

        Args:
            batch: on the device, or in pinned memory that must not change until it has been copied.

        Returns:
            As `DDPG.update`, in memory that the next call overwrites. Work queued on the current stream before that
            call reads these values.

        Raises:
            ValueError: a field has another shape or dtype than in the example.
        """
        copies = [(name, getattr(self._inputs, name), getattr(batch, name)) for name in UPDATE_FIELDS]
        for name, target, source in copies:
            if source.shape != target.shape or source.dtype != target.dtype:
                raise ValueError(
                    f"{name} is {tuple(source.shape)} {source.dtype}; "
                    f"expected {tuple(target.shape)} {target.dtype}, as captured"
                )
        for _, target, source in copies:
            target.copy_(source, non_blocking=True)
        return self._captured.replay()


class GraphedPolicy:
    """A policy as a CUDA graph between pinned host buffers; every call reads the current weights.

    A call waits for its own actions, hence for work queued before it on the current stream, and for nothing else.

    Args:
        act: such as `ActorCritic.policy`; it must read the same tensors at every call.
        num_envs: observations per call.
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
        self._arrived = torch.cuda.Event()

    def __call__(self, observations: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Actions (num_envs, A) float32 in a new array, for observations (num_envs, stack, ..., H, W) uint8.

        Raises:
            ValueError: the observations have another shape than the policy was captured for.
            TypeError: they are not uint8.
        """
        pinned = self._host_observations.numpy()
        if observations.shape != pinned.shape:
            raise ValueError(
                f"observations.shape is {observations.shape}; expected {pinned.shape}, as captured"
            )
        np.copyto(pinned, observations, casting="no")
        self._observations.copy_(self._host_observations, non_blocking=True)
        self._host_actions.copy_(self._captured.replay(), non_blocking=True)
        self._arrived.record()
        self._arrived.synchronize()
        return self._host_actions.numpy().copy()


class _Captured(Generic[Result]):
    """The captured CUDA work of a function, after a warm-up on a side stream (PyTorch's whole-network capture).

    Args:
        function: must read and write the same tensors at every call and never synchronize.
        optimizers: the optimizers that it steps.
        generator: the generator that it draws from; each replay advances it.
    """

    def __init__(
        self,
        function: Callable[[], Result],
        *,
        optimizers: Sequence[Optimizer] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                function()
        torch.cuda.current_stream().wait_stream(stream)

        self._graph = torch.cuda.CUDAGraph()
        if generator is not None:
            self._graph.register_generator_state(generator)
        for optimizer in optimizers:
            optimizer.zero_grad()  # so that the capture allocates the gradients in the graph's memory
        # Other threads (prefetch, checkpoint) may call CUDA during the capture: it restricts this thread only.
        with (
            _capturable(optimizers),
            torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"),
        ):
            self.outputs = function()

    def replay(self) -> Result:
        """Queue the captured work on the current stream. Returns the same tensors at every call."""
        self._graph.replay()
        return self.outputs


@contextmanager
def _restored(agent: DDPG) -> Iterator[None]:
    """Restore the agent, in place, on exit."""
    state = copy.deepcopy(agent.state_dict())
    try:
        yield
    finally:
        agent.load_state_dict(state)


@contextmanager
def _capturable(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Mark the optimizers as capturable. Fused steps do not depend on the mark, but torch warns of a marked optimizer
    that steps eagerly, so it is removed on exit."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
