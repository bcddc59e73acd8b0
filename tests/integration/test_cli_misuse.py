"""Wrong command lines: one line on stderr, exit code 2, before any work; nothing is written."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import torch

from apexline.cli import main
from apexline.training.evaluation import evaluator
from apexline.training.evaluation.policy import find_policy
from apexline.training.records import checkpoint, curves
from apexline.training.records.store import manifest
from apexline.training.records.store.files import digest_of
from tests.disks import mounted

from .runs import Capture, error_line, untrained_run

NOT_UTF8 = os.fsdecode(b"caf\xe9")
LONG = "x" * 300
SMALL = ["--preset", "cpu", "--threads", "1", "--agent.precision", "fp32"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(autouse=True)
def no_episodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fails a command that plays before it has checked its input."""

    def played(*_: object, **__: object) -> None:
        raise AssertionError("an episode was played")

    monkeypatch.setattr(evaluator.Evaluator, "submit", played)
    monkeypatch.setattr("apexline.cli.play.play", played)
    monkeypatch.setattr("apexline.training.loop._built", played)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


def names_in(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


TRAIN = [
    (["--num-envs", "2000000"], "--num-envs is 2000000; expected <= 166666"),
    (["--num-envs", "0"], "--num-envs is 0; expected > 0"),
    (["--num-envs", "1e3"], "--num-envs is 1e3; expected an integer"),
    (["--num-envs"], "--num-envs has no value"),
    (["--threads", "100000"], "--threads is 100000; expected <= 1024"),
    (["--threads", "0"], "--threads is 0; expected > 0"),
    (["--learning.reward-scale", "1e38"], "--learning.reward-scale is 1e+38; expected a number from -1e+09"),
    (["--learning.reward-scale", "nan"], "--learning.reward-scale is nan; expected"),
    (["--learning.reward-scale", "-1"], "--learning.reward-scale is -1.0; expected > 0"),
    (["--shaping.0.rules.idle-penalty", "1e300"], "--shaping.0.rules.idle-penalty is 1e+300; expected"),
    (["--agent.smoothing-clip", "1e300"], "--agent.smoothing-clip is 1e+300; expected"),
    (["--agent.output-init", "1e300"], "--agent.output-init is 1e+300; expected"),
    (["--agent.preactivation-penalty", "1e300"], "--agent.preactivation-penalty is 1e+300; expected"),
    (["--agent.critic-lr", "1e300"], "--agent.critic-lr.start is 1e+300; expected"),
    (["--agent.critic-lr", "0"], "--agent.critic-lr.start is 0.0; expected > 0"),
    (["--noise.sigma", "1e300"], "--noise.sigma.start is 1e+300; expected"),
    (["--agent.hidden", "x"], "--agent.hidden is x; expected"),
    (
        ["--replay.n-step", "9" * 25],
        "--replay.n-step is 10000000000000000000000002; expected <= --replay.capacity",
    ),
    (["--monitor.eval-episodes", "9" * 12], "--monitor.eval-episodes is 999999999999; expected <= 1000000"),
    (["--monitor.eval-seed", "9" * 25], "--monitor.eval-seed is "),
    (["--seed", "9" * 25], "--seed is "),
    (["--learning.replay-ratio", "0"], "--learning.replay-ratio is 0.0; expected > 0"),
    (["--device", "tpu"], "--device is tpu; expected one of cpu"),
    (["--backend", "unity"], "--backend is unity; expected one of native"),
    (["--preset", ""], "--preset has no value"),
    (["--preset="], "--preset has no value"),
    (["--preset"], "--preset has no value"),
    (["--preset", "--seed", "3"], "--preset has no value"),
    (["--resume"], "--resume has no value"),
    (["--resume", ""], "--resume has no value"),
    (["--from"], "--from has no value"),
    (["--from", ""], "--from has no value"),
    (["--out"], "--out has no value"),
    (["--out="], "--out has no value"),
    (["--out", "a\0b"], "--out is 'a\\x00b'; expected a path without NUL"),
    (["--resume", "a\0b"], "--resume is 'a\\x00b'; expected a path without NUL"),
    (["--from", "a\0b"], "--from is 'a\\x00b'; expected a path without NUL"),
    (["--out", LONG], "the folder cannot be created (File name too long)"),
    (["--resume", LONG], "no checkpoint in it"),
    (["--from", LONG], "no such run folder"),
    (["--out", NOT_UTF8], "--out is 'caf\\udce9'; expected a path in UTF-8"),
    (["--resume", NOT_UTF8], "--resume is 'caf\\udce9'; expected a path in UTF-8"),
    (["--from", NOT_UTF8], "--from is 'caf\\udce9'; expected a path in UTF-8"),
    (["--out", "/proc/run"], "/proc/run: the folder cannot be created"),
    (["--out", "/dev/null"], "/dev/null: not a folder"),
    (["--out", "/dev/null/run"], "/dev/null/run: "),
    (["--out", "/proc/self"], "/proc/self: the folder cannot be written"),
    (["--out", "{run}"], "{run}: the folder is not empty"),
    (["--out", "{run}/config.json"], "config.json: not a folder"),
    (["--resume", "{run}/config.json"], "no checkpoint in it"),
    (["--resume", "{run}", "--num-envs", "9999999"], "--num-envs is 9999999; expected <= "),
    (["--from", "{run}", "--out", "{run}"], "the folder is not empty"),
    (["--bogus"], "no option --bogus"),
    (["bogus"], "unexpected argument 'bogus'"),
    (["--seed", "1\n2"], "--seed is 1 2; expected an integer"),
]


@pytest.mark.parametrize(("arguments", "expected"), TRAIN, ids=lambda value: ascii(value)[:60])
def test_train(arguments: list[str], expected: str, run: Path, tmp_path: Path, capsys: Capture) -> None:
    before = names_in(run)
    filled = [argument.format(run=run) for argument in arguments]
    preset = [] if {"--preset", "--preset=", "--resume"} & set(filled) else SMALL
    assert main(["train", *preset, *filled]) == 2
    assert expected.format(run=run) in error_line(capsys)
    assert names_in(run) == before
    assert names_in(tmp_path) == [str(tmp_path / "empty")]


OTHERS = [
    ([], "no RUN given"),
    (["{run}", "more"], "unexpected argument"),
    (["{tmp}"], "contains neither best.safetensors nor a checkpoint"),
    (["{tmp}/missing"], "no such run folder or checkpoint"),
    (["a\0b"], "the policy is 'a\\x00b'; expected a path without NUL"),
    ([LONG], "no such run folder or checkpoint"),
    ([NOT_UTF8], "the policy is 'caf\\udce9'; expected a path in UTF-8"),
    (["{run}/config.json"], "truncated or not a weights file"),
    (["{run}", "--out"], "--out has no value"),
    (["{run}", "--out", "{tmp}/a\0b{suffix}"], "expected a path without NUL"),
    (
        ["{run}", "--out", "{tmp}/" + LONG + "{suffix}"],
        "expected a file that can be written (File name too long)",
    ),
    (["{run}", "--out", LONG + "/a{suffix}"], "expected a file that can be written (File name too long)"),
    (["{run}", "--out", "{tmp}/" + NOT_UTF8 + "{suffix}"], "expected a path in UTF-8"),
    (["{run}", "--out", "/proc/a{suffix}"], "--out is /proc/a{suffix}; expected a file that can be written"),
    (["{run}", "--out", "{run}/config.json/a{suffix}"], "expected an existing folder"),
    (["{run}", "--out", "{tmp}/missing/a{suffix}"], "expected an existing folder"),
    (["{run}", "--out", "{tmp}"], "expected a file name that ends in {suffix}"),
    (["{run}", "--out", "{folder}"], "expected a file, not a folder"),
    (["{run}", "--bogus"], "no option --bogus"),
]
SUFFIX = {"eval": ".json", "play": ".gif", "export": ".safetensors"}


@pytest.mark.parametrize("command", SUFFIX)
@pytest.mark.parametrize(("arguments", "expected"), OTHERS, ids=lambda value: ascii(value)[:60])
def test_commands_of_a_policy(
    command: str, arguments: list[str], expected: str, run: Path, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / f"folder{SUFFIX[command]}"
    folder.mkdir()
    fill = {"run": run, "tmp": tmp_path, "suffix": SUFFIX[command], "folder": folder}
    before = names_in(run), names_in(tmp_path)
    assert main([command, *(argument.format(**fill) for argument in arguments)]) == 2
    assert expected.format(**fill) in error_line(capsys)
    assert (names_in(run), names_in(tmp_path)) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["eval", "{run}", "--episodes", "9" * 12], "--episodes is 999999999999; expected <= 1000000"),
        (["eval", "{run}", "--processes", "100000"], "--processes is 100000; expected <= 1024"),
        (["eval", "{run}", "--processes", "0"], "--processes is 0; expected >= 1"),
        (["eval", "{run}", "--seed", "9" * 25], "expected <= 4611686018427387904"),
        (["eval", "{run}", "--seed", "1.5"], "--seed is 1.5; expected an integer"),
        (["play", "{run}", "--seed", "9" * 25], "expected <= 4611686018427387904"),
        (["play", "{run}", "--every", "100000", "--out", "a.gif"], "--every is 100000; expected <= 1000"),
        (["info", "--preset"], "--preset has no value"),
        (["info", "--preset", ""], "preset is ; expected one of auto"),
        (["info", "more"], "unexpected argument"),
        (["Train"], "COMMAND is Train; expected one of train"),
        ([""], "COMMAND is ; expected one of train"),
        (["a\nb"], "COMMAND is a b; expected one of train"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_other_values(arguments: list[str], expected: str, run: Path, capsys: Capture) -> None:
    assert main([argument.format(run=run) for argument in arguments]) == 2
    assert expected in error_line(capsys)


def read_only(*_: object, **__: object) -> int:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("command", ["eval", "export", "play", "train", "resume"])
def test_a_read_only_folder_is_noticed_before_the_work(
    command: str, run: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not bind root, so the call that creates files fails as on a read-only file system."""
    arguments = {
        "eval": ["eval", str(run)],
        "export": ["export", str(run)],
        "play": ["play", str(run), "--out", "a.gif"],
        "train": ["train", *SMALL, "--out", "new"],
        "resume": ["train", "--resume", str(run)],
    }[command]
    before = names_in(run)
    opened = os.open

    def open_to_read(path: str, flags: int, *mode: int) -> int:
        return read_only() if flags & os.O_CREAT else opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", open_to_read)
    monkeypatch.setattr(os, "mkdir", read_only)
    assert main(arguments) == 2
    assert "Read-only file system" in error_line(capsys)
    monkeypatch.undo()
    assert names_in(run) == before


class Trap:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("ran",))


def a_pickle(folder: Path) -> None:
    step = folder / checkpoint.FOLDER / "step-000000000001"
    step.mkdir(parents=True)
    (step / "manifest.json").write_bytes(pickle.dumps(Trap()))


def sealed(folder: Path, name: str, content: bytes) -> None:
    """A checkpoint with this file, and its digest in the manifest."""
    step = checkpoint.write(folder, 1, {"config": "{}"}, keep=1)
    (step / name).write_bytes(content)
    digests = manifest.read_manifest(step).files | {name: digest_of(content)}
    (step / "manifest.json").write_bytes(manifest.Manifest(1, digests).to_bytes())


def a_pickled_state(folder: Path) -> None:
    sealed(folder, "state.json", pickle.dumps(Trap()))


def a_zip_file(folder: Path) -> None:
    content = BytesIO()
    torch.save({"x": Trap()}, content)
    sealed(folder, "tensors.safetensors", content.getvalue())


def an_old_zip_file(folder: Path) -> None:
    content = BytesIO()
    torch.save({"x": Trap()}, content, _use_new_zipfile_serialization=False)
    sealed(folder, "tensors.safetensors", content.getvalue())


def a_checkpoint_of_an_earlier_version(folder: Path) -> None:
    torch.save({"format": "apexline checkpoint", "version": 2, "config": "{}"}, folder / "checkpoint.pt")


def no_configuration(folder: Path) -> None:
    checkpoint.write(folder, 1, {"steps": 1}, keep=1)


def a_list(folder: Path) -> None:
    checkpoint.write(folder, 1, {"config": "[1]", "agent": {"networks": {}}}, keep=1)


def not_json(folder: Path) -> None:
    checkpoint.write(folder, 1, {"config": "{", "agent": {"networks": {}}}, keep=1)


@pytest.mark.parametrize(
    "write",
    [
        a_pickle,
        a_pickled_state,
        a_zip_file,
        an_old_zip_file,
        a_checkpoint_of_an_earlier_version,
        no_configuration,
        a_list,
        not_json,
    ],
)
@pytest.mark.parametrize("command", ["eval", "play", "export", "from", "resume"])
def test_a_hostile_file(command: str, write: object, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    write(folder)  # type: ignore[operator]
    arguments = {"from": ["train", *SMALL, "--from"], "resume": ["train", "--resume"]}
    assert main([*arguments.get(command, [command]), str(folder)]) == 2
    line = error_line(capsys)
    assert "hostile" in line
    assert "weights_only" not in line
    assert len(line) < 250
    assert names_in(Path()) == []


def test_a_file_in_the_package_is_not_written(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    package = find_policy("pretrained").parent
    before = names_in(package)
    assert main(["export", "pretrained"]) == 0
    assert capsys.readouterr().out.startswith("wrote policy.safetensors, ")
    assert names_in(Path()) == ["policy.safetensors"]
    monkeypatch.setattr(evaluator.Evaluator, "submit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["eval", "pretrained", "--episodes", "1", "--backend", "native"]) == 130
    assert names_in(package) == before


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is mounted read-only, if this process may mount one."""
    with mounted(tmp_path / "disk", "ro,size=64k") as disk:
        yield disk


def test_a_read_only_file_system(read_only_disk: Path, run: Path, capsys: Capture) -> None:
    for arguments in (
        ["eval", str(run), "--out", f"{read_only_disk}/a.json"],
        ["export", str(run), "--out", f"{read_only_disk}/a.safetensors"],
        ["play", str(run), "--out", f"{read_only_disk}/a.gif"],
        ["train", *SMALL, "--out", str(read_only_disk)],
        ["train", *SMALL, "--out", f"{read_only_disk}/run"],
    ):
        assert main(arguments) == 2
        assert "(Read-only file system)" in error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["{run}", "--out", "/proc/a.png"], "out is /proc/a.png; expected a file that can be written"),
        (["{run}", "--out", LONG + ".png"], "expected a file that can be written (File name too long)"),
        (["{run}", "--out", NOT_UTF8 + ".png"], "expected a path in UTF-8"),
        (["{run}", "--out", "a.bogus"], "it cannot be written"),
        (["{tmp}"], "metrics.csv: no such file"),
        ([LONG], "metrics.csv: no such file"),
        (["{fifo}"], "metrics.csv: no such file"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_curves(arguments: list[str], expected: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / "metrics.csv")
    (tmp_path / "run").mkdir()
    header = "time/seconds,charts/steps,charts/frames,charts/episodic_return,eval/episodic_return"
    (tmp_path / "run" / "metrics.csv").write_text(f"{header}\n1,1,1,1,1\n2,2,2,2,2\n")
    fill = {"run": tmp_path / "run", "tmp": tmp_path, "fifo": tmp_path / "fifo"}
    assert curves.main([argument.format(**fill) for argument in arguments]) == 2
    assert expected in error_line(capsys)
    assert names_in(Path()) == []
