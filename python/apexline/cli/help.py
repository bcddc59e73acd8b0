"""Help texts of a command, from the fields of its dataclass: docstrings, bounds and defaults."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import annotated_types
import tyro

from apexline.agent import LinearSchedule
from apexline.racing import GameOptions

INDENT = 6
POSITIONAL = get_args(tyro.conf.Positional[str])[1]
NAMES = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH", NoneType: "None"}
BOUNDS: dict[type, tuple[str, str]] = {
    annotated_types.Gt: (">", "gt"),
    annotated_types.Ge: (">=", "ge"),
    annotated_types.Lt: ("<", "lt"),
    annotated_types.Le: ("<=", "le"),
}
NOT_OPTIONS = {(GameOptions, "track")}
"""Fields that cannot be given on the command line."""


class Option(NamedTuple):
    """An option, an argument, or the heading of a group of options."""

    flag: str
    """`--game.frame-size`; of an argument `RUN`, of a group `game`."""
    form: str
    """The type of the value, as usage lines show it."""
    text: str
    """Description, bounds and default."""
    is_group: bool = False


def print_help(name: str, command: type, values: Any = None) -> None:
    """Prints the help of the subcommand `name`; `values`: an instance of its dataclass, for the defaults."""
    options = list(options_of(command, values))
    run = "RUN " if any(option.flag == "RUN" for option in options) else ""
    print(render(f"apexline {name} {run}[OPTIONS]", summary_of(command), options), end="")


def summary_of(command: type) -> str:
    """The first paragraph of the docstring of `command`, in one line."""
    return " ".join((inspect.getdoc(command) or "").split("\n\n")[0].split())


def options_of(kind: type, values: Any = None, prefix: str = "") -> Iterator[Option]:
    """The options of dataclass `kind`, its own before those of nested dataclasses; `values`: an instance, for the
    defaults."""
    hints = get_type_hints(kind, include_extras=True)
    texts = field_texts(kind)
    nested: list[tuple[str, type, Any]] = []
    for field in dataclasses.fields(kind):
        if (kind, field.name) in NOT_OPTIONS:
            continue
        default = getattr(values, field.name) if values is not None else field.default
        name = field.name.rstrip("_").replace("_", "-")
        base, metadata = _split(hints[field.name])
        if POSITIONAL in metadata:
            yield Option("RUN", "", _described(texts[field.name], metadata, dataclasses.MISSING))
        elif base is not LinearSchedule and dataclasses.is_dataclass(base):
            renamed = [item.name for item in metadata if getattr(item, "name", None) is not None]
            nested.append(((renamed or [name])[0], type(default), default))
        elif isinstance(default, tuple) and default and dataclasses.is_dataclass(default[0]):
            nested += [(f"{name}.{i}", type(item), item) for i, item in enumerate(default)]
        elif base is bool:
            flag = f"--{prefix}{name}"
            yield Option(flag, f"| --{prefix}no-{name}", _described(texts[field.name], metadata, default))
        else:
            text = _described(texts[field.name], _all_metadata(hints[field.name]), default)
            yield Option(f"--{prefix}{name}", _form(base), text)
    for name, part, default in nested:
        if name:
            yield Option(f"{prefix}{name}", "", summary_of(part), is_group=True)
        yield from options_of(part, default, f"{prefix}{name}." if name else prefix)


def render(usage: str, summary: str, options: Sequence[Option], ending: str = "") -> str:
    """The help text: usage, summary, then the options."""
    width = min(shutil.get_terminal_size().columns, 100)
    parts = [f"usage: {usage}\n", textwrap.fill(summary, width), ""]
    for option in options:
        if option.is_group:
            parts += ["", textwrap.fill(f"{option.flag}: {option.text}", width)]
            continue
        parts.append(f"  {option.flag} {option.form}".rstrip())
        parts += textwrap.wrap(
            option.text, width, initial_indent=" " * INDENT, subsequent_indent=" " * INDENT
        )
    return "\n".join(parts + (["", ending] if ending else [])) + "\n"


@cache
def field_texts(kind: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, in one line each."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            texts[field.target.id] = " ".join(text.value.value.split())
    return texts


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its Annotated, and what that adds."""
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        return base, tuple(metadata)
    return hint, ()


def _all_metadata(hint: Any) -> list[Any]:
    """The metadata of a type and of its arguments: of `Annotated[int, Gt(0)] | None` it is Gt(0)."""
    base, metadata = _split(hint)
    inner = [] if get_origin(base) is Literal else get_args(base)
    return [*metadata, *(item for part in inner for item in _all_metadata(part))]


def _described(text: str, metadata: Sequence[Any], default: object) -> str:
    """The text with its bounds and its default."""
    notes = [
        f"{sign} {_number(getattr(item, name))}"
        for item in metadata
        for sign, name in [BOUNDS.get(type(item), ("", ""))]
        if sign
    ]
    if default is not dataclasses.MISSING:
        notes.append(f"default: {shown(default)}")
    return f"{text} ({'; '.join(notes)})" if notes else text


def _number(value: float) -> str:
    return f"2**{value.bit_length() - 1}" if isinstance(value, int) and value >= 2**31 else str(value)


def shown(value: object) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, LinearSchedule):
        return " ".join(str(part) for part in vars(value).values() if part is not None)
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "empty"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _form(hint: Any) -> str:
    """The type of an option's value, as usage lines show it."""
    base, _ = _split(hint)
    if base is LinearSchedule:
        return "START [END OVER]"
    if get_origin(base) is Literal:
        return "{" + ",".join(map(str, get_args(base))) + "}"
    if get_origin(base) in (Union, UnionType):
        return "|".join(_form(part) for part in get_args(base))
    if get_origin(base) is tuple:
        first, *others = get_args(base)
        return f"[{_form(first)} ...]" if others == [...] else " ".join(map(_form, (first, *others)))
    return NAMES[base]
