"""Vec2 of the native game, compared with Box2D's b2Vec2."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from apexline.racing.native.stock_view.vectors import LiveVec2, Vec2

from .stock_views import assert_same

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    b2Vec2: Any = pytest.importorskip("Box2D").b2Vec2

NUMBERS = (0.0, -0.0, 1.0, -2.5, 0.1, 1 / 3, 217.418, -49.8293, 1e-8, 3e10, 1e30, -1e38)
Operation = Callable[[Any, Any], Any]

OPERATIONS: dict[str, Operation] = {
    "add": operator.add,
    "add a tuple": lambda a, b: a + tuple(b),
    "add a list": lambda a, b: a + list(b),
    "add an array": lambda a, b: a + np.array(b),
    "subtract": operator.sub,
    "subtract a tuple": lambda a, b: a - tuple(b),
    "negate": lambda a, _: -a,
    "scale": lambda a, b: a * b.x,
    "scale from the left": lambda a, b: b.x * a,
    "scale by a NumPy number": lambda a, b: a * np.float64(b.y),
    "scale by an integer": lambda a, _: 3 * a,
    "divide": lambda a, b: a / b.x,
    "divide by a number of float64": lambda a, _: a / 0.1,
    "length": lambda a, _: a.length,
    "length squared": lambda a, _: a.lengthSquared,
    "dot": lambda a, b: a.dot(b),
    "dot a tuple": lambda a, b: a.dot(tuple(b)),
    "cross": lambda a, b: a.cross(b),
    "cross a number": lambda a, b: a.cross(b.x),
    "skew": lambda a, _: a.skew,
    "valid": lambda a, _: a.valid,
    "tuple": lambda a, _: a.tuple,
    "tuple()": lambda a, _: tuple(a),
    "list()": lambda a, _: list(a),
    "index": lambda a, _: (a[0], a[1]),
    "len": lambda a, _: len(a),
    "array": lambda a, _: np.array(a),
    "array of float32": lambda a, _: np.asarray(a, np.float32),
    "add to an array": lambda a, b: np.array(b) + a,
    "norm": lambda a, b: float(np.linalg.norm(a - b)),
    "hypot": lambda a, _: math.hypot(*a),
    "equal": operator.eq,
    "equal to a tuple": lambda a, _: a == tuple(a),
    "not equal": operator.ne,
    "copy": lambda a, _: a.copy(),
    "copy module": lambda a, _: copy.copy(a),
    "bool": lambda a, _: bool(a),
}


def changed(operation: Callable[[Any, Any], Any]) -> Operation:
    """An operation that changes a vector, as one that returns the changed vector and what it returned."""

    def apply(a: Any, b: Any) -> Any:
        own = a.copy()
        result = operation(own, b)
        return [own.x, own.y, result]

    return apply


CHANGES: dict[str, Operation] = {
    "+=": changed(lambda a, b: operator.iadd(a, b).x),
    "-=": changed(lambda a, b: operator.isub(a, b).x),
    "*=": changed(lambda a, b: operator.imul(a, b.x).x),
    "/=": changed(lambda a, b: operator.itruediv(a, b.x).x),
    "Normalize": changed(lambda a, _: a.Normalize()),
    "Set": changed(lambda a, b: a.Set(b.x, 2)),
    "SetZero": changed(lambda a, _: a.SetZero()),
    "x =": changed(lambda a, b: setattr(a, "x", b.x)),
    "[1] =": changed(lambda a, b: a.__setitem__(1, b.x)),
}


def pairs() -> list[tuple[float, float]]:
    rng = np.random.default_rng(0)
    random = rng.normal(0, 100, (300, 2)).tolist()
    return [(x, y) for x in NUMBERS for y in NUMBERS[:6]] + [(x, y) for x, y in random]


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", [*OPERATIONS, *CHANGES])
def test_vectors_compute_as_box2d_does(name):
    operation = (OPERATIONS | CHANGES)[name]
    places = pairs()
    for (x, y), (other_x, other_y) in zip(places, places[5:], strict=False):
        theirs = operation(b2Vec2(x, y), b2Vec2(other_x, other_y))
        for kind in (Vec2, live):
            ours = operation(kind(x, y), kind(other_x, other_y))
            assert_same_but_nan(ours, theirs, f"{name} of ({x}, {y}), ({other_x}, {other_y})")


def live(x: float, y: float) -> Vec2:
    pair = Vec2(x, y).tuple
    return LiveVec2(lambda: pair)


def assert_same_but_nan(ours: Any, theirs: Any, name: str) -> None:
    """As assert_same, but any nan is like any other."""
    if isinstance(theirs, b2Vec2):
        ours, theirs = list(ours), list(theirs)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same_but_nan(one, other, name)
    elif isinstance(theirs, float) and math.isnan(theirs):
        assert math.isnan(ours), name
    else:
        assert_same(ours, theirs, name)


def test_what_box2d_refuses_is_refused():
    for make in (Vec2, b2Vec2):
        vector = make(1, 2)
        refused: list[tuple[type[Exception], Any]] = [
            (IndexError, lambda vector=vector: vector[2]),
            (IndexError, lambda vector=vector: vector[-1]),
            (IndexError, lambda vector=vector: vector.__setitem__(2, 0)),
            (TypeError, lambda vector=vector: vector + 1),
            (TypeError, lambda vector=vector: vector - "x"),
            (TypeError, lambda vector=vector: vector * vector),
            (TypeError, lambda vector=vector: vector / vector),
            (TypeError, lambda vector=vector: vector < vector),
            (TypeError, lambda vector=vector: operator.add((1, 2), vector)),
            (AttributeError, lambda vector=vector: setattr(vector, "length", 1)),
            (TypeError, lambda make=make: make("xyz")),
            (TypeError, lambda vector=vector: vector.dot((1, 2, 3))),
        ]
        for error, operation in refused:
            with pytest.raises(error):
                operation()


def test_vectors_are_made_as_in_box2d():
    for arguments in ((), ((1, 2),), (1, 2), (np.array([1.0, 2.0]),), ([1, 2],)):
        assert tuple(Vec2(*arguments)) == tuple(b2Vec2(*arguments))
    assert tuple(Vec2(b2Vec2(1, 2))) == tuple(b2Vec2(Vec2(1, 2))) == (1, 2)
    assert Vec2(3, 4) == b2Vec2(3, 4)
    assert b2Vec2(1, 1) + Vec2(3, 4) == Vec2(4, 5) == (4, 5)


def test_vectors_are_copied_and_pickled():
    for vector in (Vec2(0.1, 2), live(0.1, 2)):
        for again in (copy.deepcopy(vector), pickle.loads(pickle.dumps(vector)), vector.copy()):
            assert type(again) is Vec2
            assert again == vector
    assert Vec2(0, 0) != None  # noqa: E711 - in Box2D they are equal
    assert repr(Vec2(0.1, -2)) == "Vec2(0.1, -2)"
    assert hash(Vec2(1, 2)) != hash(Vec2(1, 2)) or len({Vec2(1, 2), Vec2(1, 2)}) == 2
