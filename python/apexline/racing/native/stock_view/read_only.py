"""Descriptors and containers that refuse to be written, and names that the native game has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

Value = TypeVar("Value")
Class = TypeVar("Class", bound=type)

NO_BOX2D = "it does not use Box2D; docs/stock_game.md lists what can be read"


class ReadOnly(Generic[Value]):
    """A property whose assignment raises AttributeError with a reason."""

    def __init__(self, read: Callable[[Any], Value], reason: str = "") -> None:
        self._read = read
        self._reason = reason or "the native game cannot be changed through its attributes"
        self.__doc__ = read.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Value | Self:
        return self if instance is None else self._read(instance)

    def __set__(self, instance: object, value: Any) -> NoReturn:
        raise AttributeError(f"`{self._name}` is read-only: {self._reason}")

    def __delete__(self, instance: object) -> NoReturn:
        raise AttributeError(f"`{self._name}` is read-only: {self._reason}")


class because:
    """Makes a ReadOnly with a reason: `@because("...")`."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __call__(self, read: Callable[[Any], Value]) -> ReadOnly[Value]:
        return ReadOnly(read, self._reason)


class Absent:
    """A name of the stock game that the native game has not: reading and writing raise AttributeError with advice."""

    def __init__(self, name: str, advice: str) -> None:
        self._text = f"the native game has no `{name}`, unlike the stock game: {advice}"
        self.__doc__ = f"Not there: {advice}."

    def __get__(self, instance: object | None, owner: type) -> Self:
        if instance is None:
            return self
        raise AttributeError(self._text)

    def __set__(self, instance: object, value: Any) -> NoReturn:
        raise AttributeError(self._text)


def without(names: str, advice: str) -> Callable[[Class], Class]:
    """Returns a class decorator that makes each of the `names` of the stock game an Absent."""

    def decorate(cls: Class) -> Class:
        for name in names.split():
            setattr(cls, name, Absent(name, advice))
        return cls

    return decorate


class FrozenList(list[Value]):
    """A list that cannot be changed. Copies, slices, sums and pickles of it are plain lists."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "this list is read-only: changing it would not change the native game; copy it with list()"
        )

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()
