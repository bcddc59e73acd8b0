"""Every function of `apexline.replay` and of the environments, called with every kind of unusual argument.

A call either gives the result of the ordinary arguments, or raises the documented exception and changes nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

from .doors import public_racing, public_replay
from .doors.checking import Checker, all_cases

FUNCTIONS = {**public_replay.FUNCTIONS, **public_racing.FUNCTIONS}
CHECKER = Checker(FUNCTIONS)


@pytest.mark.parametrize(("name", "argument", "given", "expected"), list(all_cases(FUNCTIONS)))
def test_an_argument(name: str, argument: str, given: Any, expected: Any) -> None:
    CHECKER.check(name, argument, given, expected)
