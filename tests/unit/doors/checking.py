"""What must hold for a call with one unusual argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from .values import ACCEPTED, SAME, Function, fingerprint


def all_cases(functions: Mapping[str, Function]) -> Iterator[Any]:
    """Parameters of a test: the function, its name, the argument, its value and what is expected."""
    for name, function in functions.items():
        for argument, (case, given, expected) in function.cases():
            yield pytest.param(name, argument, given, expected, id=f"{name}: {argument} {case}")


class Checker:
    """Compares calls with that of the ordinary arguments, which is made once for each function."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions
        self._plain: dict[str, tuple[Any, Any]] = {}
        self._untouched: dict[str, Any] = {}

    def check(self, name: str, argument: str, given: Any, expected: Any) -> None:
        """Raises AssertionError, or fails, unless the result or the exception is the expected one, and a refused call
        changed nothing."""
        function = self._functions[name]
        if name not in self._plain:
            self._plain[name] = called(function)
            self._untouched[name] = function.state(function.make())
        if expected is SAME:
            assert called(function, **{argument: given}) == self._plain[name]
            return
        if expected == ACCEPTED:
            called(function, **{argument: given})
            return
        made = function.make()
        with pytest.raises(expected):
            function.call(made, **{**function.plain(), argument: given})
        if function.state is not id:
            assert function.state(made) == self._untouched[name]


def called(function: Function, **changes: Any) -> tuple[Any, Any]:
    """The result of the ordinary arguments with these changes, and the state after it, as bytes."""
    made = function.make()
    result = fingerprint(function.call(made, **{**function.plain(), **changes}))
    return result, None if function.state is id else function.state(made)
