"""`python -m apexline.training.records.curves RUN RUN ... --out FILE.png`: several runs as one learning curve.

Meant for runs of one configuration with different seeds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from apexline.training.errors import InputError
from apexline.training.records.curve import SCORES, Curve, Floats, read_curve

POINTS = 200
"""Places along an axis where the runs are compared."""
AXES = (("time/seconds", "minutes of training", 60.0), ("charts/steps", "steps", 1.0))
"""Columns to draw over, what they are called, and how much of the column one unit of the axis is."""


class Spread(NamedTuple):
    """Several curves at the same places, each (POINTS,) float64."""

    x: Floats
    mean: Floats
    low: Floats
    high: Floats


def spread_of(curves: Sequence[Curve]) -> Spread | None:
    """Mean, lowest and highest of `curves`, interpolated linearly, where all of them have points around.

    None where there is no such stretch.
    """
    if not curves or any(len(curve.x) == 0 for curve in curves):
        return None
    first, last = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    if first >= last:
        return None
    x = np.linspace(first, last, POINTS)
    y = np.stack([np.interp(x, *curve) for curve in curves])
    return Spread(x, y.mean(axis=0), y.min(axis=0), y.max(axis=0))


def draw_curves(folders: Sequence[Path], out: Path, title: str = "") -> None:
    """Draws the scores of the runs in `folders` over minutes and over steps, as a image at `out`.

    A line is the mean over the runs, the shade their range; dots are single evaluations.

    Raises:
        InputError: a folder holds no metrics, none of them holds scores, or `out` cannot be written.
    """
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    drawn = 0
    for axes, (over, name, unit) in zip(figure.subplots(1, len(AXES), sharey=True), AXES, strict=True):
        for number, (column, label, style) in enumerate(SCORES):
            read = [read_curve(folder, over, column) for folder in folders]
            curves = [Curve(curve.x / unit, curve.y) for curve in read]
            drawn += sum(len(curve.x) for curve in curves)
            _draw(axes, curves, label, color=f"C{number}", dotted="o" in style)
        axes.set_xlabel(name)
        axes.grid(alpha=0.3)
    if not drawn:
        raise InputError(f"{', '.join(map(str, folders))}: no scores yet")
    figure.axes[0].set_ylabel("score of CarRacing-v3")
    if figure.axes[0].get_legend_handles_labels()[0]:
        figure.axes[0].legend(loc="lower right")
    figure.suptitle(title or f"mean and range of {len(folders)} runs")
    try:
        figure.savefig(out, dpi=120)
    except (OSError, ValueError) as error:
        raise InputError(f"out is {out}; it cannot be written ({error})") from error


def _draw(axes: Axes, curves: Sequence[Curve], label: str, *, color: str, dotted: bool) -> None:
    if dotted and any(len(curve.x) for curve in curves):
        x, y = (np.concatenate(values) for values in zip(*curves, strict=True))
        axes.plot(x, y, "o", color=color, markersize=3, alpha=0.6, label=label)
    spread = spread_of(curves)
    if spread is not None:
        axes.fill_between(spread.x, spread.low, spread.high, color=color, alpha=0.2, linewidth=0)
        axes.plot(spread.x, spread.mean, color=color, label=None if dotted else label)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws what the command line asks for; returns 2 where it cannot be, else 0."""
    parser = argparse.ArgumentParser(
        "python -m apexline.training.records.curves", description="Draws runs as one curve."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders of one configuration")
    parser.add_argument("--out", type=Path, default=Path("curves.png"), help="the image; default curves.png")
    parser.add_argument("--title", default="", help="above it; default: how many runs there are")
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
