"""TorchRL: segment trees in C++, and a prioritized buffer of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from tensordict import TensorDict
from torchrl._torchrl import SumSegmentTreeFp32
from torchrl.data import LazyTensorStorage, MultiStep, TensorDictPrioritizedReplayBuffer

from benchmarks.peers.works import episodes
from benchmarks.peers.works.episodes import STEPS, TRANSITIONS, Episode, Replay
from benchmarks.peers.works.leaves import BATCH, Tree
from benchmarks.peers.works.protocol import serve


class TorchTree(Tree):
    notes = ("float32", "samples as its prioritized sampler does")

    def fill(self, priorities: NDArray[np.float64]) -> None:
        self.tree = SumSegmentTreeFp32(len(priorities))
        self.tree[np.arange(len(priorities))] = priorities.astype(np.float32)

    def draw(self) -> ArrayLike:
        total = self.tree.query(0, self.leaves)
        masses = np.random.uniform(0.0, total, size=BATCH)  # noqa: NPY002 - as its sampler does
        indices = self.tree.scan_lower_bound(masses)
        drawn: ArrayLike = np.minimum(
            indices, self.leaves - 1, out=indices
        )  # a mass may round up to the total
        return drawn

    def arguments(self, indices: NDArray[np.int64], priorities: NDArray[np.float64]) -> tuple[Any, Any]:
        return indices, priorities.astype(np.float32)

    def put(self, indices: Any, priorities: Any) -> None:
        self.tree[indices] = priorities


class TorchReplay(Replay):
    notes = (
        "n_step 3 by `MultiStep`, computed before data are stored",
        "PER",
        "stores whole stacks and next stacks",
        "returns tensors",
    )

    def fill(self) -> None:
        self.buffer = TensorDictPrioritizedReplayBuffer(
            alpha=episodes.ALPHA,
            beta=episodes.BETA,
            eps=episodes.EPSILON,
            storage=LazyTensorStorage(TRANSITIONS),
            batch_size=episodes.BATCH,
        )
        multi_step = MultiStep(gamma=episodes.GAMMA, n_steps=self.n_step)
        for number in range(TRANSITIONS // STEPS):
            episode = Episode.make(number)
            terminated = torch.from_numpy(episode.terminated)[None, :, None]
            one_step = {
                "obs": torch.from_numpy(episode.obs)[None],
                "action": torch.from_numpy(episode.action)[None],
                "next": {
                    "obs": torch.from_numpy(episode.next_obs)[None],
                    "reward": torch.from_numpy(episode.reward)[None, :, None],
                    "done": terminated,
                    "terminated": terminated,
                },
            }
            self.buffer.extend(multi_step(TensorDict(one_step, batch_size=[1, STEPS])).reshape(-1))
        assert len(self.buffer) == TRANSITIONS

    def draw(self) -> TensorDict:
        return self.buffer.sample()

    def fields(self, batch: TensorDict) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
        return batch["obs"], batch["action"], batch["next", "reward"], batch["next", "obs"]

    def indices(self, batch: TensorDict) -> Any:
        return batch["index"]

    def errors(self, errors: NDArray[np.float64]) -> Any:
        return torch.from_numpy(errors.astype(np.float32))

    def put(self, indices: Any, errors: Any) -> None:
        self.buffer.update_priority(indices, errors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    works = {"tree": TorchTree, "replay": TorchReplay}
    serve(works, ["torchrl", "numpy", "tensordict", "torch"])
