"""An update that is not finite is skipped: nothing of the agent changes, and the next good update learns as before.

Every test runs as on a CPU and as on a GPU, whose operations are queued on the CPU if there is no GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from apexline.agent import DDPG, GraphedUpdate, LinearSchedule, ddpg, skipping
from apexline.agent.skipping import Undo, host_reads, is_not_finite
from apexline.replay import TensorBatch

from .agents import VARIANTS, as_on_gpu, batches, make

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(autouse=True, params=["host reads", "as on a gpu"])
def _path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    if request.param == "as on a gpu":
        as_on_gpu(monkeypatch)


def state_of(agent: DDPG) -> dict[str, bytes]:
    """Everything that a skipped update leaves unchanged, as bytes, since NaN differs from itself."""
    named = dict(agent.networks.state_dict())
    for name, optimizer in zip(("critic", "actor"), agent.optimizers, strict=True):
        for index, state in enumerate(optimizer.state.values()):
            named |= {f"{name}_optimizer.{index}.{key}": value for key, value in state.items()}
    return {name: value.cpu().numpy().tobytes() for name, value in named.items()}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def with_field(batch: TensorBatch, field: str, value: float) -> TensorBatch:
    """`batch` with one other value in `field`."""
    return batch._replace(**{field: with_one(getattr(batch, field), value)})


def assert_skipped(agent: DDPG, update: Callable[[TensorBatch], Any], batch: TensorBatch) -> None:
    before, updates = state_of(agent), int(agent.updates)
    td_errors, _ = update(batch)
    assert td_errors.shape == batch.reward.shape
    assert td_errors.isnan().all()
    assert changed(before, state_of(agent)) == set()
    assert agent.updates == updates + 1


def with_one(tensor: Tensor, value: float) -> Tensor:
    """`tensor` with one other value."""
    tensor = tensor.clone()
    tensor.view(-1)[-1] = value
    return tensor


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("field", ["reward", "action", "discount", "weights"])
@pytest.mark.parametrize("changes", VARIANTS)
def test_a_batch_value(field: str, value: float, changes: dict[str, Any]) -> None:
    agent = make(**changes)
    good, other, bad = batches(3)
    agent.update(good)
    assert_skipped(agent, agent.update, with_field(bad, field, value))
    td_errors, metrics = agent.update(other)
    assert td_errors.isfinite().all()
    assert all(metric.isfinite() for metric in metrics.values())


@pytest.mark.parametrize("changes", VARIANTS)
def test_training_continues_as_if_the_update_had_not_been(changes: dict[str, Any]) -> None:
    """With an equal loss scale and the same random numbers."""
    agent, twin = make(**changes), make(**changes)
    made = batches(6)
    for number, batch in enumerate(made):
        bad = with_field(batch, "reward", torch.nan)
        assert_skipped(agent, agent.update, bad)
        twin.generator.set_state(agent.generator.get_state())
        twin.updates.fill_(agent.updates)
        if number == 0 and twin.scaler.is_enabled():
            twin.update(bad)
            twin.generator.set_state(agent.generator.get_state())
            twin.updates.fill_(agent.updates)
        twin.scaler.load_state_dict(agent.scaler.state_dict())
        agent.update(batch)
        twin.update(batch)
    assert changed(state_of(agent), state_of(twin)) == set()
    assert len(changed(state_of(agent), state_of(make(**changes)))) > 20, "they learned"


def undo_from_now_on(agent: DDPG, batch: TensorBatch) -> None:
    """On a CPU, where the critic's step may remain in the first skipped update if only the actor is not finite."""
    if not agent._is_undoable():
        agent.update(with_field(batch, "reward", torch.nan))


def poison(module: nn.Module, value: float) -> None:
    """Set one weight of the last layer of `module`."""
    *_, last = module.parameters()
    last.data.view(-1)[-1] = value


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("critic_encoder", torch.nan),
        ("critic_encoder", torch.inf),
        ("critic", torch.nan),
        ("critic", torch.inf),
        ("actor", torch.nan),
        ("targets", torch.nan),
        ("targets", -torch.inf),
    ],
)
@pytest.mark.parametrize("changes", VARIANTS)
def test_a_weight(part: str, value: float, changes: dict[str, Any]) -> None:
    agent = make(**changes)
    good, other = batches(2)
    agent.update(good)
    module: Any = getattr(agent.networks, part)
    poison(module["critic"] if part == "targets" else module, value)
    if part == "actor":
        undo_from_now_on(agent, good)
    for batch in (good, other):
        assert_skipped(agent, agent.update, batch)


def set_gradient(value: float) -> Callable[[Tensor], Tensor]:
    return lambda gradient: with_one(gradient, value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e25])
@pytest.mark.parametrize("part", ["critic_encoder", "critic", "actor"])
@pytest.mark.parametrize("changes", VARIANTS)
def test_a_gradient(part: str, value: float, changes: dict[str, Any]) -> None:
    """The square of 1e25 overflows in Adam's second moment. The actor's gradient follows the critic's step, which is
    undone: on a CPU from the second skipped update on, unless a large learning rate makes it necessary before."""
    agent = make(**changes)
    good, bad, other = batches(3)
    agent.update(good)
    if part == "actor":
        undo_from_now_on(agent, bad)
    hook = next(getattr(agent.networks, part).parameters()).register_hook(set_gradient(value))
    for _ in range(2):
        assert_skipped(agent, agent.update, bad)
    hook.remove()
    before = state_of(agent)
    td_errors, _ = agent.update(other)
    assert td_errors.isfinite().all()
    assert len(changed(before, state_of(agent))) > 20


def test_the_first_update_of_an_agent() -> None:
    """It has no moments before."""
    agent, twin = make(), make()
    batch, good = batches(2)
    assert_skipped(agent, agent.update, with_field(batch, "reward", torch.nan))
    for optimizer in agent.optimizers:
        assert {float(state["step"]) for state in optimizer.state.values()} == {0.0}
    twin.generator.set_state(agent.generator.get_state())
    agent.update(good)
    twin.update(good)
    assert changed(state_of(agent), state_of(twin)) == set()


def test_on_a_cpu_one_step_of_the_critic_may_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gradient was finite, and the second skipped update leaves it as it is. With a large rate, none remains."""
    monkeypatch.setattr(ddpg, "host_reads", host_reads)
    monkeypatch.setattr(skipping, "host_reads", host_reads)
    for rate, remains in ((3e-4, True), (0.02, False)):
        agent = make(critic_lr=LinearSchedule(rate))
        (batch,) = batches(1)
        hook = next(agent.networks.actor.parameters()).register_hook(set_gradient(torch.nan))
        before = state_of(agent)
        td_errors, _ = agent.update(batch)
        assert td_errors.isnan().all()
        names = changed(before, state_of(agent))
        assert bool(names) == remains
        assert all(name.startswith(("critic", "critic_optimizer")) for name in names)
        assert all(value.isfinite().all() for value in agent.networks.state_dict().values())
        for _ in range(3):
            assert_skipped(agent, agent.update, batch)
        hook.remove()


@pytest.mark.parametrize("rate", [1e6, 1e300])
def test_a_critic_step_that_overflows_is_undone(rate: float) -> None:
    """The critic's gradient is finite, and so is its loss; the actor's loss after its step is not."""
    agent = make(critic_lr=LinearSchedule(rate), output_init=1e30)
    for batch in batches(3):
        assert_skipped(agent, agent.update, batch)
    assert all(value.isfinite().all() for value in agent.networks.state_dict().values())


def test_running_statistics_are_restored() -> None:
    agent = make(normalization="batch")
    good, bad = batches(2)
    agent.update(good)
    before = {name: value.clone() for name, value in agent.networks.named_buffers() if "running" in name}
    assert len(before) > 4
    assert_skipped(agent, agent.update, with_field(bad, "reward", torch.nan))
    after = dict(agent.networks.named_buffers())
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_fp16_lowers_the_scale_until_its_gradients_are_finite() -> None:
    agent = make(precision="fp16")
    agent.scaler.load_state_dict(agent.scaler.state_dict() | {"scale": 2.0**40})
    skipped = []
    for batch in batches(60):
        td_errors, _ = agent.update(batch)
        skipped.append(bool(td_errors.isnan().all()))
    assert all(skipped[:10])
    assert not any(skipped[-20:])
    assert agent.scaler.get_scale() == 2.0 ** (40 - sum(skipped))


def test_an_overflow_of_the_actors_fp16_gradient_skips_the_whole_update() -> None:
    agent = make(precision="fp16", shared_encoder=False)
    good, bad = batches(2)
    agent.update(good)
    scale = agent.scaler.get_scale()
    hook = next(agent.networks.actor.parameters()).register_hook(set_gradient(torch.inf))
    assert_skipped(agent, agent.update, bad)
    hook.remove()
    assert agent.scaler.get_scale() == scale / 2


def test_each_dtype_and_memory_format_is_restored() -> None:
    tensors = [
        torch.rand(3, 4, 2, 2).contiguous(memory_format=torch.channels_last),
        torch.tensor(3),
        torch.rand(5),
        torch.zeros(()),
        torch.arange(4),
    ]
    before = [tensor.clone() for tensor in tensors]
    undo = Undo()
    for skip in (False, True):
        undo.save(tensors)
        for tensor in tensors:
            tensor.fill_(torch.nan if tensor.is_floating_point() else -1)
        undo.restore_if(torch.tensor(skip), tensors)
        assert all(torch.equal(a, b) for a, b in zip(before, tensors, strict=True)) == skip
        for tensor, value in zip(tensors, before, strict=True):
            tensor.copy_(value)


@pytest.mark.parametrize("loss", [1.0, -1e38, torch.nan, torch.inf, -torch.inf])
def test_the_loss_alone_may_be_not_finite(loss: float) -> None:
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    optimizer = torch.optim.SGD([weight, nn.Parameter(torch.ones(1))], 0.1)
    assert bool(is_not_finite(torch.tensor(loss), optimizer)) == (not -1e39 < loss < 1e39)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("graphed", [False, True])
@pytest.mark.parametrize("changes", VARIANTS)
def test_on_a_gpu(changes: dict[str, Any], graphed: bool) -> None:
    agent = make(device="cuda", **changes)
    made = batches(6, device="cuda")
    update = GraphedUpdate(agent, made[0]) if graphed else agent.update
    for batch in made:
        assert_skipped(agent, update, with_field(batch, "reward", torch.nan))
        before = state_of(agent)
        td_errors, metrics = update(batch)
        assert td_errors.isfinite().all()
        assert all(metric.isfinite() for metric in metrics.values())
        assert len(changed(before, state_of(agent))) > 20
    poison(agent.networks.actor, torch.nan)
    assert_skipped(agent, update, made[0])
