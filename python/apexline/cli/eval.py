"""`apexline eval`."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import gymnasium
import tyro
from tqdm import tqdm

from apexline import __version__
from apexline._core import available_processors
from apexline.cli.parse import check_output, parse
from apexline.racing import Backend
from apexline.training import EvalReport, Evaluator, InputError, Policy
from apexline.training.evaluation.policy import PRETRAINED, find_policy


@dataclass(frozen=True)
class EvalCommand:
    """Score a run on whole, unshaped episodes, without noise; on the stock game unless told otherwise."""

    run: tyro.conf.Positional[str]
    """The run folder (its best weights, else its latest), a checkpoint, a file of weights, or `pretrained`."""
    episodes: int = 100
    """Episodes to play, each from a seed of its own."""
    seed: int = 1_000_000
    """Seed of the first episode; the next ones follow. Keep to seeds that were never trained or selected on."""
    env: Backend = "gymnasium"
    """Whose game to score on: the stock one, or apexline's own, which plays the same game faster."""
    processes: int = 0
    """Processes that play; 0 takes the processors this process may use. Scores do not depend on it."""
    out: Annotated[Path | None, tyro.conf.arg(name="out")] = None
    """Where the report goes. Default: eval.json in the run folder, or beside the file; of `pretrained`, here."""


def main(argv: list[str]) -> None:
    """Plays the episodes, prints a summary and writes eval.json."""
    command = parse(EvalCommand, "eval", argv)
    if command.episodes < 1:
        raise InputError(f"episodes is {command.episodes}; it must be >= 1")
    if command.seed < 0:
        raise InputError(f"seed is {command.seed}; it must be >= 0")
    if command.processes < 0:
        raise InputError(f"processes is {command.processes}; it must be >= 0")
    policy = Policy.load(command.run)
    folder = Path() if command.run == PRETRAINED else find_policy(command.run).parent
    out = command.out or folder / "eval.json"
    check_output(out, ".json")

    processes = min(command.processes or available_processors(), command.episodes)
    seeds = range(command.seed, command.seed + command.episodes)
    evaluator = Evaluator(policy.config, processes, command.env)
    try:
        pending = evaluator.submit(policy.networks.state_dict(), seeds)
        bar = tqdm(
            pending.completed(), total=command.episodes, desc="episodes", unit="episode", disable=None
        )  # disable=None: shown on a terminal only
        deque(bar, maxlen=0)
        report = pending.result()
    finally:
        evaluator.close()

    game = "CarRacing-v3" if command.env == "gymnasium" else "apexline/CarRacing-v3"
    print(_text(game, report))
    values = {
        "checkpoint": find_policy(command.run).name,
        "steps": policy.steps,
        "environment": game,
        "first_seed": command.seed,
        "summary": report.summary,
        "versions": {"apexline": __version__, "gymnasium": gymnasium.__version__},
        "episodes": [asdict(episode) for episode in report.episodes],
    }
    out.write_text(json.dumps(values, indent=2) + "\n")
    print(f"wrote {out}")


def _text(game: str, report: EvalReport) -> str:
    summary = report.summary
    figures = ", ".join(f"{name} {value:.1f}" for name, value in summary.items())
    first, last = report.episodes[0].seed, report.episodes[-1].seed
    return (
        f"{game} (gymnasium {gymnasium.__version__}), {len(report.episodes)} unshaped episodes, "
        f"seeds {first} to {last}\n{figures}"
    )
