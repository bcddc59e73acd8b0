"""`make bench-check`: measures every benchmark as a ratio to its reference and compares it with the committed ratio.

Exit status: 0 if all are within their tolerances, 1 if one is slower, 2 on wrong arguments or a missing ratio.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import here_and_now
from benchmarks.ratios.committed import COMMITTED, Committed, load, save
from benchmarks.ratios.measuring import measure
from benchmarks.ratios.workloads import WORKLOADS

ROW = "{:26}{:36}{:>8}{:>11}{:>11}  {}"
NOTES = {"ok": "ok", "slower": "SLOWER", "faster": "faster: consider --write"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.write and options.inject:
        parser.error("--write with --inject would store the injected slowdown")
    names = options.only or list(WORKLOADS)
    try:
        committed = load(options.ratios)
    except (OSError, TypeError, ValueError) as error:
        parser.error(f"{options.ratios}: {error}")
    for name in committed.keys() - WORKLOADS.keys():
        parser.error(f"{options.ratios}: unknown benchmark {name!r}")
    for name in names:
        if name not in committed and not options.write:
            parser.error(f"{options.ratios}: no ratio of {name!r}; add it with --only {name} --write")

    measured = _measured(names, dict(options.inject))
    if options.write:
        _write(options.ratios, committed, dict(measured))
        return 0
    return _report(committed, measured)


def _measured(names: list[str], injected: dict[str, int]) -> Iterator[tuple[str, float]]:
    for name in names:
        yield name, measure(WORKLOADS[name](), repeat=injected.get(name, 1))


def _report(committed: dict[str, Committed], measured: Iterator[tuple[str, float]]) -> int:
    print(ROW.format("benchmark", "reference", "ratio", "committed", "tolerance", "verdict"))
    slower = []
    for name, ratio in measured:
        expected = committed[name]
        verdict = expected.judge(ratio)
        if verdict == "slower":
            slower.append(name)
        numbers = f"{ratio:.3g}", f"{expected.ratio:.3g}", f"x {expected.tolerance:.3g}"
        print(ROW.format(name, WORKLOADS[name].reference_name, *numbers, NOTES[verdict]), flush=True)
    if slower:
        print(f"slower than the tolerance allows: {', '.join(slower)}")
    return 1 if slower else 0


def _write(path: Path, committed: dict[str, Committed], measured: dict[str, float]) -> None:
    origin = here_and_now()
    for name, ratio in measured.items():
        rounded = float(f"{ratio:.3g}")
        entry = committed.get(name, Committed(rounded))
        committed[name] = replace(entry, ratio=rounded, measured=origin)
        print(f"{name}: {entry.ratio:.3g} -> {rounded:.3g}")
    save(path, {name: committed[name] for name in WORKLOADS if name in committed})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios.check", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=WORKLOADS,
        metavar="NAME",
        help="measure this benchmark; may be repeated",
    )
    parser.add_argument("--write", action="store_true", help="store the measured ratios; tolerances stay")
    parser.add_argument(
        "--ratios", type=Path, default=COMMITTED, metavar="FILE", help="committed ratios; default ratios.json"
    )
    parser.add_argument(
        "--inject",
        action="append",
        type=_injection,
        default=[],
        metavar="NAME=FACTOR",
        help="run this benchmark's work FACTOR times per call, to see the check fail",
    )
    return parser


def _injection(text: str) -> tuple[str, int]:
    name, _, factor = text.partition("=")
    if name not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"unknown benchmark {name!r}")
    if not factor.isdecimal() or int(factor) < 1:
        raise argparse.ArgumentTypeError(
            f"--inject is {text!r}; expected NAME=FACTOR with an integer FACTOR >= 1"
        )
    return name, int(factor)


if __name__ == "__main__":
    sys.exit(main())
