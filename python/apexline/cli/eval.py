"""`apexline eval`."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import gymnasium
import tyro
from tqdm import tqdm

from apexline import __version__
from apexline._core import available_processors
from apexline.cli.output import print_warning
from apexline.cli.parse import LARGEST_SEED, check_output, check_range, parse
from apexline.racing import Backend
from apexline.training import EvalReport, Evaluator, Policy
from apexline.training.evaluation.policy import find_policy, output_folder
from apexline.training.records.json_file import write_json


@dataclass(frozen=True)
class EvalCommand:
    """Score a policy on whole, unshaped episodes without exploration noise; prints a summary and writes a report."""

    run: tyro.conf.Positional[str]
    """A run folder (its best weights, else its newest checkpoint), a checkpoint, a weights file, or `pretrained`."""
    episodes: int = 100
    """Number of episodes, 1 to 1,000,000; each has its own seed."""
    seed: int = 1_000_000
    """Seed of the first episode, >= 0; the following episodes use the next seeds. Use seeds that were not used in
    training or to select weights."""
    backend: Backend = "gymnasium"
    """Environment: `gymnasium` (the stock CarRacing-v3) or `native` (C++, faster)."""
    processes: int | None = None
    """Worker processes, 1 to 1024; None: one for each available processor. Scores do not depend on it."""
    out: Path | None = None
    """Report (JSON) with the summary and every episode; None: eval.json in the run folder or next to the file, for
    `pretrained` in the working directory."""


def main(argv: list[str]) -> None:
    """Runs the episodes, prints the summary and writes the report."""
    command = parse(EvalCommand, "eval", argv)
    check_range("episodes", command.episodes, 1, 1_000_000)
    check_range("seed", command.seed, 0, LARGEST_SEED)
    processes = available_processors() if command.processes is None else command.processes
    check_range("processes", processes, 1, 1024)
    find_policy(command.run)
    out = command.out or output_folder(command.run) / "eval.json"
    check_output(out, ".json")
    policy = Policy.load(command.run, warn=print_warning)

    seeds = range(command.seed, command.seed + command.episodes)
    evaluator = Evaluator(policy.config, min(processes, command.episodes), command.backend)
    try:
        pending = evaluator.submit(policy.networks.state_dict(), seeds)
        bar = tqdm(
            pending.completed(), total=command.episodes, desc="episodes", unit="episode", disable=None
        )  # disable=None: shown on a terminal only
        deque(bar, maxlen=0)
        report = pending.result()
    finally:
        evaluator.close()

    game = "CarRacing-v3" if command.backend == "gymnasium" else "apexline/CarRacing-v3"
    values = {
        "checkpoint": policy.path.name if policy.path else None,
        "steps": policy.steps,
        "environment": game,
        "first_seed": command.seed,
        "summary": report.summary,
        "versions": {"apexline": __version__, "gymnasium": gymnasium.__version__},
        "episodes": [asdict(episode) for episode in report.episodes],
    }
    write_json(out, values)  # before any output, which may have no reader any more
    print(_text(game, report))
    print(f"wrote {out}")


def _text(game: str, report: EvalReport) -> str:
    summary = report.summary
    figures = ", ".join(f"{name} {value:.1f}" for name, value in summary.items())
    first, last = report.episodes[0].seed, report.episodes[-1].seed
    return (
        f"{game} (gymnasium {gymnasium.__version__}), {len(report.episodes)} unshaped episodes, "
        f"seeds {first} to {last}\n{figures}"
    )
