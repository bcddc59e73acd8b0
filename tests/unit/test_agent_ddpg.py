"""The agent as a whole: learning, determinism, resuming, and fp16 overflow."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from apexline.agent import LinearSchedule
from apexline.agent.config import PrecisionName
from apexline.replay import TensorBatch

from .agents import DECAYING, SHAPE, VARIANTS, addresses, as_on_gpu, batches, equal, make, weights


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("changes", VARIANTS)
def test_same_seed_same_weights(changes: dict[str, Any]) -> None:
    first, second, other = make(7, **changes), make(7, **changes), make(8, **changes)
    for batch in batches(20):
        for agent in (first, second, other):
            agent.update(batch)
    assert equal(weights(first), weights(second))
    assert not equal(weights(first), weights(other))


def test_initial_weights_depend_only_on_the_seed() -> None:
    first = make(7)
    torch.rand(1)
    assert equal(weights(first), weights(make(7)))
    assert not equal(weights(first), weights(make(8)))


def test_smoothing_noise_depends_on_the_seed() -> None:
    agent, other = make(smoothing_sigma=0.3), make(smoothing_sigma=0.3)
    other.generator.manual_seed(1)
    (batch,) = batches(1)
    agent.update(batch)
    other.update(batch)
    assert not equal(weights(agent), weights(other))


def test_global_generators_are_not_changed() -> None:
    before = torch.get_rng_state()
    make(3).update(batches(1)[0])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_saved_agent_continues_bit_for_bit(changes: dict[str, Any]) -> None:
    agent = make(**changes)
    first, second = batches(10)[:5], batches(10)[5:]
    for batch in first:
        agent.update(batch)
    file = io.BytesIO()
    torch.save(agent.state_dict(), file)
    file.seek(0)
    resumed = make(seed=99, **changes)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert resumed.updates == 5
    for batch in second:
        agent.update(batch)
        resumed.update(batch)
    assert equal(weights(agent), weights(resumed))


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize("updates_saved", [0, 3])
def test_a_state_is_loaded_into_the_same_memory(updates_saved: int, changes: dict[str, Any]) -> None:
    saved, agent, fresh = (make(seed=seed, **changes) for seed in (1, 2, 3))
    made = batches(6)
    for batch in made[:updates_saved]:
        saved.update(batch)
    for batch in made[3:5]:
        agent.update(batch)
    before = addresses(agent)

    agent.load_state_dict(saved.state_dict())
    fresh.load_state_dict(saved.state_dict())
    for learner in (agent, fresh, saved):
        learner.update(made[5])

    assert addresses(agent) == before
    assert equal(weights(agent), weights(saved))
    assert equal(weights(fresh), weights(saved)), "two agents that share nothing"
    assert not addresses(fresh) & addresses(saved)


class NoHostReads(TorchDispatchMode):
    """Fails if the host reads a tensor's value, for which it would have to wait for a GPU."""

    READS = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero")

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function.name().removeprefix("aten::").partition(".")[0] in self.READS:
            raise AssertionError(f"{function.name()} reads a tensor's value on the host")
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("changes", VARIANTS)
def test_an_update_on_a_gpu_reads_nothing_on_the_host(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_on_gpu(monkeypatch)
    agent = make(**changes)
    for batch in batches(2):
        with NoHostReads():
            agent.update(batch)


@pytest.mark.parametrize("read", [Tensor.item, float, bool, lambda value: value[value > 0]])
def test_a_host_read_is_detected(read: Callable[[Tensor], Any]) -> None:
    with NoHostReads(), pytest.raises(AssertionError, match="on the host"):
        read(torch.ones(()))


def test_a_resumed_agent_keeps_its_loss_scale() -> None:
    agent = make(precision="fp16")
    (batch,) = batches(1)
    agent.update(batch._replace(weights=torch.full_like(batch.weights, torch.inf)))
    resumed = make(precision="fp16")
    resumed.load_state_dict(agent.state_dict())
    assert resumed.scaler.get_scale() == agent.scaler.get_scale() == 32_768


def test_an_update_ends_with_a_soft_update_of_the_targets() -> None:
    agent = make(tau=0.25)
    before = weights(agent)
    agent.update(batches(1)[0])
    after = weights(agent)
    for name in (name for name in after if name.startswith("critic.")):
        torch.testing.assert_close(
            after[f"targets.{name}"], torch.lerp(before[f"targets.{name}"], after[name], 0.25)
        )


def test_learning_rates_come_from_the_config_not_the_checkpoint() -> None:
    agent = make(actor_lr=LinearSchedule(1e-2))
    agent.load_state_dict(make(actor_lr=LinearSchedule(1e-4)).state_dict())
    assert agent.actor_optimizer.param_groups[0]["lr"] == 1e-2


def test_online_weights_load_into_an_agent_with_other_copies() -> None:
    trained = make()
    for batch in batches(3):
        trained.update(batch)
    agent = make(seed=5, ema=0.99)
    agent.networks.load_online(trained.networks.state_dict())
    obs = batches(1)[0].obs
    assert torch.equal(agent.networks.policy(obs), trained.networks.policy(obs))
    assert torch.equal(agent.networks.evaluation_policy(obs), trained.networks.policy(obs))
    assert agent.updates == 0


def test_a_state_without_a_part_is_refused() -> None:
    state = make().state_dict()
    del state["generator"]
    with pytest.raises(KeyError, match="generator"):
        make().load_state_dict(state)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_precision_stays_finite(precision: PrecisionName) -> None:
    agent = make(precision=precision)
    for batch in batches(5):
        td_errors, metrics = agent.update(batch)
    assert td_errors.shape == (8,)
    assert td_errors.dtype == torch.float32
    assert td_errors.isfinite().all()
    assert set(metrics) == {
        "losses/critic",
        "losses/actor",
        "losses/q_values",
        "losses/target_q",
        "losses/td_error_abs",
        "charts/action_saturation",
    }
    for value in metrics.values():
        assert value.shape == ()
        assert value.isfinite()
        assert not value.requires_grad
    assert all(value.isfinite().all() for value in weights(agent).values())


def test_fp16_skips_a_step_that_overflows_and_halves_the_scale() -> None:
    agent = make(precision="fp16")
    good, bad = batches(2)
    agent.update(good)
    before, scale = weights(agent), agent.scaler.get_scale()
    agent.update(bad._replace(weights=torch.full_like(bad.weights, torch.inf)))
    after = weights(agent)
    trained = [name for name in after if name.startswith(("critic.", "critic_encoder."))]
    assert equal({name: before[name] for name in trained}, {name: after[name] for name in trained})
    assert agent.scaler.get_scale() == scale / 2
    agent.update(good)
    assert not torch.equal(
        weights(agent)["critic.critics.0.output.weight"], before["critic.critics.0.output.weight"]
    )


def test_learning_rates_fall_linearly_then_stay_constant() -> None:
    agent = make(critic_lr=LinearSchedule(0.1, 0.02, 4), actor_lr=LinearSchedule(0.01, 0.002, 4))
    optimizers = (agent.critic_optimizer, agent.actor_optimizer)
    rates = []
    for batch in batches(6):
        agent.update(batch)
        rates.append([float(optimizer.param_groups[0]["lr"]) for optimizer in optimizers])
    fractions = torch.tensor([1.0, 0.8, 0.6, 0.4, 0.2, 0.2])
    torch.testing.assert_close(torch.tensor(rates), fractions[:, None] * torch.tensor([0.1, 0.01]))


def test_a_learning_rate_of_zero_changes_nothing() -> None:
    agent = make(actor_lr=LinearSchedule(3e-4, 0.0, 2), critic_lr=LinearSchedule(3e-4, 0.0, 2))
    first, second, third = batches(3)
    agent.update(first)
    agent.update(second)
    before = weights(agent)
    agent.update(third)
    after = weights(agent)
    online = [name for name in after if not name.startswith("targets.")]
    assert equal({name: before[name] for name in online}, {name: after[name] for name in online})


def test_it_learns_the_best_action_of_each_image() -> None:
    """A bandit with reward -|a - best|^2, where dark and bright images have different best actions."""
    agent = make(
        actor_lr=LinearSchedule(3e-3), critic_lr=LinearSchedule(3e-3), hidden=(32, 32), precision="fp32"
    )
    generator = torch.Generator().manual_seed(2)
    images = torch.tensor([40, 200], dtype=torch.uint8)[:, None, None, None].repeat(1, *SHAPE)
    best = torch.tensor([[-0.5, 0.7], [0.6, 0.3]])
    low, high = torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 1.0])
    for _ in range(400):
        kind = torch.randint(2, (64,), generator=generator)
        action = torch.lerp(low, high, torch.rand(64, 2, generator=generator))
        reward = -(action - best[kind]).square().sum(1)
        obs = images[kind]
        agent.update(
            TensorBatch(obs, action, reward, torch.zeros(64), obs, torch.ones(64), torch.arange(64), {})
        )
    torch.testing.assert_close(agent.networks.policy(images), best, atol=0.1, rtol=0)


def test_an_actors_own_bounds_hold_while_it_learns() -> None:
    agent = make(actor_lr=LinearSchedule(0.1), preactivation_penalty=0.0)
    for batch in batches(20):
        agent.update(batch)
        action = agent.networks.policy(batch.obs)
        assert (action >= torch.tensor([-1.0, 0.0])).all()
        assert (action <= 1).all()


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
@pytest.mark.parametrize("changes", [*VARIANTS, {"precision": "fp16", **DECAYING}])
def test_an_update_on_the_gpu_never_synchronizes(changes: dict[str, Any]) -> None:
    agent = make(device="cuda", **changes)
    made = batches(6, device="cuda")
    agent.update(made[0])
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in made[1:]:
            td_errors, _ = agent.update(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert td_errors.isfinite().all()
    assert agent.updates == 6


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_checkpoint_continues_on_the_cpu() -> None:
    trained = make(device="cuda", precision="fp32", smoothing_sigma=0.0)
    for batch in batches(3, device="cuda"):
        trained.update(batch)
    agent = make(precision="fp32", smoothing_sigma=0.0)
    state = trained.state_dict() | {"generator": agent.generator.get_state()}
    agent.load_state_dict(state)
    agent.update(batches(1)[0])
    assert agent.updates == 4
