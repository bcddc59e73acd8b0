"""Every public function has a row of unusual arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from apexline import _core, racing, replay

from .doors import core_racing, core_replay, public_racing, public_replay

SPECIAL = ("__init__", "__len__", "__next__", "__getitem__", "__setitem__", "__getstate__", "__setstate__")
UNCALLED = {"ResetNeededError", "InvalidActionError"}
"""Exceptions."""


def functions_of(module: Any) -> Iterator[str]:
    """Names of functions, and of the methods and properties of classes."""
    for name, value in vars(module).items():
        if name.startswith("_") or name in UNCALLED or inspect.ismodule(value):
            continue
        if inspect.isclass(value):
            for member in vars(value):
                if member in SPECIAL or not member.startswith("_"):
                    yield f"{name}.{member}"
        elif callable(value):
            yield name


def test_every_function_of_the_core_has_a_row() -> None:
    rows = {*core_replay.FUNCTIONS, *core_racing.FUNCTIONS}
    functions = {*functions_of(_core.replay), *functions_of(_core.racing)}
    assert not functions - rows, "add rows to tests/unit/doors"
    assert {row.partition(" of ")[0] for row in rows} <= functions
    assert {*functions_of(_core)} == {"isa", "available_processors"}  # without arguments


PLAIN = {
    *(
        "Backend",
        "GameKwargs",
        "Batch",
        "TensorBatch",
        "ReplayStats",
        "CarSnapshot",
        "SkidMark",
        "TrackSnapshot",
    ),
    *("DamagedFileError", "InvalidActionError", "WorkerDiedError", "WorkerHungError", "RacingWorkers"),
}
"""Types, results and exceptions, which check nothing, and worker processes, which have tests of their own."""
ENVIRONMENT = {
    *("reset", "step", "observation", "action", "render", "set_rules"),
    *("close", "close_extras", "call", "get_attr", "set_attr", "__getitem__", "__len__"),
}
"""Of wrappers, which pass on what the stock environment checks; of vector environments, as gymnasium's."""


def own_functions(cls: type) -> Iterator[str]:
    """Names of the methods of a class and its bases in this package; properties only return values."""
    for base in cls.__mro__:
        if base.__module__.startswith("apexline") and not base.__module__.startswith("apexline._core"):
            for name, value in vars(base).items():
                if callable(value) and not inspect.isclass(value) and (name in SPECIAL or name[0] != "_"):
                    yield name


def test_every_public_function_has_a_row() -> None:
    rows = {row.partition(" of ")[0] for row in {**public_replay.FUNCTIONS, **public_racing.FUNCTIONS}}
    missing = []
    for module in (replay, racing):
        for name in {*module.__all__} - PLAIN:
            value = getattr(module, name)
            is_wrapper = inspect.isclass(value) and f"{name}.step" not in rows
            functions = (
                {f"{name}.{own}" for own in own_functions(value)} if inspect.isclass(value) else {name}
            )
            if is_wrapper or name == "CarRacingVectorEnv" or name == "CarRacingEnv":
                functions -= {f"{name}.{of_gymnasium}" for of_gymnasium in ENVIRONMENT}
            missing += sorted(functions - rows)
    assert not missing, "add rows to tests/unit/doors"
