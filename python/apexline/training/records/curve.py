"""The learning curve of a run, drawn from its metrics.csv."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from apexline.training.errors import InputError

Floats = NDArray[np.float64]

SCORES = (
    ("charts/score", "training, mean of 20 episodes, with noise", "-"),
    ("eval/score", "evaluation, unshaped, without noise", "o-"),
)
"""Columns that are drawn, what they are called and how they look."""


class Curve(NamedTuple):
    """Points of one run, in the order of x."""

    x: Floats
    y: Floats


def read_curve(folder: Path, over: str, column: str) -> Curve:
    """What `folder`/metrics.csv has in `column`, over the column `over`; rows without a value are left out.

    Raises:
        InputError: there is no such file, or it lacks a column or holds something else than numbers.
    """
    path = folder / "metrics.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            points = [(float(row[over]), float(row[column])) for row in csv.DictReader(file) if row[column]]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not the metrics of a run ({error})") from error
    # A run that was killed goes on from its checkpoint, before the last of its rows.
    x, y = np.array(sorted(points, key=lambda point: point[0]), np.float64).reshape(-1, 2).T
    return Curve(x, y)


def draw_curve(folder: Path) -> Path:
    """Draws the scores in `folder`/metrics.csv over the minutes of training, as curve.png beside it.

    Raises:
        InputError: as `read_curve`.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for column, label, style in SCORES:
        curve = read_curve(folder, "time/seconds", column)
        if len(curve.x):
            axes.plot(curve.x / 60, curve.y, style, label=label)
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("score of CarRacing-v3")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right")
    path = folder / "curve.png"
    figure.savefig(path, dpi=120)
    return path
