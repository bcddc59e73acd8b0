"""`make bench-peers`: times apexline and other libraries at the same work and writes a table."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import report
from benchmarks.peers.environments import CHECKOUT, InstallError, prepare
from benchmarks.peers.workers import Entry, time_in_turns

GROUPS = {
    "trees": (
        ("apexline", "tree"),
        ("apexline", "tree-16M"),
        ("cpprb", "tree"),
        ("torchrl", "tree"),
        ("tianshou", "tree"),
        ("sumtree", "tree"),
        ("starr", "tree"),
    ),
    "replays": (
        ("apexline", "replay"),
        ("apexline", "replay-100k"),
        ("cpprb", "replay"),
        ("cpprb", "replay-3"),
        ("torchrl", "replay"),
        ("tianshou", "replay"),
        ("stable-baselines3", "replay"),
        ("stable-baselines3", "replay-3"),
    ),
    "games": (
        ("apexline", "games"),
        ("apexline", "games-2"),
        ("apexline", "game"),
        ("envpool", "games"),
        ("envpool", "games-2"),
        ("gymnasium", "game"),
        ("gymnasium", "games-async"),
    ),
}
"""Peers and their works. Ratios are to the first of a group, or to the first of `games` with as many cores."""
PEERS = list(dict.fromkeys(peer for group in GROUPS.values() for peer, _ in group))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=PEERS,
        metavar="NAME",
        help="peer to time; may be repeated; default all",
    )
    parser.add_argument("--rounds", type=int, default=30, help="bursts of every call; default 30")
    parser.add_argument("--out", type=Path, help="folder of the results; default docs/results/DATE-peers")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds is {arguments.rounds}; expected >= 1")
    out = arguments.out or CHECKOUT / "docs" / "results" / f"{datetime.now(UTC):%Y-%m-%d}-peers"

    named = {*(arguments.only or PEERS)}
    wanted = {"apexline", *named}
    groups = {
        name: [Entry(*row) for row in rows if row[0] in wanted]
        for name, rows in GROUPS.items()
        if any(peer in named for peer, _ in rows)
    }
    every = [entry for entries in groups.values() for entry in entries]
    pythons: dict[str, Path] = {}
    for peer in PEERS:
        if peer in wanted:
            try:
                pythons[peer] = prepare(peer)
            except InstallError as error:
                for entry in every:
                    if entry.peer == peer:
                        entry.failure = f"not installed: {error}"
    # One group at a time, since the buffers of all groups may not fit into memory.
    for entries in groups.values():
        time_in_turns([entry for entry in entries if entry.failure is None], pythons, arguments.rounds)
    print(report.write(groups, arguments.rounds, out))
    print(f"\nwritten to {out}", file=sys.stderr)
    return int(any(entry.failure is not None for entry in every))


if __name__ == "__main__":
    sys.exit(main())
