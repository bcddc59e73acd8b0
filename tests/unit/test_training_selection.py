"""Evaluations during a run: when they are due, what is saved, and what goes wrong without ending the run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from apexline.training import PRESETS, EpisodeResult, Evaluator
from apexline.training.evaluation.evaluator import PendingReport
from apexline.training.evaluation.policy import build_networks
from apexline.training.evaluation.selection import Selection, best_so_far
from apexline.training.records import weights_file

CONFIG = replace(
    PRESETS["cpu"],
    agent=replace(PRESETS["cpu"].agent, precision="fp32"),
    monitor=replace(PRESETS["cpu"].monitor, eval_steps=100, eval_episodes=1),
)


class Selected:
    """A selection with what it reported."""

    def __init__(self, folder: Path) -> None:
        self.warnings: list[str] = []
        self.selection = Selection(CONFIG, folder, self.warnings.append)

    def evaluate(self, networks: dict[str, torch.Tensor]) -> dict[str, float] | None:
        self.selection.start(networks, 100, 400)
        return self.selection.wait(lambda: False)


@pytest.fixture
def selected(tmp_path: Path) -> Iterator[Selected]:
    made = Selected(tmp_path)
    yield made
    made.selection.close()


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The scores of the next evaluations, without worker processes."""
    following: list[float] = []

    def submit(*_: Any) -> PendingReport:
        future: Future[list[EpisodeResult]] = Future()
        future.set_result([EpisodeResult(0, following.pop(0), 1000, 1.0)])
        return PendingReport([future])

    monkeypatch.setattr(Evaluator, "submit", submit)
    yield following
    assert not following


def networks() -> dict[str, torch.Tensor]:
    return build_networks(CONFIG).state_dict()


def test_the_best_weights_are_saved(selected: Selected, scores: list[float], tmp_path: Path) -> None:
    scores += [5.0, 3.0, 7.0]
    saved = [networks() for _ in scores]
    for weights, best in zip(saved, (5.0, 5.0, 7.0), strict=True):
        row = selected.evaluate(weights)
        assert row is not None
        assert row["eval/episodic_return"] == selected.selection.score
        assert best_so_far(tmp_path) == best
    loaded = weights_file.load(tmp_path / weights_file.BEST).networks
    assert all(torch.equal(loaded[name], value) for name, value in saved[2].items())
    assert selected.warnings == []


def test_an_evaluation_is_due_once_for_each_interval(selected: Selected, scores: list[float]) -> None:
    scores.append(1.0)
    assert [selected.selection.is_due(steps) for steps in (96, 104, 112, 200, 208)] == [
        *(False, True, False, True, False)
    ]
    selected.selection.start(networks(), 208, 800)
    assert not selected.selection.is_due(304), "one is running"
    assert selected.selection.take() is not None


def test_a_running_evaluation_is_repeated_after_a_resume(
    selected: Selected, scores: list[float], tmp_path: Path
) -> None:
    scores += [1.0, 2.0]
    weights = networks()
    selected.selection.start(weights, 100, 400)
    resumed = Selected(tmp_path)
    resumed.selection.load_state_dict(selected.selection.state_dict())
    row = resumed.selection.take()
    assert row is not None
    assert (row["charts/steps"], row["eval/episodic_return"]) == (100, 2.0)
    assert math.isnan(selected.selection.score)
    resumed.selection.close()


def test_weights_whose_actions_are_not_finite_have_no_score(selected: Selected) -> None:
    """Of a real evaluation: the weights are finite, and their products are not."""
    huge = {name: value * 1e30 if value.is_floating_point() else value for name, value in networks().items()}
    assert all(value.isfinite().all() for value in huge.values())
    assert selected.evaluate(huge) is None
    assert selected.selection.skipped == 1
    (line,) = selected.warnings
    assert line.startswith("evaluation of step 100 skipped: ")
    assert "actions are not finite" in line


def test_best_weights_that_are_not_finite_are_not_saved(
    selected: Selected, scores: list[float], tmp_path: Path
) -> None:
    scores += [5.0, 4.0]
    weights = networks()
    name = next(iter(weights))
    weights[name].view(-1)[0] = torch.inf
    assert selected.evaluate(weights) is not None
    assert selected.selection.failed_saves == 1
    assert f"{name} contains inf" in selected.warnings[0]
    assert selected.evaluate(networks()) is not None
    assert best_so_far(tmp_path) == 4.0, "of those that were saved"


def test_best_weights_that_cannot_be_written_are_reported(
    selected: Selected, scores: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "best.safetensors")

    scores.append(5.0)
    monkeypatch.setattr(weights_file, "save", full)
    assert selected.evaluate(networks()) is not None
    assert selected.selection.failed_saves == 1
    assert "No space left on device" in selected.warnings[0]
