"""The command line: exit codes, errors of one line, help, output files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import pytest
import torch
from PIL import Image

from apexline import __version__
from apexline.agent import LinearSchedule
from apexline.cli import main
from apexline.cli.parse import as_options, parse
from apexline.racing import ShapingRules
from apexline.training import PRESETS, InputError, Policy, TrainConfig, train
from apexline.training.config.train_config import ShapingPhase
from apexline.training.records import checkpoint

from .runs import Capture, error_line, untrained_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["drive"], "COMMAND is drive; expected one of train, eval"),
        (["eval", "{tmp}/missing"], "missing: no such run folder or checkpoint"),
        (["eval", "{run}", "--episodes", "0"], "--episodes is 0; expected >= 1"),
        (["eval", "{run}", "--seed", "-1"], "--seed is -1; expected >= 0"),
        (["eval", "{run}", "--out", "{tmp}/no/eval.json"], "expected an existing folder"),
        (["play", "{run}", "--every", "0"], "--every is 0; expected >= 1"),
        (["play", "{run}", "--seed", "-1"], "--seed is -1; expected >= 0"),
        (["export", "{run}", "--out", "{tmp}/policy.pt"], "expected a file name that ends in .safetensors"),
        (["train", "--preset", "fast"], "preset is fast; expected one of auto, cpu"),
        (["train", "--resume", "{tmp}/missing"], "missing: no such run folder, or no checkpoint in it"),
        (["train", "--resume", "{run}", "--out", "{tmp}/new"], "expected none with --resume"),
        (["train", "--resume", "{run}", "--preset", "cpu"], "expected none with --resume"),
        (
            ["train", "--out", "{tmp}/new", "--learning.batch-size", "-3"],
            "--learning.batch-size is -3; expected > 0",
        ),
        (
            ["train", "--out", "{tmp}/new", "--replay.capacity", "100"],
            "--replay.capacity is 100; expected >= --learning.batch-size, 128",
        ),
        (["train", "--out", "{tmp}/new", "--seed", str(2**63)], f"--seed is {2**63}; expected < {2**63}"),
        (["train", "--out", "{tmp}/new", "--from", "{tmp}/missing"], "missing: no such run folder"),
        (
            ["train", "--out", "{tmp}/new", "--replay.capacity", "900000000000"],
            "replay.capacity is 900000000000: the run needs",
        ),
        (["train", "--out", "{run}"], "the folder is not empty"),
        (["train", "--resume", "{run}", "--from", "{run}"], "expected none with --resume"),
        (["train", "--resume", "{run}", "--agent.hidden", "64", "64"], "size mismatch for"),
        (
            ["train", "--out", "{tmp}/new", "--from", "{run}", "--agent.hidden", "64", "64"],
            "size mismatch for",
        ),
        (["train", "--out", "{run}/config.json"], "config.json: not a folder"),
        (
            ["train", "--out", "{tmp}/new", "--game.action-repeat", "0"],
            "--game.action-repeat is 0; expected an integer from 1",
        ),
        (
            ["train", "--out", "{tmp}/new", "--game.start-tile", "first"],
            "--game.start-tile is first; expected an integer or random",
        ),
        (["train", "--out", "{tmp}/new", "--game.track", "3"], "--game.track is 3; expected None"),
        (
            ["train", "--out", "{tmp}/new", "--game.track-seed", "-2"],
            "--game.track-seed is -2; expected None or an integer >= 0",
        ),
        (
            ["train", "--out", "{tmp}/new", "--learning.batch-size", "many"],
            "--learning.batch-size is many; expected an integer",
        ),
        (["train", "--out", "{tmp}/new", "--speed", "9"], "no option --speed; see apexline train --help"),
        (["eval"], "no RUN given"),
        (["eval", "{run}", "--out", "{run}"], "expected a file name that ends in .json"),
        (["play", "{run}", "--out", "{tmp}/drive"], "expected a file name that ends in .gif"),
        (["info", "--preset", "fast"], "preset is fast; expected one of auto, cpu"),
    ],
)
def test_invalid_input_ends_with_one_line_and_code_2(
    arguments: list[str], expected: str, run: Path, tmp_path: Path, capsys: Capture
) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in run.iterdir())
    filled = [argument.format(run=run, tmp=tmp_path) for argument in arguments]
    if filled[0] == "train" and "--preset" not in filled and "--resume" not in filled:
        filled += ["--preset", "cpu"]
    assert main(filled) == 2
    assert expected in error_line(capsys)
    assert not (tmp_path / "new").exists()
    assert sorted((path.name, path.stat().st_mtime_ns) for path in run.iterdir()) == before


def test_a_damaged_checkpoint_is_refused(run: Path, tmp_path: Path, capsys: Capture) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    for path in copy.rglob("tensors.safetensors"):
        os.truncate(path, path.stat().st_size // 2)
    for arguments in (["eval", str(copy)], ["train", "--resume", str(copy)]):
        assert main(arguments) == 2
        assert "tensors.safetensors: damaged" in error_line(capsys)
    assert not (copy / "eval.json").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_preset_that_needs_a_missing_gpu(tmp_path: Path, capsys: Capture) -> None:
    assert main(["train", "--preset", "cuda", "--out", str(tmp_path / "new")]) == 2
    assert "no GPU" in error_line(capsys)


def test_fields_of_the_configuration_are_named_as_options() -> None:
    for message, shown in {
        "seed is -1; expected >= 0": "--seed is -1; expected >= 0",
        "game.frame_size is 99; expected x": "--game.frame-size is 99; expected x",
        "shaping.1.start_step is 3": "--shaping.1.start-step is 3",
        "runs/seed.json: no such seed": "runs/seed.json: no such seed",
    }.items():
        assert as_options(message) == shown


@pytest.mark.parametrize(
    ("words", "size"), [(["84"], 84), (["84", "80"], (84, 80)), (["None"], None)], ids=str
)
def test_a_frame_size_is_one_side_or_two(words: list[str], size: object) -> None:
    config = parse(TrainConfig, "train", ["--game.frame-size", *words, "--seed", "3"])
    assert (config.game.frame_size, config.seed) == (size, 3)


@pytest.mark.parametrize("words", [["x"], ["84", "x"], ["84", "80", "3"]], ids=str)
def test_other_frame_sizes_are_refused(words: list[str]) -> None:
    message = f"--game.frame-size is {' '.join(words)}; expected None or an integer or two integers"
    with pytest.raises(InputError, match=message):
        parse(TrainConfig, "train", ["--game.frame-size", *words])


def test_short_help_lists_ten_options(capsys: Capture) -> None:
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert len(re.findall(r"^  --", text, re.M)) == 10
    assert "--help-all" in text


def test_full_help_lists_every_option_with_bounds_and_defaults(capsys: Capture) -> None:
    assert main(["train", "--preset", "notebook", "--help-all"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--learning.batch-size INT Transitions in an update. (> 0; default: 32)" in text
    for shown in ("--agent.encoder {patch42,", "--shaping.0.rules.stall-steps INT|None", "START [END OVER]"):
        assert shown in text
    groups = ["budget:", "game:", "shaping.0:", "learning:", "replay:", "agent:", "noise:", "monitor:"]
    assert sorted(groups, key=text.index) == groups


@pytest.mark.parametrize("command", ["eval", "play", "export", "info"])
def test_help_of_the_other_commands(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: apexline {command} ")


@pytest.mark.parametrize("arguments", [["train", "--help-all"], ["eval", "-h"], ["info"], ["--help"]])
def test_a_closed_output_pipe_is_no_error(arguments: list[str]) -> None:
    program = "import sys; from apexline.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 128 + signal.SIGPIPE
    process.stderr.close()


def test_the_first_line_comes_before_torch_is_imported() -> None:
    program = (
        "import os, sys; from apexline.cli import main\n"
        "class Output:\n"
        "    write = sys.stdout.write\n"
        "    def flush(self):\n"
        "        sys.__stdout__.flush()\n"
        "        os._exit('torch' in sys.modules)\n"
        "sys.stdout = Output(); main(['train'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"apexline {__version__}: train\n"


def test_a_missing_package_is_named_with_its_extra(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("apexline.cli.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert main(["info"]) == 2
    assert error_line(capsys) == 'apexline: info needs tyro: pip install "apexline[train]"'


def test_info_shows_the_environment_and_the_build(capsys: Capture) -> None:
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for part in (
        "Box(0, 255, (96, 96, 3), uint8)",
        "random action",
        "GPUs",
        __version__,
        gymnasium.__version__,
    ):
        assert part in text
    assert torch.__version__ in text


def test_info_counts_a_presets_parameters(capsys: Capture) -> None:
    assert main(["info", "--preset", "notebook"]) == 0
    text = capsys.readouterr().out
    assert text.count("15,616") == 2, "conv1 of actor and critic"
    assert text.count("663,680") == 2
    assert re.search(r"\nmemory: about \d+\.\d GiB \(replay .*\) of \d+\.\d GiB free\n$", text)


def test_eval_writes_the_same_scores_for_any_number_of_processes(
    run: Path, tmp_path: Path, capsys: Capture
) -> None:
    reports = []
    for processes in (1, 2):
        out = tmp_path / f"{processes}.json"
        arguments = ["--episodes", "2", "--seed", "1000000", "--processes", str(processes), "--out", str(out)]
        assert main(["eval", str(run), *arguments]) == 0
        reports.append(json.loads(out.read_text()))
    assert reports[0] == reports[1]
    scores = [episode["score"] for episode in reports[0]["episodes"]]
    assert reports[0]["summary"]["mean"] == pytest.approx(sum(scores) / 2)
    assert [episode["seed"] for episode in reports[0]["episodes"]] == [1_000_000, 1_000_001]
    assert reports[0]["versions"]["gymnasium"] == gymnasium.__version__
    text = capsys.readouterr().out
    for figure in ("mean", "sd", "median", "p10", "min", "max", gymnasium.__version__):
        assert figure in text


def test_play_writes_an_animated_gif(run: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "drive.gif"
    assert main(["play", str(run), "--out", str(out), "--every", "25"]) == 0
    with Image.open(out) as image:
        assert image.size == (300, 200)
        assert getattr(image, "n_frames", 1) > 1
    assert "score" in capsys.readouterr().out


def test_exported_weights_play_as_their_run(run: Path, tmp_path: Path, capsys: Capture) -> None:
    weights = tmp_path / "policy.safetensors"
    assert main(["export", str(run), "--out", str(weights)]) == 0
    assert f"wrote {weights}" in capsys.readouterr().out
    for source in (run, weights):
        out = str(tmp_path / f"{source.name}.json")
        options = ["--episodes", "1", "--processes", "1", "--backend", "native", "--out", out]
        assert main(["eval", str(source), *options]) == 0
    reports = [json.loads((tmp_path / name).read_text()) for name in ("run.json", "policy.safetensors.json")]
    assert reports[0]["episodes"] == reports[1]["episodes"]


def test_a_run_from_weights_uses_their_game_shaping_and_networks(
    run: Path, tmp_path: Path, capsys: Capture
) -> None:
    config = Policy.load(run).config
    other = replace(
        config,
        agent=replace(config.agent, hidden=(32, 16)),
        game=replace(config.game, frame_size=84),
        replay=replace(config.replay, frame_stack=2, shift=LinearSchedule(5)),
        shaping=(ShapingPhase(), ShapingPhase(500, ShapingRules(idle_penalty=2.0))),
    )
    train(other, tmp_path / "first")
    budget = ["--budget.minutes", "None", "--budget.total_frames", "8", "--monitor.eval-steps", "None"]
    out = tmp_path / "second"
    assert (
        main(["train", "--from", str(tmp_path / "first"), "--out", str(out), "--num-envs", "1", *budget]) == 0
    )
    capsys.readouterr()
    assert Policy.load(out).config.agent.hidden == (32, 16)
    assert Policy.load(out).config.game == other.game
    assert Policy.load(out).config.shaping == other.shaping
    assert Policy.load(out).config.replay == replace(
        PRESETS["cpu"].replay, frame_stack=2, shift=LinearSchedule(5)
    )


def test_resume_uses_the_configuration_of_the_run(run: Path, tmp_path: Path, capsys: Capture) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    assert main(["train", "--resume", str(copy), "--budget.total_frames", "16"]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[2].startswith("memory: about ")
    assert "100%" in output
    policy = Policy.load(copy)
    assert (policy.config.num_envs, policy.config.budget.total_frames) == (1, 16)


def test_a_terminated_run_saves_its_state(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    program = "import sys; from apexline.cli import main; sys.exit(main(sys.argv[1:]))"
    options = ["--preset", "cpu", "--num-envs", "2", "--monitor.log-seconds", "0.2", "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", program, "train", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "frames/s" in line:
            break
    process.terminate()
    _, output = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert f"apexline train --resume {folder}" in output
    assert "Traceback" not in output
    assert checkpoint.newest(folder, warn=pytest.fail).steps > 0
    assert (folder / "curve.png").exists()


def test_the_program_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from apexline.cli import main; sys.exit(main(['--version']))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"apexline {__version__}\n"
