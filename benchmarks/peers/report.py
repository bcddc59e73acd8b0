"""Writes the tables and the raw times."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.peers.environments import HERE
from benchmarks.peers.workers import Entry

CALLS = ("sample", "update")
NONE = "-"
TITLES = {
    "trees": "Trees: a million priorities, batches of 256",
    "replays": "Replays: 20,000 transitions of (4, 84, 84) uint8 observations, batches of 256",
    "games": "Environments: CarRacing-v3, (96, 96, 3) uint8 observations, one frame per step, random driving",
}
GAMES = """\
With one core time is processor time, with two it is wall-clock time, which other load on the machine affects. A ratio
is the median over the rounds of apexline's frames per second over the peer's in the same round, where apexline is the
first row with the same number of cores."""
METHOD = """\
Times are processor time of one call (all threads of its process together), medians over {rounds} rounds. A ratio is
the median over the rounds of the peer's time over apexline's in the same round, where apexline is the first row:
above 1 the peer is slower. Everything runs on one thread, except environments with two cores.
[Method]({guide}). The processor and wall-clock times of every round are in [rounds.json](rounds.json)."""


def write(groups: Mapping[str, Sequence[Entry]], rounds: int, folder: Path) -> str:
    """Writes README.md and rounds.json into `folder`. Returns the text of README.md."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = here_and_now()
    sections = [
        f"## {TITLES[name]}\n\n" + (f"{GAMES}\n\n{games(entries)}" if name == "games" else table(entries))
        for name, entries in groups.items()
    ]
    guide = os.path.relpath(HERE / "README.md", folder)
    text = "\n\n".join(
        [
            "# apexline and its peers",
            " ".join(f"{fact}." for fact in facts.values()),
            METHOD.format(rounds=rounds, guide=guide),
            *sections,
            f"## Versions\n\n{versions(groups)}",
        ]
    )
    (folder / "README.md").write_text(text + "\n")
    raw = {
        **facts,
        "groups": {name: [asdict(entry) for entry in entries] for name, entries in groups.items()},
    }
    (folder / "rounds.json").write_text(json.dumps(raw, indent=1) + "\n")
    return text


def table(entries: Sequence[Entry]) -> str:
    """A row for each entry; the ratios are to the first entry."""
    rows = [
        ["peer", "version", "sample", "update", "sample ratio", "update ratio", "notes"],
        ["---", "---", "---:", "---:", "---:", "---:", "---"],
    ]
    for entry in entries:
        if entry.failure is not None:
            rows.append([entry.peer, _version(entry), *[NONE] * 4, f"failed: {_cell(entry.failure)}"])
            continue
        times = [_time(entry, call) for call in CALLS]
        ratios = [_ratio(entry, entries[0], call) for call in CALLS]
        rows.append([entry.peer, _version(entry), *times, *ratios, _cell("; ".join(entry.facts["notes"]))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def games(entries: Sequence[Entry]) -> str:
    """A row for each entry; the ratios are to the first entry with the same number of cores."""
    rows = [
        ["peer", "version", "environments", "cores", "frames/s", "ratio", "notes"],
        ["---", "---", "---:", "---:", "---:", "---:", "---"],
    ]
    for entry in entries:
        if entry.failure is not None:
            rows.append([entry.peer, _version(entry), *[NONE] * 4, f"failed: {_cell(entry.failure)}"])
            continue
        cores = entry.facts["cores"]
        base = next(other for other in entries if other.facts.get("cores") == cores)
        paces = _frames_per_second(entry)
        ratio = "1" if entry is base else NONE
        if entry is not base and base.failure is None:
            pairs = zip(_frames_per_second(base), paces, strict=True)
            ratio = f"{median(ours / theirs for ours, theirs in pairs):.3g}"
        numbers = [str(entry.facts["games"]), str(cores), f"{median(paces):,.0f}", ratio]
        rows.append([entry.peer, _version(entry), *numbers, _cell("; ".join(entry.facts["notes"]))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def versions(groups: Mapping[str, Sequence[Entry]]) -> str:
    """Versions of each peer and its dependencies, as a list."""
    by_peer = {
        entry.peer: entry.facts["versions"] for entries in groups.values() for entry in entries if entry.facts
    }
    return "\n".join(
        f"- {peer}: " + ", ".join(f"{name} {version}" for name, version in found.items())
        for peer, found in by_peer.items()
    )


def here_and_now() -> dict[str, str]:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": f"Commit {done.stdout.strip() or 'unknown'}",
        "machine": f"{_processors()} x {_processor()}, {platform.system()}",
    }


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(entry: Entry) -> str:
    version: str = entry.facts["versions"][entry.peer] if entry.facts else NONE
    return version


def _time(entry: Entry, call: str) -> str:
    if not entry.rounds.get(call):
        return NONE
    seconds = median(burst["cpu"] for burst in entry.rounds[call])
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def _ratio(entry: Entry, base: Entry, call: str) -> str:
    if entry is base:
        return "1"
    if base.failure is not None or not (entry.rounds.get(call) and base.rounds.get(call)):
        return NONE
    pairs = zip(entry.rounds[call], base.rounds[call], strict=True)
    return f"{median(ours['cpu'] / theirs['cpu'] for ours, theirs in pairs):.3g}"


def _frames_per_second(entry: Entry) -> list[float]:
    """Frames per second of all environments together, in each round."""
    clock = "cpu" if entry.facts["cores"] == 1 else "wall"
    return [entry.facts["games"] / burst[clock] for burst in entry.rounds["step"]]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
