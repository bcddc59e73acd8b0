"""How a run can fail in ways that its user can act on; the command line reports each in one line."""

from __future__ import annotations


class InputError(ValueError):
    """A configuration, a path or a file that cannot be used; the message names the value and its place."""


def reason(error: Exception) -> str:
    """What `error` says, in one line; of torch's list of mismatches the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[1] if len(lines) > 1 else lines[0]) if lines else type(error).__name__


class EvaluationWorkerDiedError(RuntimeError):
    """A process that played evaluations ended by itself."""
