"""Learning curves from metrics.csv: of one run, or mean and range of several with different seeds.

`python -m apexline.training.records.curves RUN RUN ... --out FILE.png`
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from apexline.atomic_write import atomic_write
from apexline.training.errors import InputError
from apexline.training.records.metrics_file import METRICS
from apexline.training.records.paths import check_name, check_target, regular_file

Floats = NDArray[np.float64]

CURVE = "curve.png"

SCORES = (
    ("charts/episodic_return", "training, mean of 20 episodes, with noise", "-"),
    ("eval/episodic_return", "evaluation, unshaped, without noise", "o-"),
)
"""Columns that are drawn, their labels and line styles."""
AXES = (
    ("time/seconds", "minutes of training", 60.0),
    ("charts/steps", "steps", 1.0),
    ("charts/frames", "frames", 1.0),
)
"""Columns of the x axes, their labels, and the divisor from the column's unit to the axis's."""
POINTS = 200
"""Places along an axis where runs are compared."""


class Curve(NamedTuple):
    """Points of one run, in the order of x."""

    x: Floats
    y: Floats


class Spread(NamedTuple):
    """Several curves at the same places, each (POINTS,) float64."""

    x: Floats
    mean: Floats
    low: Floats
    high: Floats


def read_curve(folder: Path, over: str, column: str) -> Curve:
    """Column `column` of `folder`/metrics.csv over column `over`, without empty rows.

    Raises:
        InputError: there is no such file, or a column is missing or contains something other than numbers.
    """
    path = folder / METRICS
    check_name("the run", folder)
    if not regular_file(path):
        raise InputError(f"{path}: no such file")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            points = [(float(row[over]), float(row[column])) for row in csv.DictReader(file) if row[column]]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the metrics of a run ({error})") from error
    # A run that was killed resumes from its last checkpoint, so later rows may have smaller x.
    x, y = np.array(sorted(points, key=lambda point: point[0]), np.float64).reshape(-1, 2).T
    return Curve(x, y)


def spread_of(curves: Sequence[Curve]) -> Spread | None:
    """Mean, minimum and maximum of `curves`, interpolated linearly on the range of x that all of them cover.

    None if there is no such range.
    """
    if not curves or any(len(curve.x) == 0 for curve in curves):
        return None
    first, last = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    if first >= last:
        return None
    x = np.linspace(first, last, POINTS)
    y = np.stack([np.interp(x, *curve) for curve in curves])
    return Spread(x, y.mean(axis=0), y.min(axis=0), y.max(axis=0))


def draw_curve(folder: Path) -> Path:
    """Draw the scores of one run over the minutes of training, as `folder`/curve.png.

    Raises:
        InputError: as `read_curve`.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    over, label, unit = AXES[0]
    for column, name, style in SCORES:
        curve = read_curve(folder, over, column)
        if len(curve.x):
            axes.plot(curve.x / unit, curve.y, style, label=name)
    _label(axes, label)
    axes.set_ylabel("score of CarRacing-v3")
    path = folder / CURVE
    _save(figure, path)
    return path


def draw_curves(folders: Sequence[Path], out: Path, title: str = "") -> None:
    """Draw the scores of several runs over minutes, steps and frames, as an image at `out`.

    Lines are means over the runs, shades their range; dots are single evaluations.

    Raises:
        InputError: a folder has no metrics, none of them has scores, or `out` cannot be written.
    """
    check_target("out", out)
    figure = Figure(figsize=(6 * len(AXES), 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    drawn = 0
    for axes, (over, label, unit) in zip(figure.subplots(1, len(AXES), sharey=True), AXES, strict=True):
        for number, (column, name, style) in enumerate(SCORES):
            read = [read_curve(folder, over, column) for folder in folders]
            curves = [Curve(curve.x / unit, curve.y) for curve in read]
            drawn += sum(len(curve.x) for curve in curves)
            _draw(axes, curves, name, color=f"C{number}", dotted="o" in style)
        _label(axes, label, legend=axes is figure.axes[0])
    if not drawn:
        raise InputError(f"{', '.join(map(str, folders))}: no scores yet")
    figure.axes[0].set_ylabel("score of CarRacing-v3")
    figure.suptitle(title or f"mean and range of {len(folders)} runs")
    try:
        _save(figure, out)
    except (OSError, ValueError) as error:
        raise InputError(f"out is {out}; it cannot be written ({error})") from error


def _save(figure: Figure, path: Path) -> None:
    """Replace `path` by the image, in the format of its suffix."""
    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:] or "png", dpi=120)


def _draw(axes: Axes, curves: Sequence[Curve], label: str, *, color: str, dotted: bool) -> None:
    if dotted and any(len(curve.x) for curve in curves):
        x, y = (np.concatenate(values) for values in zip(*curves, strict=True))
        axes.plot(x, y, "o", color=color, markersize=3, alpha=0.6, label=label)
    spread = spread_of(curves)
    if spread is not None:
        axes.fill_between(spread.x, spread.low, spread.high, color=color, alpha=0.2, linewidth=0)
        axes.plot(spread.x, spread.mean, color=color, label=None if dotted else label)


def _label(axes: Axes, label: str, *, legend: bool = True) -> None:
    axes.set_xlabel(label)
    axes.grid(alpha=0.3)
    if legend and axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 2 after an error in the input."""
    parser = argparse.ArgumentParser(
        "python -m apexline.training.records.curves", description="Draw several runs as one learning curve."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders of one configuration")
    parser.add_argument(
        "--out", type=Path, default=Path("curves.png"), help="image file (default: curves.png)"
    )
    parser.add_argument("--title", default="", help="title (default: the number of runs)")
    options = parser.parse_args(arguments)
    try:
        draw_curves(options.runs, options.out, options.title)
    except InputError as error:
        print(f"apexline: {error}", file=sys.stderr)
        return 2
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
