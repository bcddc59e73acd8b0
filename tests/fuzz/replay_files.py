"""Targets: files of `PrioritizedFrameReplay.save` and folders of `IncrementalSaver`."""

from __future__ import annotations

import functools
import io
import json
import struct
import tempfile
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from apexline import PrioritizedFrameReplay
from apexline.replay import IncrementalSaver
from apexline.replay.files import MAGIC, VERSION

from ..unit import replays
from .mutators import DTYPES, Mutator
from .target import Files, Target, read

Sections = list[tuple[Any, bytes]]
"""`about` and payload of each section."""

FILE = "replay.bin"
HEAD = MAGIC + bytes([VERSION])


@functools.cache
def good_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        replays.filled().save(Path(folder) / FILE)
        return (Path(folder) / FILE).read_bytes()


@functools.cache
def good_folder() -> Files:
    """Two segments and an index."""
    replay, random = replays.filled(), np.random.default_rng(3)
    saver = IncrementalSaver(replay)
    with tempfile.TemporaryDirectory() as folder:
        saver.write(saver.snapshot(), Path(folder) / "a")
        for _ in range(5):
            replays.add_random_step(replay, random)
        saver.write(saver.snapshot(), Path(folder) / "b")
        return read(Path(folder) / "b")


def parse(data: bytes) -> Sections:
    file = io.BytesIO(data)
    assert file.read(len(HEAD)) == HEAD
    sections: Sections = []
    while lengths := file.read(12):
        text_length, payload_length = struct.unpack("<IQ", lengths)
        file.read(4)
        about = json.loads(file.read(text_length))
        sections.append((about, file.read(payload_length)))
        file.read(4)
    return sections


def render(sections: Sections) -> tuple[bytes, int]:
    """A file with valid checksums, and its checksum."""
    parts, checksum = [HEAD], 0
    for about, payload in sections:
        text = about if isinstance(about, bytes) else json.dumps(about).encode()
        lengths = struct.pack("<IQ", len(text), len(payload))
        sums = struct.pack("<I", crc32(lengths + text)), struct.pack("<I", crc32(payload))
        parts += [lengths, sums[0], text, payload, sums[1]]
        checksum = crc32(b"".join(sums), checksum)
    return b"".join(parts), checksum


def change(sections: Sections, mutate: Mutator) -> None:
    """Changes one section, or their order."""
    place = mutate.below(len(sections))
    about, payload = sections[place]
    match mutate.below(10):
        case 0:
            del sections[place]
        case 1:
            sections.insert(mutate.below(len(sections) + 1), sections[place])
        case 2:
            other = mutate.below(len(sections))
            sections[place], sections[other] = sections[other], sections[place]
        case 3:
            sections[place] = about, mutate.bytes(payload)
        case 4:
            sections[place] = mutate.bytes(json.dumps(about).encode()), payload
        case 5 if isinstance(about, dict) and "dtype" in about:
            sections[place] = {**about, "dtype": mutate.pick(DTYPES)}, payload
        case _ if isinstance(about, dict) and "dtype" in about:
            array = mutate.array(np.frombuffer(payload, about["dtype"]).reshape(about["shape"]))
            sections[place] = {"dtype": array.dtype.str, "shape": array.shape}, array.tobytes()
        case _:
            sections[place] = mutate.json(about), payload


def mutant_file(mutate: Mutator) -> Files:
    if mutate.chance(0.2):
        return {FILE: mutate.bytes(good_file())}
    sections = parse(good_file())
    for _ in range(1 + mutate.below(2)):
        change(sections, mutate)
    return {FILE: render(sections)[0]}


def mutant_folder(mutate: Mutator) -> Files:
    made = dict(good_folder())
    name = mutate.pick(sorted(made))
    if mutate.chance(0.15):
        return {**made, name: mutate.bytes(made[name])}
    if mutate.chance(0.05):
        del made[name]
        return made
    sections = parse(made[name])
    change(sections, mutate)
    made[name], checksum = render(sections)
    if name != "index" and mutate.chance(0.9):
        reseal(made, name, checksum)
    return made


def reseal(folder: Files, name: str, checksum: int) -> None:
    """Writes the checksum of a changed segment into the index."""
    sections = parse(folder["index"])
    about, payload = sections[3]
    numbers = np.frombuffer(payload, about["dtype"]).reshape(about["shape"]).copy()
    row = numbers[:, 0] == int(name.removeprefix("segment-"))
    numbers[row, 1:] = checksum, len(folder[name])
    sections[3] = about, numbers.tobytes()
    folder["index"] = render(sections)[0]


def filled_other() -> PrioritizedFrameReplay:
    return replays.filled(9, seed=11)


def use(replay: PrioritizedFrameReplay) -> None:
    """Every later use of an accepted state."""
    replay.check()
    replays.state_bytes(replay)
    random = np.random.default_rng(0)
    if len(replay):
        batch = replay.sample(7)
        assert np.isfinite(batch.weights).all()
        replay.update_priorities(batch.indices, random.normal(size=7))
    for _ in range(6):
        replays.add_random_step(replay, random)
    replay.cut_episodes(np.array([True, False, True]))
    replay.stats()
    replay.check()


def run_file(folder: Path) -> bool:
    replay = filled_other()
    before = replays.state_bytes(replay)
    try:
        replay.load(folder / FILE)
    except ValueError:
        assert replays.state_bytes(replay) == before, "a refused file has changed the replay"
        return False
    loaded = replays.state_bytes(replay)
    replay.save(folder / "again")
    again = filled_other()
    again.load(folder / "again")
    assert replays.state_bytes(again) == loaded, "an accepted state changes when it is saved and loaded"
    use(replay)
    return True


def run_folder(folder: Path) -> bool:
    replay = filled_other()
    before = replays.state_bytes(replay)
    saver = IncrementalSaver(replay)
    try:
        saver.load(folder)
    except ValueError:
        assert replays.state_bytes(replay) == before, "a refused folder has changed the replay"
        return False
    loaded = replays.state_bytes(replay)
    saver.write(saver.snapshot(), folder / "again")
    again = filled_other()
    IncrementalSaver(again).load(folder / "again")
    assert replays.state_bytes(again) == loaded, "an accepted state changes when it is saved and loaded"
    use(replay)
    return True


TARGETS = {
    "replay_file": Target(mutant_file, run_file),
    "replay_folder": Target(mutant_folder, run_folder),
}
