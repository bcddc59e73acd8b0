"""The commands of a policy on whole, damaged and hostile checkpoints and weights files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from apexline.cli import main
from apexline.training import PRESETS, Policy
from apexline.training.config.validation import to_dict
from apexline.training.evaluation.policy import build_networks
from apexline.training.records import checkpoint, weights_file

from .runs import Capture, error_line

CONFIG = replace(PRESETS["cpu"], seed=7)
COMMANDS = {
    "eval": ["eval", "{policy}", "--episodes", "1", "--out", "{tmp}/eval.json"],
    "export": ["export", "{policy}", "--out", "{tmp}/out.safetensors"],
    "play": ["play", "{policy}", "--out", "{tmp}/out.gif"],
    "from": ["train", "--preset", "cpu", "--from", "{policy}", "--out", "{tmp}/new"],
}


@cache
def weights() -> dict[str, torch.Tensor]:
    return build_networks(CONFIG).state_dict()


def write_checkpoint(run: Path, steps: int, networks: dict[str, Any], config: object = None) -> Path:
    def replay(folder: Path) -> None:
        (folder / "replay").mkdir()
        (folder / "replay" / "segment").write_bytes(b"frames")

    text = json.dumps(to_dict(CONFIG) if config is None else config)
    state = {"config": text, "agent": {"networks": networks}, "steps": steps}
    return checkpoint.write(run, steps, state, keep=9, write_files=replay)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints, whose weights differ, and without best weights."""
    folder = tmp_path_factory.mktemp("written")
    for steps in (100, 200):
        write_checkpoint(folder, steps, {name: tensor + steps for name, tensor in weights().items()})
    return folder


@pytest.fixture
def run(written: Path, tmp_path: Path) -> Path:
    """A copy of `written`."""
    return shutil.copytree(written, tmp_path / "run")


def newest(run: Path) -> Path:
    return run / checkpoint.FOLDER / "step-000000000200"


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def run_command(command: str, policy: Path, tmp_path: Path) -> int:
    return main([argument.format(policy=policy, tmp=tmp_path) for argument in COMMANDS[command]])


def test_a_policy_is_the_best_weights_else_the_newest_checkpoint(run: Path) -> None:
    for source, steps in ((run, 200), (newest(run), 200), (newest(run).with_name("step-000000000100"), 100)):
        policy = Policy.load(source)
        assert policy.steps == steps
        assert policy.path == newest(run).with_name(f"step-{steps:012}")
        assert torch.equal(
            policy.networks.state_dict()["actor.output.bias"], weights()["actor.output.bias"] + steps
        )
    shutil.rmtree(newest(run) / "replay")
    assert Policy.load(run).steps == 200, "a policy needs no replay"
    weights_file.save(run / weights_file.BEST, weights(), CONFIG, 150)
    assert Policy.load(run).steps == 150
    assert repr(Policy.load(run)).startswith("Policy('best.safetensors', steps=150")


def test_files_of_a_checkpoint_are_written_to_the_run_folder(
    run: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["export", str(run)]) == 0
    assert main(["export", str(newest(run))]) == 0
    monkeypatch.chdir(newest(run))
    assert main(["export", "."]) == 0
    out = run / "policy.safetensors"
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"wrote {out}"] * 3
    checkpoint.read(newest(run))
    moved = newest(run).rename(run.parent / "moved")
    monkeypatch.chdir(run)
    assert main(["export", str(moved)]) == 0
    assert (run.parent / "policy.safetensors").exists()


def test_a_damaged_newest_checkpoint_is_reported(run: Path, tmp_path: Path, capsys: Capture) -> None:
    path = newest(run) / "tensors.safetensors"
    flip(path)
    assert run_command("export", run, tmp_path) == 0
    assert error_line(capsys) == (
        f"apexline: warning: {path}: damaged; its content does not have the digest in the manifest; "
        "step-000000000100 is used instead"
    )
    assert Policy.load(tmp_path / "out.safetensors").steps == 100
    with pytest.warns(UserWarning, match="step-000000000100 is used instead"):
        assert Policy.load(run).steps == 100


def all_damaged(run: Path) -> Path:
    for path in run.rglob("state.json"):
        flip(path)
    return run


def damaged_tensors(run: Path) -> Path:
    flip(newest(run) / "tensors.safetensors", 5000)
    return newest(run)


def damaged_manifest(run: Path) -> Path:
    flip(newest(run) / "manifest.json", 100)
    return newest(run)


def missing_tensors(run: Path) -> Path:
    (newest(run) / "tensors.safetensors").unlink()
    return newest(run)


def fifo(run: Path) -> Path:
    (newest(run) / "state.json").unlink()
    os.mkfifo(newest(run) / "state.json")
    return newest(run)


def not_finite(run: Path) -> Path:
    bad = weights() | {"actor.output.bias": torch.tensor([0.0, float("nan")])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "first_non_finite", lambda _: None)
        return write_checkpoint(run, 300, bad)


def other_networks(run: Path) -> Path:
    return write_checkpoint(run, 300, {"actor.output.bias": torch.zeros(2)})


def huge_networks(run: Path) -> Path:
    config = to_dict(CONFIG)
    config["agent"]["hidden"] = (100_000_000, 100_000_000)
    return write_checkpoint(run, 300, weights(), config)


def not_tensors(run: Path) -> Path:
    return write_checkpoint(run, 300, {"actor.output.bias": "text"})


def no_configuration(run: Path) -> Path:
    return checkpoint.write(run, 300, {"agent": {"networks": weights()}}, keep=9)


def no_agent(run: Path) -> Path:
    return checkpoint.write(run, 300, {"config": json.dumps(to_dict(CONFIG)), "agent": 3}, keep=9)


def invalid_configuration(run: Path) -> Path:
    return write_checkpoint(run, 300, weights(), {"seed": -1})


def empty_best(run: Path) -> Path:
    (run / weights_file.BEST).touch()
    return run


def best_is_a_broken_link(run: Path) -> Path:
    (run / weights_file.BEST).symlink_to(run / "nowhere")
    return run


def damaged_best(run: Path) -> Path:
    weights_file.save(run / weights_file.BEST, weights(), CONFIG, 150)
    flip(run / weights_file.BEST, 20_000)
    return run


def not_finite_best(run: Path) -> Path:
    bad = weights() | {"actor.output.bias": torch.tensor([0.0, float("inf")])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights_file, "first_non_finite", lambda _: None)
        weights_file.save(run / weights_file.BEST, bad, CONFIG, 150)
    return run


CASES: list[tuple[Callable[[Path], Path], str]] = [
    (all_damaged, "(and 1 earlier checkpoints)"),
    (damaged_tensors, "tensors.safetensors: damaged"),
    (damaged_manifest, "manifest.json: damaged"),
    (missing_tensors, "tensors.safetensors: no such file"),
    (fifo, "state.json: expected a regular file"),
    (not_finite, "agent.networks.actor.output.bias contains nan"),
    (other_networks, "is missing or unknown"),
    (huge_networks, "does not have the shape"),
    (not_tensors, "is missing or unknown"),
    (no_configuration, "contains no configuration"),
    (no_agent, "is missing or unknown"),
    (invalid_configuration, "seed is -1; expected >= 0"),
    (empty_best, "best.safetensors: truncated or not a weights file"),
    (best_is_a_broken_link, "best.safetensors: "),
    (damaged_best, "best.safetensors: damaged"),
    (not_finite_best, "actor.output.bias contains inf"),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("make", "expected"), CASES, ids=lambda value: getattr(value, "__name__", "-"))
def test_a_policy_that_cannot_be_used_is_refused_in_one_line(
    command: str,
    make: Callable[[Path], Path],
    expected: str,
    run: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    policy = make(run)
    assert run_command(command, policy, tmp_path) == 2
    line = error_line(capsys)
    assert expected in line
    assert str(run) in line
    assert len(line) < 400
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "nothing was written"
