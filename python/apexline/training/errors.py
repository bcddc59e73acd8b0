"""Errors that the command line reports in one line."""

from __future__ import annotations


class InputError(ValueError):
    """A configuration, path or file cannot be used; the message names the value and where it is from."""


def reason(error: Exception) -> str:
    """The message of `error` in one line; the first mismatch if torch lists several."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[1] if len(lines) > 1 else lines[0]) if lines else type(error).__name__


def first_line(error: Exception) -> str:
    """The first line of the message of `error`, or its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class DivergedError(RuntimeError):
    """Training produced too many values in a row that are not finite; the message names them, the first update or
    environment, and options to change."""


class EvaluationWorkerDiedError(RuntimeError):
    """Worker processes of an evaluation died or hung, and it has no result."""


class GpuMemoryError(RuntimeError):
    """The memory of the GPU is used up; the message names the largest parts of the run, and options to change."""


class NonFiniteError(RuntimeError):
    """A tensor of networks or optimizers has NaN or infinity; the message names it."""


class SaveError(RuntimeError):
    """The last state of a run could not be saved; earlier checkpoints are whole."""
