"""JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apexline.atomic_write import atomic_write


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write((json.dumps(value, indent=2) + "\n").encode())
