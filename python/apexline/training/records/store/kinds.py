"""Whether a state that was read has the values that a run of this configuration saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def require_like(found: Any, example: Any, name: str = "state") -> None:
    """Compares a state with one of the same kind: the keys of dicts, and the types of values.

    None in `example` stands for any value, an empty dict or a list for any contents.

    Raises:
        ValueError: they differ, or an int is negative. The message names the first such value.
    """
    if example is None:
        return
    if isinstance(example, Mapping):
        if not isinstance(found, Mapping):
            raise ValueError(f"{name} is {_shown(found)}; expected a dict")
        if example and found.keys() != example.keys():
            raise ValueError(
                f"{name} has the keys {sorted(map(str, found))}; expected {sorted(map(str, example))}"
            )
        for key, value in example.items():
            require_like(found[key], value, f"{name}.{key}")
    elif isinstance(example, list | tuple):
        if not isinstance(found, list | tuple):
            raise ValueError(f"{name} is {_shown(found)}; expected a list")
    elif type(found) is not type(example) and not (isinstance(found, Tensor) and isinstance(example, Tensor)):
        raise ValueError(f"{name} is {_shown(found)}; expected {type(example).__name__}")
    elif isinstance(found, int) and found < 0:
        raise ValueError(f"{name} is {found}; expected >= 0")


def _shown(value: Any) -> str:
    return "a tensor" if isinstance(value, Tensor) else f"{value!r:.40}"
