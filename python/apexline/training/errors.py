"""What a user can mend: the command line reports it in one line and exits with 2."""

from __future__ import annotations


class InputError(ValueError):
    """A configuration, a path or a file that cannot be used; the message names the value and its place."""
