import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest

from benchmarks.ratios import check
from benchmarks.ratios.committed import COMMITTED, Committed, load, save
from benchmarks.ratios.measuring import robust_ratio
from benchmarks.ratios.workloads import WORKLOADS


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.0, "ok"), (1.49, "ok"), (1.51, "slower"), (4.0, "slower"), (0.67, "ok"), (0.66, "faster")],
)
def test_verdict(ratio: float, verdict: str) -> None:
    assert Committed(ratio=1.0, tolerance=1.5).judge(ratio) == verdict


def test_a_machine_at_half_speed_gives_the_same_ratio() -> None:
    rounds = [(3.0, 2.0), (3.1, 2.0), (2.9, 2.0)]
    assert robust_ratio([(2 * work, 2 * reference) for work, reference in rounds]) == robust_ratio(rounds)


def test_stalls_on_either_side_give_the_same_ratio() -> None:
    steady = [(3.0, 2.0)] * 7
    assert robust_ratio([*steady, (90.0, 2.0), (3.0, 80.0), (70.0, 2.0)]) == 1.5


def test_every_committed_tolerance_catches_a_doubling() -> None:
    for name, committed in load(COMMITTED).items():
        assert committed.judge(2.01 * committed.ratio) == "slower", name


def test_every_benchmark_has_a_committed_ratio() -> None:
    assert load(COMMITTED).keys() == WORKLOADS.keys()


@pytest.fixture
def ratios(tmp_path: Path) -> Path:
    path = tmp_path / "ratios.json"
    copy(COMMITTED, path)
    return path


def test_an_injected_slowdown_fails_the_command(ratios: Path) -> None:
    assert check.main(["--ratios", str(ratios), "--only", "tree-sample", "--write"]) == 0
    command = [sys.executable, "-m", check.__name__, "--ratios", str(ratios), "--only", "tree-sample"]

    done = subprocess.run(
        [*command, "--inject", "tree-sample=4"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1, done.stderr
    assert "SLOWER" in done.stdout
    assert done.stdout.endswith("tolerance allows: tree-sample\n")


def test_write_keeps_tolerances_and_other_ratios(ratios: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "measure", lambda *_, **__: 0.123456)
    before = load(ratios)

    check.main(["--ratios", str(ratios), "--only", "tree-find", "--write"])

    after = load(ratios)
    assert after["tree-find"].ratio == 0.123
    assert after["tree-find"].tolerance == before["tree-find"].tolerance
    assert {**after, "tree-find": None} == {**before, "tree-find": None}


def test_an_improvement_passes(
    ratios: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "measure", lambda *_, **__: 1e-6)
    assert check.main(["--ratios", str(ratios), "--only", "tree-find"]) == 0
    assert "faster: consider --write" in capsys.readouterr().out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as refusal:
        check.main(arguments)
    assert refusal.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "tree-dance"], "'tree-dance'"),
        (["--inject", "tree-dance=4"], "unknown benchmark 'tree-dance'"),
        (["--inject", "tree-find=often"], "--inject is 'tree-find=often'; expected NAME=FACTOR"),
        (["--inject", "tree-find=4", "--write"], "--write with --inject would store"),
        (["--ratios", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint in refused(arguments, capsys)


def test_a_missing_ratio_is_named(ratios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = load(ratios)
    del others["replay-add"]
    save(ratios, others)
    assert "no ratio of 'replay-add'" in refused(["--ratios", str(ratios)], capsys)


def test_a_ratio_without_a_benchmark_is_named(ratios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(ratios, load(ratios) | {"tree-dance": Committed(1.0)})
    assert "unknown benchmark 'tree-dance'" in refused(["--ratios", str(ratios)], capsys)
