"""How a run can fail in ways that its user can act on; the command line reports each in one line."""

from __future__ import annotations


class InputError(ValueError):
    """A configuration, a path or a file that cannot be used; the message names the value and its place."""


class EvaluationDied(RuntimeError):
    """A process that played evaluations ended by itself."""
