"""Configurations: bounds, contradictions, round trips, and the values of the presets."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apexline.agent import LinearSchedule
from apexline.racing import ShapingRules
from apexline.training import PRESETS, InputError, TrainConfig, preset
from apexline.training.config.train_config import ShapingPhase
from apexline.training.config.validation import check, from_dict, to_dict


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip_through_json(name: str) -> None:
    config = PRESETS[name]
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize("size", [None, 64, (84, 80), (1, 84)])
def test_frame_sizes_round_trip_through_json(size: int | tuple[int, int] | None) -> None:
    preset = PRESETS["cpu"]
    config = replace(preset, game=replace(preset.game, frame_size=size))
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize("size", ["wide", 8.5, [84], [84, 84, 3], [84, "wide"]])
def test_frame_sizes_of_wrong_types_are_refused(size: object) -> None:
    values = to_dict(PRESETS["cpu"])
    values["game"]["frame_size"] = size
    message = f"game.frame_size is {size!r}; expected an integer or two integers"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        from_dict(values)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("learning", "batch_size", -3),
        ("learning", "replay_ratio", 0.0),
        ("learning", "replay_ratio", float("inf")),
        ("learning", "reward_scale", float("inf")),
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
def test_a_shift_is_whole_pixels_and_does_not_increase(shift: LinearSchedule, message: str) -> None:
    values = to_dict(PRESETS["cpu"])
    values["replay"]["shift"] = vars(shift)
    with pytest.raises(InputError, match=message):
        from_dict(values)


def test_unknown_fields_are_refused() -> None:
    values = to_dict(PRESETS["cpu"]) | {"learning_rate": 1}
    with pytest.raises(InputError, match="learning_rate"):
        from_dict(values)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(InputError, match=r"preset is fast; expected one of auto, cpu, cuda, notebook"):
        preset("fast")


def test_the_notebook_preset_has_the_hyperparameters_of_the_notebook() -> None:
    config = PRESETS["notebook"]
    assert (config.agent.critic_lr, config.agent.actor_lr) == (LinearSchedule(5e-5), LinearSchedule(5e-6))
    assert (config.replay.gamma, config.agent.tau) == (0.99, 0.001)
    assert (config.learning.batch_size, config.replay.capacity) == (32, 20_000)
    assert (config.replay.alpha, config.replay.n_step, config.replay.shift) == (0.0, 1, LinearSchedule(0))
    assert (config.game.frame_shape, config.replay.frame_stack) == ((3, 96, 96), 1)
    assert (config.noise.kind, config.noise.theta, config.noise.mu) == ("ou", 0.15, 0.0)
    assert (config.noise.sigma, config.noise.dt) == (LinearSchedule(0.3), 0.01)
    assert config.agent.target_actor
    assert config.agent.action_join == "first"


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_the_first_phase_uses_every_rule_but_one(name: str) -> None:
    rules = PRESETS[name].shaping[0].rules
    assert (rules.stall_steps, rules.stall_penalty) == (25, 10.0)
    assert rules.lap_bonus == 300.0
    assert (rules.missed_tile_penalty, rules.missed_tile_margin) == (15.0, 3)
    assert rules.idle_penalty == 0


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_the_second_phase_has_larger_penalties(name: str) -> None:
    first, second = PRESETS[name].shaping
    assert second.start_step == 70_000
    penalties = ("stall_penalty", "idle_penalty", "missed_tile_penalty")
    assert all(getattr(second.rules, penalty) > getattr(first.rules, penalty) for penalty in penalties)
    assert second.rules.lap_bonus == first.rules.lap_bonus


def changed(**changes: dict[str, Any]) -> TrainConfig:
    """The preset cpu with some fields of its groups changed."""
    config = PRESETS["cpu"]
    return replace(
        config, **{group: replace(getattr(config, group), **fields) for group, fields in changes.items()}
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            changed(replay={"capacity": 127}),
            r"replay\.capacity is 127; expected >= learning\.batch_size, 128",
        ),
        (
            changed(game={"crop_hud": False}),
            r"agent\.flip_augmentation is True; expected False if game\.crop_hud",
        ),
        (changed(game={"continuous": False, "pedal": False}), r"game\.continuous is False; expected True"),
        (
            changed(game={"gray": False, "road_contrast": False}),
            r"game\.channels_first is False; expected True for colour images",
        ),
        (
            changed(game={"keep_dim": True}),
            r"game\.channels_first is False; expected True with game\.keep_dim",
        ),
        (
            changed(game={"frame_stack": 4}),
            r"^game\.frame_stack is 4; expected 1, as replay\.frame_stack makes",
        ),
        (changed(game={"max_episode_frames": None}), r"game\.max_episode_frames is None; expected a limit"),
        (changed(game={"lap_complete_percent": 0.5}), r"game\.lap_complete_percent is 0\.5; expected 0\.95"),
        (
            replace(changed(game={"ends_at_start_line": True}), backend="gymnasium"),
            r"game\.ends_at_start_line is True; expected False with backend 'gymnasium'",
        ),
        (
            replace(changed(game={"start_tile": "random"}), backend="gymnasium"),
            r"game\.start_tile is 'random'; expected 0 with backend 'gymnasium'",
        ),
        (
            replace(changed(game={"friction": 0.5}), backend="gymnasium"),
            r"game\.friction is 0\.5; expected 1\.0 with backend 'gymnasium'",
        ),
        (changed(agent={"smoothing_clip": 0.0}), r"agent\.smoothing_clip is 0; expected > 0"),
    ],
)
def test_contradictions_are_refused(config: TrainConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(config)


IDLE = ShapingRules(idle_penalty=1.0)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ((), "shaping is empty; expected at least one phase"),
        ((ShapingPhase(5),), r"shaping\.0\.start_step is 5; expected 0"),
        (
            (ShapingPhase(), ShapingPhase(9, IDLE), ShapingPhase(9)),
            r"shaping\.2\.start_step is 9; expected > shaping\.1\.start_step, 9",
        ),
        ((ShapingPhase(), ShapingPhase(9)), r"shaping\.1\.rules are those of shaping\.0"),
        ((ShapingPhase(), ShapingPhase(-1, IDLE)), r"shaping\.1\.start_step is -1; expected >= 0"),
    ],
)
def test_phases_are_in_order_and_differ(phases: tuple[ShapingPhase, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(replace(PRESETS["cpu"], shaping=phases))


def test_fields_of_an_earlier_version_are_refused_in_one_line() -> None:
    values = to_dict(PRESETS["cpu"])
    values["shaping"][0]["rules"]["surcharge"] = 1
    with pytest.raises(
        InputError, match=r"old: shaping\.0\.rules\.surcharge is not a field.*another version"
    ):
        from_dict(values, "old")


def test_the_defaults_are_valid() -> None:
    check(TrainConfig())


def numbers(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of the numbers in nested plain values."""
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from numbers(value, (*path, key))
    elif not isinstance(values, str | bool):
        yield path


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_every_number_must_be_finite(value: float) -> None:
    plain = json.dumps(to_dict(PRESETS["cpu"]))
    places = [*numbers(json.loads(plain))]
    assert len(places) > 80
    for *path, last in places:
        values = json.loads(plain)
        part = values
        for key in path:
            part = part[key]
        part[last] = value
        with pytest.raises(InputError, match=rf"^{re.escape('.'.join(map(str, (*path, last))))}\b"):
            from_dict(values)
