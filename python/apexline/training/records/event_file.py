"""TensorBoard's event files: names and records."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

PREFIX = "events.out.tfevents."
VERSION = "brain.Event:2"
"""Version of the format, in the first record of a file."""


def new_event_file(folder: Path) -> Path:
    """A path in `folder` for a new event file; TensorBoard reads the files in the order of their names."""
    host = re.sub(r"[^\w.-]", "_", socket.gethostname())
    name = f"{PREFIX}{int(time.time()):010d}.{host}.{os.getpid()}"
    paths = (folder / f"{name}.{number}" for number in count())
    return next(path for path in paths if not os.path.lexists(path))


def event_files(folder: Path) -> list[Path]:
    """The event files in `folder`, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX))


def first_record() -> bytes:
    """The record that an event file begins with."""
    return _record(Event(wall_time=time.time(), file_version=VERSION))


def scalars_record(values: Mapping[str, float], step: int) -> bytes:
    """A record with one scalar (float32) for each entry of `values`, at `step`."""
    summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
    return _record(Event(wall_time=time.time(), step=step, summary=summary))


def _record(event: Event) -> bytes:
    """Length, its checksum, the event, its checksum."""
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", masked_crc32c(length)), content, struct.pack("<I", masked_crc32c(content)))
    )
