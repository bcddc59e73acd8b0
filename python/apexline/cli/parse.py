"""Command-line options parsed into dataclasses by tyro; each error is an InputError of one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

import tyro

from apexline.agent import LinearSchedule
from apexline.cli.help import print_help
from apexline.racing import GameOptions
from apexline.training import InputError, TrainConfig
from apexline.training.config.validation import to_dict
from apexline.training.records.paths import check_target

T = TypeVar("T")

FRAME = "╭╮╰╯│─ "
"""The characters of the box that tyro draws around an error; without UTF-8 it uses only `-`."""
TYPES = {
    "{None}": "None",
    "INT": "an integer",
    "{INT INT}": "two integers",
    "FLOAT": "a number",
    "STR": "text",
    "PATH": "a path",
}
"""Types of values: as tyro writes them, and in an error."""

LARGEST_SEED = 2**62

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


@_REGISTRY.primitive_rule
def _track_rule(
    info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec[Any] | None:
    """A track cannot be given on the command line, and the help omits it."""
    if info.type != get_type_hints(GameOptions)["track"]:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs="*",
        metavar="None",
        instance_from_str=_refuse_track,
        is_instance=lambda _: True,
        str_from_instance=lambda _: ["None"],
    )


def _refuse_track(words: list[str]) -> None:
    if words != ["None"]:
        raise ValueError("not None")


def _schedule_of(words: list[str]) -> LinearSchedule:
    if len(words) not in (1, 3):
        raise ValueError("not one or three values")
    start, *change = words
    return LinearSchedule(
        float(start), *(kind(word) for kind, word in zip((float, int), change, strict=False))
    )


def parse(command: type[T], name: str, argv: list[str], **options: Any) -> T:
    """The dataclass `command` with values from `argv`; `options` are tyro's. `--help` prints the help and exits with 0.

    Raises:
        InputError: an option is unknown, missing or has a value that cannot be used.
    """
    if {"-h", "--help"} & set(argv):
        print_help(name, command)
        raise SystemExit(0)
    output = StringIO()
    try:
        with redirect_stderr(output):
            return cast(
                T, tyro.cli(command, prog=f"apexline {name}", args=argv, registry=_REGISTRY, **options)
            )
    except SystemExit:
        error = _error_of(output.getvalue(), argv)
        raise InputError(f"{error}; see apexline {name} --help") from None


def as_options(message: str) -> str:
    """`message` with fields of TrainConfig replaced by their options: `--game.frame-size` for `game.frame_size`. A
    field that is a plain word, such as `seed`, is replaced at the beginning only."""

    def option(match: re.Match[str]) -> str:
        name = re.sub(r"\.\d+\.", ".0.", match[0])
        is_plain_word = "." not in name and "_" not in name and match.start() > 0
        return flag_of(match[0]) if name in _fields() and not is_plain_word else match[0]

    return re.sub(r"(?<![\w/.-])[a-z]\w*(?:\.\w+)*", option, message)


@cache
def _fields() -> frozenset[str]:
    """Dotted names of the fields of TrainConfig."""
    return frozenset(_dotted(to_dict(TrainConfig())))


def _dotted(values: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(values, tuple) and values and isinstance(values[0], dict):
        values = {"0": values[0]}
    if isinstance(values, dict):
        for name, value in values.items():
            yield prefix + name
            yield from _dotted(value, f"{prefix}{name}.")


def check_range(option: str, value: int, least: int, most: int) -> None:
    """Raises InputError unless the option's value is from `least` to `most`."""
    if value < least:
        raise InputError(f"--{option} is {value}; expected >= {least}")
    if value > most:
        raise InputError(f"--{option} is {value}; expected <= {most}")


def check_output(path: Path, suffix: str) -> None:
    """Raises InputError unless a file with this suffix can be written to `path`, which is not changed."""
    if path.suffix != suffix:
        raise InputError(f"--out is {ascii(str(path))[1:-1]}; expected a file name that ends in {suffix}")
    check_target("--out", path)


def _error_of(box: str, argv: list[str]) -> str:
    """tyro's error as `<option> is <value>; expected <condition>`."""
    lines = [line.strip(FRAME) for line in box.splitlines()[1:]]  # the first one is a title
    paragraphs = [
        list(group) for is_text, group in groupby(lines, lambda line: bool(line.strip("-"))) if is_text
    ]
    first = " ".join(paragraphs[0])
    if match := re.match(r"Unrecognized options: (.*)", first):
        unknown = match[1].split(", ")[0]
        return f"no option {unknown}" if unknown.startswith("-") else f"unexpected argument {unknown!r}"
    if match := re.match(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)", first):
        return f"{match[2]} is {match[1]}; expected one of {match[3]}".replace("'", "")
    if match := re.match(r"Missing value for argument '(?P<flag>[^']+)'", first):
        return f"{match['flag']} has no value"
    if re.match(r"Missing from|Required", first) or "required" in first.lower():
        return "no RUN given; expected a run folder, a checkpoint, a file of weights or `pretrained`"
    if match := re.match(r"Error parsing (--\S+): (.*; expected .*)", first):
        return f"{match[1]}: {match[2]}"
    if match := re.match(r"Error parsing (--[^\s:]+):", first):
        value = _value_of(match[1], argv)
        (form,) = re.findall(rf"^{re.escape(match[1])} (\S.*)$", "\n".join(lines), re.M)[:1] or [""]
        return f"{match[1]} is {value}; expected {_expected(form)}"
    if match := re.match(r"Error parsing (?:config\.)?([\w.]+): ([\w.]+)(.*)", first):
        return f"{flag_of(f'{match[1]}.{match[2]}')}{match[3]}"
    return first


def flag_of(field: str) -> str:
    """The option of a field of TrainConfig: `--game.frame-size` for `game.frame_size`."""
    return "--" + field.replace("_", "-")


def _value_of(flag: str, argv: list[str]) -> str:
    """The values that `argv` gives to `flag`."""
    for i, word in enumerate(argv):
        if word == flag:
            values = argv[i + 1 :]
            end = next((j for j, value in enumerate(values) if value.startswith("--")), len(values))
            return " ".join(values[:end]) or "empty"
        if word.startswith(f"{flag}="):
            return word.removeprefix(f"{flag}=")
    return "not valid"


def _expected(form: str) -> str:
    form = form.strip()
    if form.startswith("{") and not form.startswith("{None}"):
        return "one of " + ", ".join(form.strip("{}").split(","))
    return " or ".join(TYPES.get(part, part.strip("{}")) for part in form.split("|"))
