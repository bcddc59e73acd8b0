"""The stages of the GPU benchmark, as far as they can be tested without a GPU."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal

import pytest

from apexline.training.config.validation import check
from benchmarks.gpu import rates, stages


@pytest.mark.parametrize(
    ("spans", "length"),
    [
        ([], 0.0),
        ([(1.0, 3.0)], 2.0),
        ([(4.0, 5.0), (1.0, 3.0)], 3.0),
        ([(1.0, 3.0), (2.0, 4.0)], 3.0),
        ([(1.0, 9.0), (2.0, 3.0), (8.0, 10.0)], 9.0),
        ([(1.0, 2.0), (2.0, 3.0)], 2.0),
    ],
)
def test_overlapping_kernels_count_once(spans: list[tuple[float, float]], length: float) -> None:
    assert rates.covered(spans) == length


@pytest.mark.parametrize(("device", "smoke"), [("cuda", False), ("cpu", True)])
def test_the_measured_configuration_is_valid(device: Literal["cpu", "cuda"], smoke: bool) -> None:
    config = stages.Setting(device, Path("out"), Path("work"), smoke).config
    check(config)
    assert config.device == device
    assert config.game.frame_size == 84
    assert smoke or config.learning.batch_size == 256


def test_rates_count_updates_and_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "WARM_UP", 2)
    setting = stages.Setting("cpu", Path("out"), Path("work"), smoke=True)
    measured = rates.measure(setting.config, seconds=0.2)
    assert measured["updates_alone"]["frames_per_second"] == 0
    assert measured["updates_alone"]["updates_per_second"] > 0
    assert measured["whole_loop"]["frames_per_second"] > 0
    steps = measured["whole_loop"]["frames_per_second"] / setting.config.game.action_repeat
    assert measured["whole_loop"]["updates_per_second"] == pytest.approx(
        steps * setting.config.learning.replay_ratio, rel=0.5
    )


def test_a_finished_stage_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = iter([{"done": False, "tests": "1 failed"}, {"done": True, "tests": "1 passed"}])
    monkeypatch.setattr(
        stages, "STAGES", {"build": lambda _: next(outcomes), "train": lambda _: {"done": True}}
    )
    out = tmp_path / "out"

    def run(stage: str) -> int:
        options = [stage, "--device", "cpu", "--out", str(out), "--work", str(tmp_path / "work"), "--smoke"]
        monkeypatch.setattr(sys, "argv", ["stages.py", *options])
        return stages.main()

    assert run("build") == 1
    assert run("build") == 0
    assert run("train") == 0
    capsys.readouterr()
    assert run("build") == 0
    assert "already done" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["build"]["tests"] == "1 passed"
    assert summary["train"]["done"]
    assert {"made", "versions", "smoke"} <= summary.keys()
