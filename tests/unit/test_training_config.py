"""Configurations: bounds, round trips, and what the presets promise."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from apexline.agent import LinearSchedule
from apexline.training import PRESETS, InputError, TrainConfig, preset
from apexline.training.config.train_config import check, from_dict, to_dict


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: str) -> None:
    config = PRESETS[name]
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("loop", "batch_size", -3),
        ("loop", "replay_ratio", 0.0),
        ("loop", "replay_ratio", float("inf")),
        ("loop", "reward_scale", float("inf")),
        ("noise", "mu", float("nan")),
        ("replay", "gamma", 1.5),
        ("replay", "capacity", 0),
        ("agent", "tau", 0.0),
        ("agent", "encoder", "resnet"),
        ("agent", "hidden", (256, 0)),
        ("budget", "minutes", -1.0),
        ("game", "action_repeat", 0),
        ("game", "action_repeat", "four"),
    ],
)
def test_a_bad_field_is_named_with_its_value(section: str, field: str, value: object) -> None:
    values = to_dict(PRESETS["cpu"])
    values[section][field] = value
    with pytest.raises(InputError) as error:
        from_dict(values, "config.json")
    message = str(error.value)
    assert message.startswith("config.json: ")
    assert field in message
    assert str(value[-1] if isinstance(value, tuple) else value) in message


def test_a_bad_schedule_is_named_with_its_value() -> None:
    values = to_dict(PRESETS["cpu"])
    values["noise"]["sigma"]["start"] = -0.1
    with pytest.raises(InputError, match=r"config.json: noise\.sigma\.start is -0\.1; expected >= 0"):
        from_dict(values, "config.json")
    values["noise"]["sigma"] = {"start": 1.0, "end": 0.5, "over": 0}
    with pytest.raises(InputError, match=r"noise\.sigma\.over is 0; expected >= 1"):
        from_dict(values)


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (LinearSchedule(1.5), r"replay\.shift\.start is 1\.5; expected whole pixels >= 0"),
        (LinearSchedule(2, 3, 9), r"replay\.shift\.end is 3\.0; expected <= shift\.start"),
    ],
)
def test_a_shift_is_whole_pixels_and_falls(shift: LinearSchedule, message: str) -> None:
    values = to_dict(PRESETS["cpu"])
    values["replay"]["shift"] = vars(shift)
    with pytest.raises(InputError, match=message):
        from_dict(values)


def test_unknown_fields_are_refused() -> None:
    values = to_dict(PRESETS["cpu"]) | {"learning_rate": 1}
    with pytest.raises(InputError, match="learning_rate"):
        from_dict(values)


def test_a_capacity_below_a_batch_is_refused() -> None:
    config = PRESETS["cpu"]
    config = replace(config, replay=replace(config.replay, capacity=127))
    with pytest.raises(InputError, match=r"replay\.capacity is 127.*128"):
        check(config)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(InputError, match=r"'fast'.*cpu, cuda, notebook"):
        preset("fast")


def test_the_notebook_preset_is_the_notebook() -> None:
    config = PRESETS["notebook"]
    assert (config.agent.critic_lr, config.agent.actor_lr) == (LinearSchedule(5e-5), LinearSchedule(5e-6))
    assert (config.replay.gamma, config.agent.tau) == (0.99, 0.001)
    assert (config.loop.batch_size, config.replay.capacity) == (32, 20_000)
    assert (config.replay.alpha, config.replay.n_step, config.replay.shift) == (0.0, 1, LinearSchedule(0))
    assert (config.game.frame_shape, config.replay.frame_stack) == ((3, 96, 96), 1)
    assert (config.noise.kind, config.noise.theta, config.noise.mu) == ("ou", 0.15, 0.0)
    assert (config.noise.sigma, config.noise.dt) == (LinearSchedule(0.3), 0.01)
    assert config.agent.target_actor
    assert config.agent.action_join == "first"


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_the_recipes_switch_every_training_rule_on(name: str) -> None:
    rules = PRESETS[name].rules
    assert (rules.stall_steps, rules.stall_penalty) == (25, 10.0)
    assert rules.lap_bonus == 300.0
    assert (rules.missed_tile_penalty, rules.missed_tile_margin) == (15.0, 3)
    assert rules.idle_penalty == 0


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_the_recipes_strict_rules_are_the_same_at_higher_prices(name: str) -> None:
    first, strict = PRESETS[name].rules, PRESETS[name].strict
    assert strict.after_steps > 0
    prices = ("stall_penalty", "idle_penalty", "missed_tile_penalty")
    assert all(getattr(strict.rules, price) > getattr(first, price) for price in prices)
    assert strict.rules.lap_bonus == first.lap_bonus


def test_strict_rules_that_are_all_off_are_refused() -> None:
    values = to_dict(PRESETS["notebook"])
    values["strict"]["after_steps"] = 1_000
    with pytest.raises(InputError, match=r"strict\.after_steps is 1000, but strict\.rules are all off"):
        from_dict(values)
    values["strict"]["rules"]["idle_penalty"] = 1.0
    assert from_dict(values).strict.rules.idle_penalty == 1


def test_defaults_are_checked_too() -> None:
    check(TrainConfig())
