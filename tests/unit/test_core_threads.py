"""Every function of the core from many threads at once, after its object was closed, and in a forked child."""

from __future__ import annotations

import os
import threading
import warnings
from typing import Any

import numpy as np
import pytest

from apexline.racing import CarRacingVectorEnv

from .doors import core_racing, core_replay, public_racing, public_replay
from .doors.values import REFUSED, SAME, Function, fingerprint
from .native_racing import SMALL

FUNCTIONS = {**core_replay.FUNCTIONS, **core_racing.FUNCTIONS}
PUBLIC = {**public_replay.FUNCTIONS, **public_racing.FUNCTIONS}
WITH_CLOSE = {name: function for name, function in {**FUNCTIONS, **PUBLIC}.items() if function.close}
NAMES = pytest.mark.parametrize("name", list(FUNCTIONS))
IN_USE = (*REFUSED, RuntimeError, MemoryError)
"""What a call may raise while others run: the environment is in use, or another thread has changed what it needs."""


def call_often(function: Function, made: Any, unexpected: list[BaseException], times: int) -> None:
    given = function.plain()  # each thread has arrays of its own
    try:
        for _ in range(times):
            try:
                function.call(made, **given)
            except IN_USE:
                continue
    except BaseException as error:
        unexpected.append(error)


@NAMES
def test_from_many_threads(name: str) -> None:
    """The object is usable afterwards."""
    function = FUNCTIONS[name]
    made = function.make()
    unexpected: list[BaseException] = []
    threads = [threading.Thread(target=call_often, args=(function, made, unexpected, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
    function.state(made)


@pytest.mark.parametrize("name", list(WITH_CLOSE))
def test_after_close(name: str) -> None:
    function = WITH_CLOSE[name]
    made = function.make()
    assert function.close is not None
    function.close(made)
    if function.closed is SAME:
        function.call(made, **function.plain())
    else:
        with pytest.raises(function.closed):
            function.call(made, **function.plain())


def in_child(function: Function, made: Any) -> int:
    """Exit status of a forked child that calls the function: 0 if it returned, 1 if it raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, that there are threads
        child = os.fork()
    if child == 0:
        status = 9
        try:
            function.call(made, **function.plain())
            status = 0
        except IN_USE:
            status = 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@NAMES
def test_after_a_fork(name: str) -> None:
    """In the child it returns or raises; in the parent nothing has changed."""
    function = FUNCTIONS[name]
    made = function.make()
    before = function.state(made)
    status = in_child(function, made)
    may_refuse = name.startswith(("Prefetcher.", "Snapshot."))  # their threads and locks are the parent's
    assert status in ((0, 1) if may_refuse else (0,))
    assert function.state(made) == before
    function.call(made, **function.plain())


def test_environments_with_threads_in_threads() -> None:
    """Each is used by one Python thread and steps its games on several of its own."""
    digests: dict[int, list[Any]] = {}

    def play(number: int, num_threads: int) -> None:
        envs = CarRacingVectorEnv(9, num_threads=num_threads, **SMALL)
        envs.reset(seed=5)
        random = np.random.default_rng(5)
        digests[number] = [fingerprint(list(envs.step(random.uniform(-1, 1, (9, 3)))[:2])) for _ in range(20)]

    threads = [threading.Thread(target=play, args=(number, 1 + number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 4
    assert all(digest == digests[0] for digest in digests.values())


class Calls:
    """A number whose conversion calls a function."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.errors: list[str] = []

    def __float__(self) -> float:
        try:
            self.call()
        except RuntimeError as error:
            self.errors.append(str(error))
        return 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda envs: envs.step(np.ones((3, 3))),
        lambda envs: envs.reset(seed=1),
        lambda envs: envs.set_state(envs.get_state(0), 0),
        lambda envs: envs.set_rules(None),
        lambda envs: envs.observe(),
        lambda envs: envs.render(),
        lambda envs: envs.cars(),
        lambda envs: envs.track_snapshot(0),
    ],
)
def test_a_call_from_the_conversion_of_an_action(call: Any) -> None:
    """It would change the games, and the memory of the actions, in the middle of a step."""
    results = []
    for value in (0.5, Calls(None)):
        envs = CarRacingVectorEnv(3, render_mode="rgb_array", render_size=(8, 8), **SMALL)
        envs.reset(seed=0)
        if isinstance(value, Calls):
            value.call = lambda envs=envs: call(envs)
        results.append(
            fingerprint(list(envs.step(np.array([[0, 1, 0], [value, 1, 0], [0.25, 0, 0]], object))[:2]))
        )
    assert isinstance(value, Calls)
    assert len(value.errors) == 1
    assert "another call is using this environment" in value.errors[0]
    assert results[0] == results[1]
