"""Messages of the commands."""

from __future__ import annotations

import sys


def print_warning(message: str) -> None:
    """Prints a warning in one line to stderr."""
    print(f"apexline: warning: {' '.join(message.splitlines())}", file=sys.stderr)
