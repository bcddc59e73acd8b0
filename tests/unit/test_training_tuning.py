"""Measuring threads and precision."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import pytest
import torch

from apexline.training import PRESETS, TrainConfig
from apexline.training.machine import tuning
from apexline.training.machine.tuning import Choice, fastest, tuned


def small(**changes: object) -> TrainConfig:
    config = PRESETS["cpu"]
    config = replace(config, learning=replace(config.learning, batch_size=4))
    return replace(config, **changes)  # type: ignore[arg-type]


def test_the_fastest_choice_wins_and_an_earlier_one_without_an_advantage() -> None:
    one, two, four = (Choice(threads, "fp32") for threads in (1, 2, 4))
    assert fastest({one: 2.0, two: 1.0, four: 0.99}) == two
    assert fastest({one: 1.0, two: 0.97, four: 0.96}) == one
    assert fastest({one: 1.0, two: 1.5, four: 0.5}) == four


def test_every_choice_that_is_left_open_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def seconds(_: TrainConfig, choices: list[Choice]) -> dict[Choice, float]:
        measured.append(choices)
        return {choice: 1 / (choice.threads + (choice.precision == "bf16")) for choice in choices}

    monkeypatch.setattr(tuning, "_seconds", seconds)
    monkeypatch.setattr(tuning, "available_processors", lambda: 6)
    both = tuned(small())
    assert (both.threads, both.agent.precision) == (4, "bf16")
    assert [(choice.threads, choice.precision) for choice in measured[0]] == [
        (threads, precision) for threads in (1, 2, 4) for precision in ("fp32", "bf16")
    ]
    fixed = tuned(small(threads=3))
    assert (fixed.threads, fixed.agent.precision) == (3, "bf16")
    assert {choice.threads for choice in measured[1]} == {3}
    fp32 = tuned(small(agent=replace(PRESETS["cpu"].agent, precision="fp32")))
    assert (fp32.threads, fp32.agent.precision) == (4, "fp32")
    assert replace(both, threads=None, agent=PRESETS["cpu"].agent) == small(), "nothing else is changed"
    assert tuned(both) is both
    assert len(measured) == 3


def test_a_choice_is_dropped_by_its_fastest_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine any single round may be slow."""
    monkeypatch.setattr(tuning, "LIMIT_SECONDS", math.inf)
    rounds = {1: iter([1.0, 9.0, 9.0, 1.0, 1.0]), 2: iter([1.5, 9.0, 9.0, 9.0, 1.5]), 4: iter([2.5])}
    monkeypatch.setattr(tuning, "_round", lambda _agent, _batch, threads: next(rounds[threads]))
    one, two, four = (Choice(threads, "fp32") for threads in (1, 2, 4))
    assert tuning._seconds(small(), [one, two, four]) == {one: 1.0, two: 9.0}


def test_slow_updates_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then all processors and fp32 are chosen after one update."""
    monkeypatch.setattr(tuning, "LIMIT_SECONDS", 0.0)
    monkeypatch.setattr(tuning, "_round", None)
    monkeypatch.setattr(tuning, "available_processors", lambda: 6)
    config = tuned(small())
    assert (config.threads, config.agent.precision) == (4, "fp32")


def test_no_round_starts_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choices with many threads come first: their updates are the fast ones if updates are slow."""
    clock = iter(range(100))
    rounds = []

    def measure(_agent: object, _batch: object, threads: int) -> float:
        rounds.append(threads)
        return 1.0

    monkeypatch.setattr(time, "perf_counter", lambda: 0.9 * next(clock))
    monkeypatch.setattr(tuning, "_round", measure)
    tuning._seconds(small(), [Choice(threads, "fp32") for threads in (1, 2, 4)])
    assert rounds == [4, 2, 1, 4]


def test_the_measurement_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_seconds", lambda _, choices: dict.fromkeys(choices, 1.0))
    lines: list[str] = []
    fixed = tuned(small(), lines.append)
    assert len(lines) == 1
    assert lines[0].startswith("measuring which torch threads and precision are fastest")
    tuned(fixed, lines.append)
    assert len(lines) == 1, "nothing is left open"


def test_nothing_is_measured_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_seconds", None)
    config = tuned(small(device="cuda"))
    assert (config.threads, config.agent.precision) == (1, "bf16")


def test_measuring_does_not_change_torchs_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "available_processors", lambda: 2)
    monkeypatch.setattr(tuning, "ROUNDS", 1)
    torch.manual_seed(3)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    config = tuned(small())
    assert config.threads in (1, 2)
    assert config.agent.precision in ("fp32", "bf16")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
