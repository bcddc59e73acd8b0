"""`apexline train`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro

from apexline.cli.help import options_of, print_help, render, summary_of
from apexline.cli.output import complain, print_warning, show
from apexline.cli.parse import as_options, parse
from apexline.cli.progress import ProgressBar
from apexline.training import (
    DivergedError,
    InputError,
    Policy,
    TrainConfig,
    preset,
    train,
)
from apexline.training.config.validation import from_dict
from apexline.training.machine.profiling import TABLE
from apexline.training.monitor import Status
from apexline.training.records import checkpoint
from apexline.training.records.paths import check_name
from apexline.training.records.run_folder import new_folder
from apexline.training.stop import STOPPING

SHORT = (
    "out",
    "resume",
    "from",
    "preset",
    "seed",
    "device",
    "num-envs",
    "budget.minutes",
    "budget.total-steps",
    "render",
)
"""The options of the short help."""


@dataclass(frozen=True)
class TrainCommand:
    """Train an agent on CarRacing-v3 and write a run folder. Interrupt with Ctrl-C, continue with --resume."""

    out: Path | None = None
    """Run folder, new or empty; None: runs/PRESET-DATE-TIME, with a number if that exists."""
    resume: Path | None = None
    """Continue the run in this folder; its configuration replaces the defaults of all options."""
    from_: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Start from the networks of this policy: a run folder, a checkpoint, a weights file or `pretrained`. Its game,
    shaping, networks, frame stack and shift replace the defaults of those options."""
    render: bool = False
    """Show the first environment in a window, which limits it to real time."""
    profile: bool = False
    """Profile 50 steps after learning has started: prints a table at the end and writes trace.json (for Perfetto or
    chrome://tracing) to the run folder."""
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = field(default_factory=TrainConfig)


def main(argv: list[str]) -> None:
    """Parses the options over the defaults of their preset and trains."""
    defaults, policy = _defaults(argv)
    if "--help-all" in argv:
        print_help("train", TrainCommand, TrainCommand(config=defaults))
        return
    if {"-h", "--help"} & set(argv):
        _print_short_help(defaults)
        return
    command = parse(TrainCommand, "train", argv, default=TrainCommand(config=defaults))
    config = replace(command.config, preset=defaults.preset)
    folder = command.resume or command.out
    with _exit_at_signals():
        if folder is not None:
            _train(command, config, policy, folder)
        else:
            with new_folder(Path("runs") / f"{config.preset}-{datetime.now():%Y%m%d-%H%M%S}") as created:
                _train(command, config, policy, created)


@contextmanager
def _exit_at_signals() -> Iterator[None]:
    """Until training begins, and after it, SIGTERM and SIGHUP raise SystemExit, so that an unused folder is removed."""

    def exit_with(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    receives = threading.current_thread() is threading.main_thread()
    before = {
        number: handler
        for number in STOPPING
        if receives and number != signal.SIGINT and (handler := signal.getsignal(number)) is signal.SIG_DFL
    }
    for number in before:
        signal.signal(number, exit_with)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(command: TrainCommand, config: TrainConfig, policy: Policy | None, folder: Path) -> None:
    try:
        with ProgressBar(config.budget) as bar:
            status = train(
                config,
                folder,
                resume=command.resume is not None,
                weights=policy,
                render=command.render,
                profile=command.profile,
                on_status=bar,
                log=bar.log,
            )
    except InputError as error:
        raise InputError(as_options(str(error))) from error
    except DivergedError as error:
        steps = checkpoint.newest_steps(folder)
        saved = "" if steps is None else f"; the state of step {steps} is saved: --resume {folder}"
        raise DivergedError(as_options(str(error)) + saved) from error
    except BaseException as error:
        if (steps := checkpoint.newest_steps(folder)) is not None:
            complain(f"state of step {steps} saved; continue with: apexline train --resume {folder}")
            if isinstance(error, KeyboardInterrupt):
                _end_at_another_interrupt()
                raise SystemExit(128 + signal.SIGINT) from None
        raise
    if command.profile and (folder / TABLE).exists():
        show((folder / TABLE).read_text().rstrip("\n"))
    show(_summary(status, folder))


def _end_at_another_interrupt() -> None:
    """Lets another SIGINT end the interpreter, which has only its own end left to do, without a traceback."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _summary(status: Status, folder: Path) -> str:
    faults = [f"{count} {name.replace('_', ' ')}" for name, count in status.faults.items() if count]
    return (
        f"done: {status.episodes} episodes, {status.steps} steps, {status.frames} frames, {status.updates} updates "
        f"in {status.seconds / 60:.1f} minutes{'; faults: ' if faults else ''}{', '.join(faults)}; "
        f"evaluate with: apexline eval {folder}"
    )


def _print_short_help(defaults: TrainConfig) -> None:
    options = {option.flag: option for option in options_of(TrainCommand, TrainCommand(config=defaults))}
    ending = "--help-all lists every option, with the defaults of the preset: apexline train --preset cuda --help-all"
    shown = [options[f"--{name}"] for name in SHORT]
    print(render("apexline train [OPTIONS]", summary_of(TrainCommand), shown, ending), end="")


def _defaults(argv: list[str]) -> tuple[TrainConfig, Policy | None]:
    """The defaults of the options, of the resumed run or the preset, and the policy to start from."""
    given = {name: _given(argv, f"--{name}") for name in ("preset", "resume", "out", "from")}
    for name in ("resume", "out", "from"):
        check_name(f"--{name}", Path(given[name] or ""))
    if given["resume"] is None:
        config = preset("auto" if given["preset"] is None else given["preset"])
        if given["from"] is None:
            return config, None
        policy = Policy.load(given["from"], warn=print_warning)
        return _fitting(config, policy.config), policy
    for option in ("preset", "out", "from"):
        if given[option] is not None:
            raise InputError(f"--{option} is {given[option]}; expected none with --resume")
    run = Path(given["resume"])
    return from_dict(checkpoint.load_config(run), str(run)), None


def _given(argv: list[str], flag: str) -> str | None:
    """The last value of `flag` in `argv`, as tyro takes it; None: it is not given."""
    value: str | None = None
    for i, word in enumerate(argv):
        if word == flag:
            value = argv[i + 1] if i + 1 < len(argv) else ""
            if not value or value.startswith("--"):
                raise InputError(f"{flag} has no value; see apexline train --help")
        elif word.startswith(f"{flag}="):
            value = word.removeprefix(f"{flag}=")
            if not value:
                raise InputError(f"{flag} has no value; see apexline train --help")
    return value


def _fitting(config: TrainConfig, source: TrainConfig) -> TrainConfig:
    """`config` with the game, shaping, networks, frame stack and shift of `source`."""
    return replace(
        config,
        game=source.game,
        shaping=source.shaping,
        agent=replace(source.agent, precision=config.agent.precision),
        replay=replace(config.replay, frame_stack=source.replay.frame_stack, shift=source.replay.shift),
    )
