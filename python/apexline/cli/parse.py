"""Options into dataclasses, by tyro; a mistake in them is an InputError of one line."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from apexline.agent import LinearSchedule
from apexline.training import InputError

T = TypeVar("T")

FRAME = "╭╮╰╯│─ "
"""What tyro draws around a message."""


_REGISTRY = tyro.constructors.ConstructorRegistry()


@_REGISTRY.primitive_rule
def _schedule_rule(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[LinearSchedule] | None:
    """A schedule is one option with one value (constant) or three."""
    if info.type is not LinearSchedule:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs="*",
        metavar="START [END OVER]",
        instance_from_str=_schedule_of,
        is_instance=lambda value: isinstance(value, LinearSchedule),
        str_from_instance=lambda schedule: [
            str(part) for part in vars(schedule).values() if part is not None
        ],
    )


def _schedule_of(words: list[str]) -> LinearSchedule:
    if len(words) not in (1, 3):
        raise ValueError("expected START or START END OVER")
    start, *change = words
    return LinearSchedule(
        float(start), *(kind(word) for kind, word in zip((float, int), change, strict=False))
    )


def parse(command: type[T], name: str, argv: list[str], **options: Any) -> T:
    """`command` filled from `argv`; `options` are tyro's. `--help` prints and exits with 0.

    Raises:
        InputError: an option is unknown, missing or has a value that cannot be used.
    """
    said = StringIO()
    try:
        with redirect_stderr(said):
            return cast(
                T, tyro.cli(command, prog=f"apexline {name}", args=argv, registry=_REGISTRY, **options)
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise InputError(f"{_message(said.getvalue())}; see apexline {name} --help") from None


def check_output(path: Path, suffix: str) -> None:
    """Raises InputError unless a file with this suffix can be put at `path`."""
    if path.suffix != suffix:
        raise InputError(f"out is {path}; it must end in {suffix}")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(
            f"out is {path}; {'it is a folder' if path.is_dir() else 'its folder does not exist'}"
        )


def _message(box: str) -> str:
    """What stands in tyro's box above its first rule, in one line."""
    lines = [line.strip(FRAME) for line in box.splitlines()[1:]]
    return " ".join(lines[: lines.index("")] if "" in lines else lines)
