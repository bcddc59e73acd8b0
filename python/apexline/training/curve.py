"""The learning curve of a run, drawn from its metrics.csv."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SCORES = (
    ("charts/score", "training, mean of 20 episodes, with noise", "-"),
    ("eval/score", "evaluation, unshaped, without noise", "o-"),
)
"""Columns that are drawn, what they are called and how they look."""


def draw_curve(folder: Path) -> Path:
    """Draws the scores in `folder`/metrics.csv over the minutes of training, as curve.png beside it."""
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for column, label, style in SCORES:
        points = [(float(row["time/seconds"]) / 60, float(row[column])) for row in rows if row[column]]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label)
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("score of CarRacing-v3")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right")
    path = folder / "curve.png"
    figure.savefig(path, dpi=120)
    return path
