"""The encoding of states: exact for every value, and other contents are refused."""

from __future__ import annotations

import json
import math
import struct
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from apexline.training import InputError
from apexline.training.records.store.state import DEEPEST, DTYPES, LARGEST_BITS, decode, encode

DTYPE_SIZES = {dtype: torch.empty((), dtype=dtype).element_size() for dtype in DTYPES.values()}


def round_trip(state: Any) -> dict[str, Any]:
    return decode(*encode(state))


def identical(a: Any, b: Any) -> bool:
    """Whether two states have the same types and bits; tensors are compared byte by byte, dicts with their order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and bytes_of(a) == bytes_of(b)
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            identical(x, y) and identical(a[x], b[y]) for x, y in zip(a, b, strict=True)
        )
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return struct.pack(">d", a) == struct.pack(">d", b) if isinstance(a, float) else a == b


def bytes_of(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist())


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Tensors of every dtype with arbitrary bits, of 0 to 3 dimensions, some not contiguous."""
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = math.prod(shape) * DTYPE_SIZES[dtype]
    content = bytearray(draw(st.binary(min_size=size, max_size=size)))
    if dtype == torch.bool:
        content = bytearray(byte & 1 for byte in content)
    tensor = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
    return tensor.reshape(shape).transpose(0, -1) if shape and draw(st.booleans()) else tensor.reshape(shape)


floats = st.floats() | st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack(">d", bits)[0])
texts = st.text(st.characters(exclude_categories=()), max_size=5)  # lone surrogates too
ints = st.integers() | st.integers(-(2**130), 2**130)
keys = texts | st.sampled_from(["$tuple", "$dict", "$tensor", "$", "__metadata__"]) | ints
plain = st.none() | st.booleans() | ints | floats | texts
values = st.recursive(
    plain | tensors(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=4))
@settings(deadline=None, max_examples=100)
def test_a_state_is_restored_exactly(state: dict[Any, Any]) -> None:
    assert identical(round_trip(state), state)


def test_the_state_of_an_optimizer_fits_again() -> None:
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(layer.parameters(), lr=torch.tensor(0.1), betas=(0.8, 0.9))
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    restored = round_trip(state)
    assert identical(restored, state)
    assert list(restored["state"]) == [0, 1]
    torch.optim.Adam(layer.parameters()).load_state_dict(restored)


def test_states_of_generators_are_restored() -> None:
    rng, generator = np.random.default_rng(3), torch.Generator().manual_seed(2**63 - 1)
    state = {"rng": rng.bit_generator.state, "torch": generator.get_state()}
    restored = round_trip(state)
    assert restored["rng"] == rng.bit_generator.state
    assert restored["rng"]["state"]["state"].bit_length() > 64
    assert torch.equal(restored["torch"], state["torch"])


def test_a_tensor_that_occurs_twice_is_stored_once() -> None:
    shared = torch.arange(1000.0)
    text, content = encode(
        {"a": shared, "b": {"c": shared}, "view": shared[10:], "turned": shared.view(10, 100).T}
    )
    assert len(content) < 3 * 4000 + 500
    restored = decode(text, content)
    assert restored["a"] is restored["b"]["c"]
    assert torch.equal(restored["view"], shared[10:])
    assert torch.equal(restored["turned"], shared.view(10, 100).T)


def test_mappings_parameters_and_gradients_become_plain() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    state = OrderedDict(weight=weight, scaled=weight * 2, more=MappingProxyType({"x": 1}))
    restored = round_trip(state)
    assert type(restored) is dict
    assert type(restored["more"]) is dict
    assert type(restored["weight"]) is torch.Tensor
    assert not restored["weight"].requires_grad
    assert torch.equal(restored["scaled"], torch.full((2, 2), 2.0))


def test_equal_states_give_equal_files() -> None:
    def state() -> dict[str, Any]:
        return {"b": torch.ones(3), "a": {"x": torch.zeros(2, dtype=torch.int64), 1: 0.1}}

    assert encode(state()) == encode(state())


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.float64(1), TypeError, r"state\.a\.0 is of type numpy\.float64; expected a tensor, dict"),
        (np.int64(1), TypeError, r"state\.a\.0 is of type numpy\.int64"),
        (np.zeros(1), TypeError, r"state\.a\.0 is of type numpy\.ndarray"),
        (b"x", TypeError, r"state\.a\.0 is of type builtins\.bytes"),
        ({1, 2}, TypeError, r"state\.a\.0 is of type builtins\.set"),
        ({(1, 2): 3}, TypeError, r"state\.a\.0 has the key \(1, 2\); expected str or int keys"),
        ({True: 3}, TypeError, r"state\.a\.0 has the key True; expected str or int keys"),
        (torch.ones(2, dtype=torch.complex64), TypeError, r"state\.a\.0 is a tensor of torch\.complex64"),
        (
            torch.ones(2, 2).to_sparse(),
            TypeError,
            r"state\.a\.0 is a tensor of torch\.float32, torch\.sparse_coo",
        ),
        (2**LARGEST_BITS, ValueError, r"state\.a\.0 has 8193 bits"),
        ({2**LARGEST_BITS: 1}, ValueError, r"state\.a\.0 has a key of 8193 bits"),
        (nested(DEEPEST), ValueError, "is nested too deeply; expected at most 50 levels"),
    ],
)
def test_other_values_are_refused_by_name(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode({"a": [value]})


GOOD_TEXT, GOOD_TENSORS = encode({"x": torch.arange(4), "y": 1})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff",
        b'{"x":{"$tensor":"x"},"y":1}}',
        b'{"x":NaN}',
        b'{"x":Infinity}',
        b'{"x":1e999}',
        b'{"x":' + b"9" * 5000 + b"}",
        b'{"x":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"x":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001,
        b'{"y":1}',
        b'{"x":{"$tensor":"z"}}',
        b'{"x":{"$tensor":1}}',
        b'{"x":{"$tensor":{"dtype":"int64","shape":[1]}}}',
        b'{"x":{"$tensor":{"dtype":"int64","shape":[0,4611686018427387904,4]}}}',
        b'{"x":{"$tensor":{"dtype":"int64","shape":[0' + b",2147483647" * 60 + b"]}}}",
        b'{"x":{"$tensor":{"dtype":"int64","shape":[0,true]}}}',
        b'{"x":{"$tensor":{"dtype":"object","shape":[0]}}}',
        b'{"x":{"$tensor":"x","more":1}}',
        b'{"x":{"$float":"7ff8"}}',
        b'{"x":{"$float":"7ff80000000000zz"}}',
        b'{"x":{"$float":"7ff8  0000000000"}}',
        b'{"x":{"$float":1}}',
        b'{"x":{"$tuple":1}}',
        b'{"x":{"$tuple":[{"$unknown":1}]}}',
        b'{"x":{"$dict":[[1]]}}',
        b'{"x":{"$dict":[[1,2,3]]}}',
        b'{"x":{"$dict":[[1.5,2]]}}',
        b'{"x":{"$dict":[[true,2]]}}',
        b'{"x":{"$dict":[[[],2]]}}',
        b'{"x":{"$":1}}',
    ],
    ids=lambda text: ascii(text)[:60],
)
def test_hostile_text_is_refused(text: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode(text, GOOD_TENSORS)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 200


def header(**tensors: object) -> bytes:
    content = json.dumps(tensors).encode()
    return len(content).to_bytes(8, "little") + content


@pytest.mark.parametrize(
    "tensors",
    [
        b"",
        GOOD_TENSORS[:-1],
        GOOD_TENSORS + b"\0",
        b"\xff" * 8,
        (2**40).to_bytes(8, "little") + b"{}",
        header(x={"dtype": "I64", "shape": [2**40], "data_offsets": [0, 2**43]}),
        header(x={"dtype": "I64", "shape": [2**62, 4], "data_offsets": [0, 0]}),
        header(x={"dtype": "I64", "shape": [4], "data_offsets": [0, 32]}),
        header(x={"dtype": "F4", "shape": [4], "data_offsets": [0, 32]}) + b"\0" * 32,
        header(x={"dtype": "I64", "shape": [-4], "data_offsets": [0, 32]}) + b"\0" * 32,
        header(y={"dtype": "I64", "shape": [4], "data_offsets": [0, 32]}) + b"\0" * 32,
    ],
)
def test_hostile_tensors_are_refused(tensors: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode(GOOD_TEXT, tensors)
    assert len(str(caught.value)) < 200
