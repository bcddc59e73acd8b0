"""Damaged, incomplete and hostile folders are refused by name, and change nothing."""

import os
import re
import shutil

import numpy as np
import pytest

from apexline.replay import DamagedFileError, IncrementalSaver, files, incremental, segments

from .replays import WRAPPED, add_random_step, filled, make, state_bytes

TINY = {
    "capacity": 24,
    "num_envs": 2,
    "frame_shape": (2,),
    "action_shape": (),
    "extras": {"q": ((), np.float16)},
    "frame_stack": 1,
    "n_step": 1,
    "shift": 0,
}


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setattr(segments, "SMALL_BYTES", 0)
    monkeypatch.setattr(incremental, "SEGMENT_BYTES", 400)
    monkeypatch.setattr(segments, "PIECE_BYTES", 150)


@pytest.fixture
def series(tmp_path):
    """Two folders of a small replay, and a check that a damaged one is refused and changes nothing."""
    replay = filled(steps=8, **TINY)
    saver = IncrementalSaver(replay)
    saver.write(saver.snapshot(), tmp_path / "0")
    random = np.random.default_rng(3)
    for _ in range(6):
        add_random_step(replay, random)
    saver.write(saver.snapshot(), tmp_path / "1")
    assert len(list((tmp_path / "1").iterdir())) >= 4
    target = filled(steps=3, seed=4, **TINY)
    loader = IncrementalSaver(target)
    before = state_bytes(target)

    def check_refused(error=DamagedFileError, message=tmp_path / "1"):
        with pytest.raises(error, match=re.escape(str(message))):
            loader.load(tmp_path / "1")
        assert state_bytes(target) == before

    yield tmp_path / "1", check_refused
    shutil.rmtree(tmp_path / "1")
    loader.load(tmp_path / "0")  # the refused folder left the loader usable
    assert len(target) > 0


def paths(folder):
    return sorted(folder.iterdir())


def test_a_missing_file(series):
    folder, check_refused = series
    for path in paths(folder):
        moved = path.rename(folder.parent / "moved")
        check_refused(message=f"{path}: missing")
        moved.rename(path)


def test_files_truncated_anywhere(series):
    folder, check_refused = series
    for path in paths(folder):
        whole = path.read_bytes()
        path.unlink()
        for length in range(0, len(whole), 11):
            path.write_bytes(whole[:length])
            check_refused(message=path)
        path.write_bytes(whole)


def test_flipped_bits(series):
    folder, check_refused = series
    for path in paths(folder):
        whole = path.read_bytes()
        path.unlink()
        path.write_bytes(whole)
        with path.open("r+b", buffering=0) as file:
            for place in [*range(40), *range(40, len(whole), 5)]:
                byte = whole[place]
                os.pwrite(file.fileno(), bytes([byte ^ 1 << place % 8]), place)
                check_refused(message=path)
                os.pwrite(file.fileno(), bytes([byte]), place)


def test_a_segment_in_place_of_another(series):
    folder, check_refused = series
    one, other = paths(folder)[1:3]
    one.unlink()
    shutil.copy(other, one)
    check_refused(ValueError, message=one)


def test_a_segment_of_another_series(series):
    """It has the same number and valid checksums."""
    folder, check_refused = series
    saver = IncrementalSaver(filled(steps=14, seed=8, **{**TINY, "frame_shape": (2,)}))
    saver.write(saver.snapshot(), folder.parent / "other")
    path = paths(folder)[1]
    assert path.name in {other.name for other in paths(folder.parent / "other")}
    path.unlink()
    shutil.copy(folder.parent / "other" / path.name, path)
    check_refused(ValueError, message=path)


def test_the_index_of_an_earlier_folder(series):
    folder, check_refused = series
    for path in paths(folder):
        path.unlink()
    shutil.copy(folder.parent / "0" / "index", folder / "index")
    check_refused(message="missing; the index names it")


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        IncrementalSaver(make()).load(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        IncrementalSaver(make()).load(tmp_path / "file")


def test_a_replay_of_another_shape(tmp_path):
    saver = IncrementalSaver(filled())
    saver.write(saver.snapshot(), tmp_path / "0")
    with pytest.raises(ValueError, match=re.escape("frame_stack is 3; expected 2")) as seen:
        IncrementalSaver(make(frame_stack=2)).load(tmp_path / "0")
    assert not isinstance(seen.value, DamagedFileError)


def rewrite(path, change):
    """Changes the sections of a file and gives it valid checksums."""
    sections = list(files.read(path))
    change(sections)
    path.unlink()
    return files.write(path, sections)


def rewrite_segment(folder, change):
    """Changes a segment without overwritten slots, and the index as well, so that all checksums are valid."""
    path = paths(folder)[-1]
    checksum = rewrite(path, change)

    def correct(sections):
        numbers = sections[3].copy()
        numbers[numbers[:, 0] == int(path.name[-8:]), 1] = checksum
        sections[3] = numbers

    rewrite(folder / "index", correct)


def changed(array, place, value):
    copy = array.copy()
    copy[place] = value
    return copy


def index_changes():
    def each(place, value):
        return lambda sections: sections.__setitem__(place, value(sections[place]))

    return {
        "a section more": lambda sections: sections.append({}),
        "a section less": lambda sections: sections.pop(),
        "no rings": each(1, lambda rings: rings[:0]),
        "rings of floats": each(1, lambda rings: rings.astype(float)),
        "a head far away": each(1, lambda rings: changed(rings, (0, 0), 2**62)),
        "a negative head": each(1, lambda rings: changed(rings, (1, 0), -(2**63))),
        "too few priorities": each(2, lambda priorities: priorities[:-1]),
        "priorities without values": each(2, lambda _: {}),
        "no segments": each(3, lambda numbers: numbers[:0]),
        "segments twice": each(3, lambda numbers: np.concatenate([numbers, numbers])),
        "segments backwards": each(3, lambda numbers: numbers[::-1]),
        "a segment less": each(3, lambda numbers: numbers[1:]),
        "a negative number": each(3, lambda numbers: changed(numbers, (0, 0), -1)),
        "segments of another shape": each(3, lambda numbers: numbers[:, :2]),
        "last slots elsewhere": each(4, lambda ranges: ranges + 1),
        "last slots backwards": each(4, lambda ranges: ranges[:, ::-1]),
        "last slots without end": each(4, lambda ranges: changed(ranges, (0, 1), 2**63 - 1)),
        "last slots from minus infinity": each(4, lambda ranges: changed(ranges, (0, 0), -(2**63))),
        "frames of another shape": each(5, lambda frames: frames[:, :1]),
        "too few frames": each(5, lambda frames: frames[:-1]),
        "values in place of frames": each(5, lambda _: {}),
        "no shape": each(0, lambda values: {name: values[name] for name in values if name != "shape"}),
        "a seed in words": each(0, lambda values: {**values, "seed": "seven"}),
        "nothing": lambda sections: sections.clear(),
    }


@pytest.mark.parametrize("name", index_changes())
def test_an_index_with_valid_checksums_that_cannot_be(series, name):
    folder, check_refused = series
    rewrite(folder / "index", index_changes()[name])
    check_refused(ValueError)


def segment_changes():
    def each(place, value):
        return lambda sections: sections.__setitem__(place, value(sections[place]))

    return {
        "another number": each(0, lambda _: {"segment": 77}),
        "an array in place of the number": each(0, lambda _: np.zeros(3)),
        "ranges of another shape": each(1, lambda ranges: ranges[:1]),
        "ranges that do not follow": each(1, lambda ranges: ranges + 1),
        "huge ranges": each(1, lambda ranges: changed(ranges, (0, 1), 2**62)),
        "rewards that are no numbers": each(5, lambda rewards: rewards * np.float32(np.nan)),
        "flags that do not exist": each(7, lambda flags: flags + np.uint8(8)),
        "a piece less": lambda sections: sections.__delitem__(slice(1, 8)),
        "a piece twice": lambda sections: sections.extend(sections[1:8]),
        "half a piece more": lambda sections: sections.extend(sections[1:4]),
        "nothing": lambda sections: sections.clear(),
    }


@pytest.mark.parametrize("name", segment_changes())
def test_a_segment_with_valid_checksums_that_cannot_be(series, name):
    folder, check_refused = series
    rewrite_segment(folder, segment_changes()[name])
    check_refused(ValueError)


def test_rewriting_without_changes_is_accepted(tmp_path):
    """The changes of the tests above are what is refused."""
    replay = filled(steps=WRAPPED, **TINY)
    saver = IncrementalSaver(replay)
    saver.write(saver.snapshot(), tmp_path / "0")
    rewrite_segment(tmp_path / "0", lambda _: None)
    twin = make(**TINY)
    IncrementalSaver(twin).load(tmp_path / "0")
    assert state_bytes(twin) == state_bytes(replay)
