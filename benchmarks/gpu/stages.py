"""The stages of `benchmarks/gpu/run.sh`: the GPU tests, the rates of updates, and training.

Every stage adds its figures to summary.json, with machine, versions and commit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import torch

from apexline.training import TrainConfig, preset, train
from apexline.training.config.train_config import BudgetConfig
from apexline.training.monitor import Status
from apexline.training.records import checkpoint
from benchmarks.gpu.rates import measure
from benchmarks.machine import here_and_now, versions

ROOT = Path(__file__).parents[2]
TARGET = 900.0
"""Mean score of an evaluation at which training stops."""
TRAINING_MINUTES = 5.5
"""Training time per stage; the rest of its eight minutes is setup, saving the replay and the final evaluation."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """The command line's arguments."""

    device: Literal["cpu", "cuda"]
    out: Path
    work: Path
    smoke: bool

    @property
    def config(self) -> TrainConfig:
        """The preset `cuda` on the device; tiny sizes for a smoke test."""
        config = replace(preset("cuda"), device=self.device, backend="native")
        if not self.smoke:
            return replace(config, monitor=replace(config.monitor, eval_processes=4))
        return replace(
            config,
            num_envs=2,
            threads=1,
            replay=replace(config.replay, capacity=2_000),
            agent=replace(config.agent, encoder="patch84", hidden=(32, 32), precision="fp32"),
            learning=replace(config.learning, batch_size=16, learning_starts=40),
            shaping=(config.shaping[0], replace(config.shaping[1], start_step=60)),
            monitor=replace(config.monitor, log_seconds=1.0, eval_steps=200, eval_episodes=1),
        )


def main() -> int:
    """Runs one stage unless summary.json lists it as done. Returns 1 if it is not done afterwards."""
    parser = argparse.ArgumentParser(description="Runs one stage of benchmarks/gpu/run.sh.")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--work", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--smoke", action="store_true", help="use tiny sizes, to see that it runs")
    options = parser.parse_args()
    setting = Setting(options.device, options.out, options.work, options.smoke)
    setting.out.mkdir(parents=True, exist_ok=True)
    setting.work.mkdir(parents=True, exist_ok=True)
    summary = setting.out / "summary.json"
    values: Figures = json.loads(summary.read_text()) if summary.exists() else {}
    if values.get(options.stage, {}).get("done"):
        print(f"{options.stage}: already done, see {summary}")
        return 0
    began = perf_counter()
    figures = STAGES[options.stage](setting)
    figures["seconds"] = round(perf_counter() - began, 1)
    values |= {"smoke": setting.smoke, **machine(), options.stage: figures}
    summary.write_text(json.dumps(values, indent=2) + "\n")
    print(f"{options.stage}: {json.dumps(figures, indent=2)}")
    return 0 if figures["done"] else 1


def machine() -> Figures:
    """Machine, versions and commit."""
    found: Figures = {"made": here_and_now(), "commit": os.environ.get("COMMIT"), "versions": versions()}
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
        found["versions"] |= {"CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}
    return found


def build(setting: Setting) -> Figures:
    """Runs the test files that have tests marked `gpu`. run.sh has installed the package."""
    files = [
        str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if ".gpu\n" in path.read_text()
    ]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "--durations=10", *files]
    tests = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (setting.out / "tests.txt").write_text(tests.stdout)
    last = tests.stdout.strip().splitlines()[-1]
    have_run = setting.device == "cpu" or "passed" in last
    return {"done": tests.returncode == 0 and have_run, "tests": last}


def update(setting: Setting) -> Figures:
    """Updates per second of learner and training loop, with and without CUDA graphs; the update of other libraries."""
    seconds = 1.0 if setting.smoke else 15.0
    figures: Figures = {"done": False}
    for name, graphs in (("graphs", True), ("eager", False)):
        if graphs and setting.device == "cpu":
            continue
        config = replace(setting.config, agent=replace(setting.config.agent, cuda_graphs=graphs))
        figures[name] = measure(config, seconds)
    size = ["--preset", "cpu", "--rounds", "1"] if setting.smoke else ["--preset", "cuda", "--rounds", "10"]
    peers = [sys.executable, "-m", "benchmarks.updates.compare", *size, "--device", setting.device]
    done = subprocess.run([*peers, "--out", str((setting.out / "updates").resolve())], cwd=ROOT)
    return figures | {"done": done.returncode == 0}


class _TargetReached(Exception):
    """An evaluation reached `TARGET`."""


def training(setting: Setting) -> Figures:
    """Starts or resumes training for `TRAINING_MINUTES`, then evaluates on held-out seeds of the native environment."""
    folder = setting.work / "run"
    resumes = checkpoint.exists(folder)
    before = checkpoint.newest(folder, warn=print).state["seconds"] if resumes else 0.0
    minutes = before / 60 + (0.15 if setting.smoke else TRAINING_MINUTES)
    latest: list[Status] = []

    def on_status(status: Status) -> None:
        latest.append(status)
        print(
            f"{status.seconds:.0f} s, {status.steps} steps, {status.updates} updates, "
            f"score {status.score:.0f}, evaluation {status.eval_score:.0f}",
            flush=True,
        )
        if status.eval_score >= TARGET:
            raise _TargetReached

    config = replace(setting.config, budget=BudgetConfig(minutes=minutes))
    reached = False
    try:
        train(config, folder, resume=resumes, on_status=on_status)
    except _TargetReached:
        reached = True
    report = setting.out / "eval.json"
    score = [sys.executable, "-c", "import sys; from apexline.cli import main; sys.exit(main())", "eval"]
    score += [str(folder), "--backend", "native", "--out", str(report)]
    score += ["--episodes", "1", "--processes", "1"] if setting.smoke else []
    subprocess.run(score, check=True)
    kept = setting.out / "run"
    kept.mkdir(exist_ok=True)
    for name in ("config.json", "metrics.csv", "curve.png"):
        if (folder / name).exists():
            shutil.copy(folder / name, kept / name)
    status = latest[-1]
    return {
        "done": reached or setting.smoke,
        "evaluation_reached": reached,
        "training_seconds": status.seconds,
        "updates": status.updates,
        "frames": status.frames,
        "updates_per_second": status.updates / status.seconds,
        "frames_per_second": status.frames / status.seconds,
        "eval": json.loads(report.read_text())["summary"],
    }


STAGES: dict[str, Callable[[Setting], Figures]] = {"build": build, "update": update, "train": training}

if __name__ == "__main__":
    sys.exit(main())
