"""Evaluation processes that are killed or stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from apexline import worker_process
from apexline.training import PRESETS, EvalReport, EvaluationWorkerDiedError, Evaluator
from apexline.training.evaluation.evaluator import GROUP
from apexline.training.evaluation.policy import build_networks

CONFIG = replace(PRESETS["cpu"], game=replace(PRESETS["cpu"].game, max_episode_frames=200))
SEEDS = range(1_000, 1_000 + GROUP + 2)
"""Two groups of episodes; the first one takes longer than a signal."""
LIMIT = 5.0
"""Seconds; several times what a group takes."""


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build_networks(CONFIG).state_dict()


@pytest.fixture(scope="module")
def expected(weights: dict[str, torch.Tensor]) -> EvalReport:
    evaluator = Evaluator(CONFIG, 1, "native")
    report = evaluator.submit(weights, SEEDS).result()
    evaluator.close()
    return report


@pytest.fixture
def evaluator(weights: dict[str, torch.Tensor]) -> Iterator[Evaluator]:
    """Its worker has started and played."""
    evaluator = Evaluator(CONFIG, 1, "native", timeout=LIMIT)
    evaluator.submit(weights, [0]).result()
    yield evaluator
    pids = pids_of(evaluator)
    evaluator.close()
    assert not any(map(is_running, pids))


def pids_of(evaluator: Evaluator) -> list[int]:
    return [pid for worker in evaluator._pool.processes if (pid := worker.process.pid) is not None]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def send(evaluator: Evaluator, number: signal.Signals) -> None:
    for pid in pids_of(evaluator):
        os.kill(pid, number)


def wait_until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


def wait_until_it_plays(evaluator: Evaluator) -> None:
    wait_until(lambda: any(worker.group is not None for worker in evaluator._pool._workers))


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (signal.SIGKILL, "evaluation worker was killed by SIGKILL"),
        (signal.SIGTERM, "evaluation worker was killed by SIGTERM"),
        (signal.SIGSTOP, "evaluation worker did not answer for 5 s"),
    ],
)
def test_a_worker_lost_while_it_plays_is_replaced(
    evaluator: Evaluator,
    weights: dict[str, torch.Tensor],
    expected: EvalReport,
    number: signal.Signals,
    fault: str,
) -> None:
    report = evaluator.submit(weights, SEEDS)
    wait_until_it_plays(evaluator)
    send(evaluator, number)
    assert report.result() == expected
    assert (evaluator.restarts, evaluator.skipped, evaluator.last_fault) == (1, 0, fault)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_lost_between_evaluations_is_replaced(
    evaluator: Evaluator, weights: dict[str, torch.Tensor], expected: EvalReport, number: signal.Signals
) -> None:
    send(evaluator, number)
    assert evaluator.submit(weights, SEEDS).result() == expected
    assert (evaluator.restarts, evaluator.skipped) == (1, 0)


def test_finished_episodes_are_kept_and_the_others_are_repeated(
    evaluator: Evaluator, weights: dict[str, torch.Tensor], expected: EvalReport
) -> None:
    report = evaluator.submit(weights, SEEDS)
    wait_until(report.futures[0].done)
    send(evaluator, signal.SIGKILL)
    played = sorted(report.completed(), key=lambda episode: episode.seed)
    assert tuple(played) == report.result().episodes == expected.episodes


def test_after_a_second_loss_the_evaluation_is_skipped_and_the_next_one_is_whole(
    evaluator: Evaluator, weights: dict[str, torch.Tensor], expected: EvalReport
) -> None:
    report = evaluator.submit(weights, SEEDS)
    for count in (1, 2):
        wait_until_it_plays(evaluator)
        send(evaluator, signal.SIGKILL)
        wait_until(lambda count=count: evaluator.restarts == count)
    with pytest.raises(EvaluationWorkerDiedError, match="evaluation worker was killed by SIGKILL"):
        report.result()
    with pytest.raises(EvaluationWorkerDiedError):
        list(report.completed())
    assert report.done()
    assert (evaluator.restarts, evaluator.skipped) == (2, 1)
    assert evaluator.submit(weights, SEEDS).result() == expected
    assert (evaluator.restarts, evaluator.skipped) == (2, 1)


def test_one_of_several_workers_is_replaced(weights: dict[str, torch.Tensor], expected: EvalReport) -> None:
    evaluator = Evaluator(CONFIG, 2, "native")
    report = evaluator.submit(weights, SEEDS)
    wait_until_it_plays(evaluator)
    killed, *_ = pids_of(evaluator)
    os.kill(killed, signal.SIGKILL)
    assert report.result() == expected
    assert evaluator.restarts == 1
    evaluator.close()


def test_a_worker_that_hangs_at_its_start_is_replaced(
    weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "START_SECONDS", 0.1)
    evaluator = Evaluator(CONFIG, 1, "native", timeout=0.1)
    report = evaluator.submit(weights, SEEDS)
    with pytest.raises(EvaluationWorkerDiedError, match=r"did not answer for 0\.1 s"):
        report.result()
    assert (evaluator.restarts, evaluator.skipped) == (2, 1)
    evaluator.close()


def test_close_does_not_wait_for_a_stopped_worker(
    evaluator: Evaluator, weights: dict[str, torch.Tensor]
) -> None:
    report = evaluator.submit(weights, SEEDS)
    wait_until_it_plays(evaluator)
    send(evaluator, signal.SIGSTOP)
    evaluator.close()
    with pytest.raises(EvaluationWorkerDiedError):
        report.result()
    assert (evaluator.restarts, evaluator.skipped) == (0, 0)


def test_workers_ignore_the_signals_of_a_terminal(
    evaluator: Evaluator, weights: dict[str, torch.Tensor], expected: EvalReport
) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        send(evaluator, number)
    assert evaluator.submit(weights, SEEDS).result() == expected
    assert evaluator.restarts == 0


def test_an_error_in_a_worker_is_raised(evaluator: Evaluator, weights: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="seed") as caught:
        evaluator.submit(weights, [-1]).result()
    assert "in an evaluation worker" in caught.value.__notes__[0]
    assert evaluator.restarts == 0
    assert len(evaluator.submit(weights, [0]).result().episodes) == 1
