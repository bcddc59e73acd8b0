"""Learning curves of several runs, from random metrics, against a naive model."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from apexline.training import InputError
from apexline.training.records.curves import POINTS, Curve, draw_curves, main, read_curve, spread_of
from apexline.training.records.metrics_file import COLUMNS

Row = Mapping[str, float]

AXES_UNITS = (("time/seconds", 60), ("charts/steps", 1), ("charts/frames", 1))


def run(folder: Path, rows: Sequence[Row]) -> Path:
    """A run folder with these rows of metrics."""
    folder.mkdir()
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def rows_of(seed: int) -> list[Row]:
    """Rows at random times: scores in most, an evaluation in every fifth."""
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.uniform(5, 40, 30))
    rows: list[Row] = []
    for number, second in enumerate(seconds):
        row = {
            "time/seconds": float(second),
            "charts/steps": 7.0 * second + seed,
            "charts/frames": 28.0 * second,
        }
        rows.append(row | ({"charts/episodic_return": float(rng.normal())} if number > 3 + seed else {}))
        if number % 5 == 4:
            rows.append(row | {"eval/episodic_return": 100.0 + number + seed})
    return rows


def naive(points: Sequence[tuple[float, float]], x: float) -> float:
    """Linear interpolation between the neighbors of `x`."""
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise AssertionError(f"{x} is outside")


@pytest.mark.parametrize("over", ["time/seconds", "charts/steps"])
@pytest.mark.parametrize("column", ["charts/episodic_return", "eval/episodic_return"])
def test_mean_and_range_agree_with_a_naive_computation(over: str, column: str, tmp_path: Path) -> None:
    tables = [rows_of(seed) for seed in range(3)]
    folders = [run(tmp_path / str(seed), rows) for seed, rows in enumerate(tables)]
    spread = spread_of([read_curve(folder, over, column) for folder in folders])
    assert spread is not None
    points = [[(row[over], row[column]) for row in rows if column in row] for rows in tables]
    assert len(spread.x) == POINTS
    assert spread.x[0] == max(own[0][0] for own in points)
    assert spread.x[-1] == min(own[-1][0] for own in points)
    for i in range(1, POINTS - 1):
        values = [naive(own, spread.x[i]) for own in points]
        assert spread.mean[i] == pytest.approx(sum(values) / 3)
        assert spread.low[i] == pytest.approx(min(values))
        assert spread.high[i] == pytest.approx(max(values))


def test_one_run_is_its_own_mean() -> None:
    curve = Curve(np.array([0.0, 1.0]), np.array([3.0, 5.0]))
    spread = spread_of([curve])
    assert spread is not None
    assert np.array_equal(spread.mean, spread.low)
    assert np.array_equal(spread.mean, spread.high)
    assert spread.mean[[0, -1]].tolist() == [3, 5]


@pytest.mark.parametrize("other", [[], [5.0, 9.0], [1.0]])
def test_runs_that_do_not_overlap_have_no_mean(other: list[float]) -> None:
    curves = [Curve(np.array(x), np.array(x)) for x in ([0.0, 1.0], other)]
    assert spread_of(curves) is None


def test_points_of_a_resumed_run_are_sorted(tmp_path: Path) -> None:
    rows = [{"time/seconds": x, "charts/episodic_return": y} for x, y in ((1.0, 1.0), (5.0, 2.0), (3.0, 9.0))]
    curve = read_curve(run(tmp_path / "run", rows), "time/seconds", "charts/episodic_return")
    assert curve.x.tolist() == [1, 3, 5]
    assert curve.y.tolist() == [1, 9, 2]


def test_every_evaluation_is_a_dot_and_lines_are_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plotted = []
    plot = Axes.plot

    def kept(self: Axes, *arguments: object, **options: object) -> object:
        plotted.append((arguments, options.get("label")))
        return plot(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Axes, "plot", kept)
    tables = [rows_of(seed) for seed in range(2)]
    folders = [run(tmp_path / str(seed), rows) for seed, rows in enumerate(tables)]
    out = tmp_path / "curve.png"
    draw_curves(folders, out, "two seeds")
    with Image.open(out) as image:
        assert image.size == (2160, 540)
    found = [arguments for arguments, _ in plotted if len(arguments) == 3]
    evaluations = [row for rows in tables for row in rows if "eval/episodic_return" in row]
    for (x, y, marker), (over, unit) in zip(found, AXES_UNITS, strict=True):
        assert marker == "o"
        assert x == pytest.approx([row[over] / unit for row in evaluations])
        assert y == pytest.approx([row["eval/episodic_return"] for row in evaluations])
    assert [str(label).split(",")[0] for _, label in plotted if label] == ["training", "evaluation"] * 3


def test_runs_too_short_for_a_mean_are_drawn_as_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    legends: list[list[str]] = []
    monkeypatch.setattr(Axes, "legend", lambda self, **_: legends.append(self.get_legend_handles_labels()[1]))
    first, second = (
        {"time/seconds": x, "charts/steps": x, "charts/frames": x, "eval/episodic_return": 1.0}
        for x in (5.0, 9.0)
    )
    draw_curves([run(tmp_path / "a", [first]), run(tmp_path / "b", [second])], tmp_path / "dots.png")
    assert legends == [["evaluation, unshaped, without noise"]]
    single = {"time/seconds": 5.0, "charts/steps": 5.0, "charts/frames": 5.0, "charts/episodic_return": 1.0}
    draw_curves([run(tmp_path / "c", [single])], tmp_path / "bare.png")
    assert len(legends) == 1, "an axis without curves has no legend"


def test_the_command_line_draws_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(tmp_path / "run", rows_of(0))
    out = tmp_path / "curve.png"
    assert main([str(folder), str(folder), "--out", str(out)]) == 0
    assert out.stat().st_size > 1_000
    assert capsys.readouterr().out == f"wrote {out}\n"


def test_errors_are_printed_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = run(tmp_path / "good", rows_of(0))
    other = tmp_path / "other"
    other.mkdir()
    (other / "metrics.csv").write_text("time/seconds,charts/episodic_return,eval/episodic_return\n1,fast,\n")
    for runs, out, expected in (
        ([good, tmp_path / "missing"], "a.png", "missing/metrics.csv: no such file"),
        ([good, other], "a.png", "other/metrics.csv: not the metrics of a run"),
        ([run(tmp_path / "empty", [])], "a.png", "empty: no scores yet"),
        ([good], "no/a.png", "no/a.png; expected an existing folder"),
        ([good], "a.txt", "a.txt; it cannot be written"),
    ):
        assert main([*map(str, runs), "--out", str(tmp_path / out)]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert expected in lines[0]
        assert not (tmp_path / out).exists()
    with pytest.raises(InputError):
        draw_curves([tmp_path / "missing"], tmp_path / "a.png")
