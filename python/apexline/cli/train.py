"""`apexline train`."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro

from apexline.cli.parse import parse
from apexline.cli.progress import ProgressBar
from apexline.racing import WorkerDiedError
from apexline.training import (
    EvaluationWorkerDiedError,
    InputError,
    Policy,
    TrainConfig,
    preset,
    train,
)
from apexline.training.config.train_config import from_dict
from apexline.training.loop import check_run
from apexline.training.machine.memory import describe_memory
from apexline.training.machine.profiling import TABLE
from apexline.training.machine.tuning import tuned
from apexline.training.records import checkpoint


@dataclass(frozen=True)
class TrainCommand:
    """Train an agent on CarRacing-v3 and leave a run folder."""

    config: Annotated[TrainConfig, tyro.conf.arg(name="")]
    out: Path | None = None
    """The run folder, new or empty. Default: runs/PRESET-DATE-TIME."""
    resume: Path | None = None
    """Go on with the run in this folder; its configuration is then the default of every option."""
    from_: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Start from the networks of this run folder, checkpoint or file of weights, or of `pretrained`, the policy that
    comes with apexline; everything else starts afresh. Its game, rules and networks are the default of those
    options."""
    render: bool = False
    """Show the first environment in a window, which slows it down to real time."""
    profile: bool = False
    """Measure where the time of 50 steps goes, once learning is under way: a table at the end, and trace.json in the
    run folder, for chrome://tracing or Perfetto."""


def main(argv: list[str]) -> None:
    """Parses the options over their preset and trains."""
    defaults = _defaults(argv)
    command = parse(TrainCommand, "train", argv, default=TrainCommand(config=defaults))
    config = replace(command.config, preset=defaults.preset)
    folder = command.resume or command.out or Path("runs") / f"{config.preset}-{datetime.now():%Y%m%d-%H%M%S}"
    check_run(config, folder, resume=command.resume is not None)
    config = tuned(config)
    print(
        f"apexline train: preset {config.preset}, {config.num_envs} environments, {config.threads} torch "
        f"{'thread' if config.threads == 1 else 'threads'}, {config.agent.precision}, run folder {folder}\n"
        f"{describe_memory(config)}",
        flush=True,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with ProgressBar(config.budget) as bar:
            status = train(
                config,
                folder,
                resume=command.resume is not None,
                weights=command.from_,
                render=command.render,
                profile=command.profile,
                on_status=bar,
            )
    except (WorkerDiedError, EvaluationWorkerDiedError, KeyboardInterrupt, SystemExit):
        if (folder / checkpoint.LATEST).exists():
            print(f"the latest state is saved; go on with: apexline train --resume {folder}", file=sys.stderr)
        raise
    if command.profile and (folder / TABLE).exists():
        print((folder / TABLE).read_text(), end="")
    print(
        f"done: {status.episodes} episodes, {status.frames} frames, {status.updates} updates "
        f"in {status.seconds / 60:.1f} minutes; score it with: apexline eval {folder}"
    )


def _defaults(argv: list[str]) -> TrainConfig:
    """What options are laid over: the resumed run's configuration, or the preset's."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset")
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--from")
    known = vars(parser.parse_known_args(argv)[0])
    if known["resume"] is None:
        config = preset(known["preset"] or "auto")
        return config if known["from"] is None else _fitting(config, Policy.load(known["from"]))
    for option in ("preset", "out", "from"):
        if known[option] is not None:
            raise InputError(f"--{option} does not go with --resume: the run has its own")
    path = known["resume"] / checkpoint.LATEST
    return from_dict(json.loads(checkpoint.load(path)["config"]), str(path))


def _fitting(config: TrainConfig, policy: Policy) -> TrainConfig:
    """`config` for the policy's game, rules and networks."""
    theirs = policy.config
    return replace(
        config,
        game=theirs.game,
        agent=replace(theirs.agent, precision=config.agent.precision),
        replay=replace(config.replay, frame_stack=theirs.replay.frame_stack, shift=theirs.replay.shift),
        strict=theirs.strict,
    )
