"""Graphed updates and policies agree with eager ones, and a capture does not change the agent.

Without a GPU, a stand-in repeats the function instead of the graph, so that everything but the capture is tested.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils._pytree import tree_map

from apexline.agent import (
    DDPG,
    GraphedPolicy,
    GraphedUpdate,
    LinearSchedule,
    cuda_graph,
    make_policy,
    make_update,
)

from .agents import DECAYING, SHAPE, VARIANTS, addresses, batches, equal, make, weights

UPDATES = 20
ALL = [*VARIANTS, {"precision": "fp32", "channels_last": False}, {"precision": "fp16", **DECAYING}]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class Repeated:
    """Stands in for `_Captured` without a graph: static outputs, and it checks that tensors keep their addresses."""

    def __init__(
        self,
        function: Callable[[], Any],
        *,
        optimizers: Sequence[Optimizer] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        for _ in range(cuda_graph.WARM_UP_CALLS):
            function()
        self.function = function
        self.optimizers = optimizers
        self.generator = generator
        self.outputs = tree_map(Tensor.clone, function())
        self.places = self.find()

    def find(self) -> list[int]:
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        tensors = [parameter for group in groups for parameter in group["params"]]
        tensors += [group["lr"] for group in groups if isinstance(group["lr"], Tensor)]
        states = [state for optimizer in self.optimizers for state in optimizer.state.values()]
        tensors += [tensor for state in states for tensor in state.values()]
        return [tensor.data_ptr() for tensor in tensors]

    def replay(self) -> Any:
        assert self.find() == self.places, "a graph would write to the old address"
        tree_map(Tensor.copy_, self.outputs, self.function())
        return self.outputs


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_graph, "_Captured", Repeated)


def state_of(agent: DDPG) -> dict[str, Tensor]:
    """The complete training state, flat and copied."""
    state = copy.deepcopy(agent.state_dict())
    flat: dict[str, Tensor] = dict(state["networks"])
    for name in ("critic_optimizer", "actor_optimizer"):
        for index, moments in state[name]["state"].items():
            flat |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
    flat |= {f"scaler.{name}": torch.tensor(value) for name, value in state["scaler"].items()}
    return flat | {"generator": state["generator"], "updates": torch.tensor(state["updates"])}


@pytest.mark.usefixtures("repeated")
@pytest.mark.parametrize("changes", ALL)
def test_construction_does_not_change_the_agent(changes: dict[str, Any]) -> None:
    agent, twin = make(**changes), make(**changes)
    made = batches(5)
    for batch in made[:2]:
        agent.update(batch)
        twin.update(batch)
    before, places = state_of(agent), addresses(agent)
    GraphedUpdate(agent, made[2])
    assert equal(state_of(agent), before)
    assert addresses(agent) == places
    for batch in made[3:]:
        agent.update(batch)
        twin.update(batch)
    assert equal(weights(agent), weights(twin))


@pytest.mark.usefixtures("repeated")
@pytest.mark.parametrize("changes", ALL)
def test_construction_does_not_change_a_new_agent(changes: dict[str, Any]) -> None:
    """Its optimizers have moments of zero then, which is the same as having none."""
    agent, twin = make(**changes), make(**changes)
    made = batches(4)
    GraphedUpdate(agent, made[0])
    assert equal(weights(agent), weights(twin))
    for batch in made[1:]:
        agent.update(batch)
        twin.update(batch)
    assert equal(state_of(agent), state_of(twin))


@pytest.mark.usefixtures("repeated")
@pytest.mark.parametrize("changes", ALL)
def test_a_call_is_an_update_with_the_given_batch(changes: dict[str, Any]) -> None:
    agent, twin = make(**changes), make(**changes)
    made = batches(6)
    update = GraphedUpdate(agent, made[0])
    memory = set()
    for batch in made[1:]:
        td_errors, metrics = update(batch)
        expected_errors, expected = twin.update(batch)
        assert torch.equal(td_errors, expected_errors)
        assert equal(metrics, expected)
        memory.add(td_errors.data_ptr())
    assert len(memory) == 1
    assert equal(state_of(agent), state_of(twin))


@pytest.mark.usefixtures("repeated")
@pytest.mark.parametrize("changes", ALL)
def test_a_state_may_be_loaded_into_a_graphed_agent(changes: dict[str, Any]) -> None:
    trained = make(seed=3, **changes)
    first, *made = batches(6)
    for batch in made:
        trained.update(batch)
    agent = make(**changes)
    update = GraphedUpdate(agent, first)
    update(first)
    agent.load_state_dict(trained.state_dict())
    for batch in made:
        update(batch)
        trained.update(batch)
    assert equal(state_of(agent), state_of(trained))


@pytest.mark.usefixtures("repeated")
@pytest.mark.parametrize(
    ("field", "wrong", "message"),
    [
        ("reward", torch.zeros(1), r"reward is \(1,\) torch.float32; expected \(8,\) torch.float32"),
        ("discount", torch.zeros(8).double(), r"discount is \(8,\) torch.float64; .* torch.float32"),
    ],
)
def test_a_batch_of_another_shape_or_dtype_is_refused(field: str, wrong: Tensor, message: str) -> None:
    agent = make()
    (batch,) = batches(1)
    update = GraphedUpdate(agent, batch)
    before = state_of(agent)
    with pytest.raises(ValueError, match=message):
        update(batch._replace(**{field: wrong}))
    assert equal(state_of(agent), before)


def test_the_capturable_mark_is_removed() -> None:
    agent = make()

    def marks() -> list[bool]:
        return [optimizer.param_groups[0]["capturable"] for optimizer in agent.optimizers]

    def fail() -> None:
        assert marks() == [True, True]
        raise RuntimeError("no capture")

    with pytest.raises(RuntimeError, match="no capture"), cuda_graph._capturable(agent.optimizers):
        fail()
    assert marks() == [False, False]


def test_updates_and_policies_on_the_cpu_are_eager() -> None:
    agent, twin = make(), make()
    (batch,) = batches(1)
    update = make_update(agent, batch)
    assert update == agent.update
    policy = make_policy(agent.networks.policy, 8, SHAPE, agent.device, graphs=agent.config.cuda_graphs)
    for _ in range(2):
        update(batch)
        twin.update(batch)
        actions = policy(batch.obs.numpy())
        assert actions.dtype == np.float32
        np.testing.assert_array_equal(actions, twin.networks.policy(batch.obs).numpy())


class Observed:
    """An event that has always happened."""

    def record(self) -> None: ...

    def synchronize(self) -> None: ...


@pytest.fixture
def unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces pinned memory and events, which need a GPU."""
    empty = torch.empty

    def empty_unpinned(*args: Any, **options: Any) -> Tensor:
        return empty(*args, **options | {"pin_memory": False})

    monkeypatch.setattr(torch.cuda, "Event", Observed)
    monkeypatch.setattr(torch, "empty", empty_unpinned)


@pytest.mark.usefixtures("repeated", "unpinned")
def test_a_graphed_policy_uses_the_current_weights() -> None:
    agent = make()
    made = batches(4)
    policy = GraphedPolicy(agent.networks.policy, 8, SHAPE, agent.device)
    taken = []
    for batch in made:
        taken.append(policy(batch.obs.numpy()))
        np.testing.assert_array_equal(taken[-1], agent.networks.policy(batch.obs).numpy())
        agent.update(batch)
    np.testing.assert_array_equal(taken[0], make().networks.policy(made[0].obs).numpy())


@pytest.mark.usefixtures("repeated", "unpinned")
def test_a_policy_refuses_other_observations() -> None:
    policy = GraphedPolicy(make().networks.policy, 8, SHAPE, torch.device("cpu"))
    with pytest.raises(ValueError, match=r"observations.shape is \(1, 1, 18, 18\); .* \(8, 1, 18, 18\)"):
        policy(np.zeros((1, *SHAPE), np.uint8))
    with pytest.raises(TypeError, match="float32"):
        policy(np.zeros((8, *SHAPE), np.float32))  # type: ignore[arg-type]


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


class Tolerance(NamedTuple):
    """Allowed difference between graphed and eager updates after up to 20 of them.

    The kernels are the same. Adam amplifies rounding differences: its step depends on the sign of a gradient that is
    almost zero. Hence a norm for weights.
    """

    values: float
    """Of TD errors, metrics and actions, all about 1 in size."""
    way: float
    """Distance between the weights divided by the distance they moved, as Euclidean norms."""


FP32, MIXED = Tolerance(1e-4, 0.05), Tolerance(5e-3, 0.2)


def tolerance(changes: dict[str, Any]) -> Tolerance:
    return FP32 if changes.get("precision") == "fp32" else MIXED


def distance(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    assert a.keys() == b.keys()
    return sum(float((a[name].double() - b[name].double()).square().sum()) for name in a) ** 0.5


def trained_weights(agent: DDPG) -> dict[str, Tensor]:
    """Weights that gradients change: without target networks, averages and BatchNorm's counts."""
    parameters = agent.networks.named_parameters()
    return {name: value.detach().clone() for name, value in parameters if value.requires_grad}


@pytest.mark.gpu
@needs_gpu
@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("changes", ALL)
def test_a_graph_agrees_with_eager_updates(changes: dict[str, Any]) -> None:
    agent, twin = make(device="cuda", **changes), make(device="cuda", **changes)
    made = batches(UPDATES + 2, size=64, device="cuda")
    for learner in (agent, twin):
        learner.update(made[0])
    start = trained_weights(twin)
    update = make_update(agent, made[1])
    assert isinstance(update, GraphedUpdate)
    near = tolerance(changes)
    for batch in made[2:]:
        td_errors, metrics = update(batch)
        expected_errors, expected = twin.update(batch)
        torch.testing.assert_close(td_errors, expected_errors, rtol=0, atol=near.values)
        torch.testing.assert_close(metrics, expected, rtol=0, atol=near.values)
    went = distance(trained_weights(twin), start)
    assert distance(trained_weights(agent), trained_weights(twin)) < near.way * went
    copies = [name for name in weights(twin) if name.startswith(("targets.", "average."))]
    for name in copies:
        torch.testing.assert_close(weights(agent)[name], weights(twin)[name], rtol=0, atol=near.values)
    assert torch.equal(agent.generator.get_state(), twin.generator.get_state())
    assert agent.updates == twin.updates == UPDATES + 1
    assert agent.scaler.get_scale() == twin.scaler.get_scale()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("changes", ALL)
def test_a_capture_does_not_change_the_agent(changes: dict[str, Any]) -> None:
    agent = make(device="cuda", **changes)
    made = batches(2, device="cuda")
    agent.update(made[0])
    before, places = state_of(agent), addresses(agent)
    make_update(agent, made[1])
    assert equal(state_of(agent), before)
    assert addresses(agent) == places


@pytest.mark.gpu
@needs_gpu
def test_learning_rates_are_annealed_inside_the_graph() -> None:
    agent = make(
        device="cuda", critic_lr=LinearSchedule(0.1, 0.02, 4), actor_lr=LinearSchedule(0.01, 0.002, 4)
    )
    made = batches(6, device="cuda")
    update = make_update(agent, made[0])
    rates = []
    for batch in made:
        update(batch)
        rates.append([float(optimizer.param_groups[0]["lr"]) for optimizer in agent.optimizers])
    fractions = torch.tensor([1.0, 0.8, 0.6, 0.4, 0.2, 0.2])
    torch.testing.assert_close(torch.tensor(rates), fractions[:, None] * torch.tensor([0.1, 0.01]))


@pytest.mark.gpu
@needs_gpu
def test_a_graph_skips_a_step_that_overflows() -> None:
    agent = make(device="cuda", precision="fp16")
    good, bad = batches(2, device="cuda")
    update = make_update(agent, good)
    update(good)
    before, scale = weights(agent), agent.scaler.get_scale()
    update(bad._replace(weights=torch.full_like(bad.weights, torch.inf)))
    trained = [name for name in before if name.startswith(("critic.", "critic_encoder."))]
    assert all(torch.equal(before[name], weights(agent)[name]) for name in trained)
    assert agent.scaler.get_scale() == scale / 2


@pytest.mark.gpu
@needs_gpu
@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("changes", ALL)
def test_a_graph_continues_from_a_loaded_state(changes: dict[str, Any]) -> None:
    trained, agent = make(device="cuda", seed=3, **changes), make(device="cuda", **changes)
    first, *made = batches(6, device="cuda")
    update = make_update(agent, first)
    update(first)
    for batch in made:
        trained.update(batch)
    agent.load_state_dict(trained.state_dict())
    assert equal(state_of(agent), state_of(trained))
    start = trained_weights(trained)
    for batch in made:
        update(batch)
        trained.update(batch)
    went = distance(trained_weights(trained), start)
    assert distance(trained_weights(agent), trained_weights(trained)) < tolerance(changes).way * went


@pytest.mark.gpu
@needs_gpu
@pytest.mark.usefixtures("deterministic")
def test_graphed_and_eager_updates_may_alternate() -> None:
    agent, twin = (make(device="cuda", precision="fp32") for _ in range(2))
    made = batches(8, device="cuda")
    start = trained_weights(twin)
    update = make_update(agent, made[0])
    for index, batch in enumerate(made):
        (update if index % 2 else agent.update)(batch)
        twin.update(batch)
    went = distance(trained_weights(twin), start)
    assert distance(trained_weights(agent), trained_weights(twin)) < FP32.way * went


@pytest.mark.gpu
@needs_gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
@pytest.mark.parametrize("changes", ALL)
def test_graphed_updates_never_synchronize(changes: dict[str, Any]) -> None:
    agent = make(device="cuda", **changes)
    pinned = [batch.map(lambda tensor: tensor.pin_memory()) for batch in batches(5)]
    update = make_update(agent, pinned[0])
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in pinned:
            td_errors, _ = update(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert td_errors.isfinite().all()
    assert agent.updates == 5


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("changes", ALL)
def test_a_graphed_policy_agrees_with_the_eager_one(changes: dict[str, Any]) -> None:
    agent = make(device="cuda", **changes)
    made = batches(6, device="cuda")
    update = make_update(agent, made[0])
    policy = make_policy(agent.networks.policy, 8, SHAPE, agent.device, graphs=agent.config.cuda_graphs)
    assert isinstance(policy, GraphedPolicy)
    for batch in made:
        update(batch)
        eager = agent.networks.policy(batch.obs).cpu()
        given = torch.from_numpy(policy(batch.obs.cpu().numpy()))
        torch.testing.assert_close(given, eager, rtol=0, atol=tolerance(changes).values)


@pytest.mark.gpu
@needs_gpu
def test_graphs_can_be_switched_off() -> None:
    agent = make(device="cuda", cuda_graphs=False)
    (batch,) = batches(1, device="cuda")
    assert make_update(agent, batch) == agent.update
    policy = make_policy(agent.networks.policy, 8, SHAPE, agent.device, graphs=agent.config.cuda_graphs)
    assert not isinstance(policy, GraphedPolicy)
    np.testing.assert_array_equal(
        policy(batch.obs.cpu().numpy()), agent.networks.policy(batch.obs).cpu().numpy()
    )
