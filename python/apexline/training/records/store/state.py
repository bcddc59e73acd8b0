"""Nested states as JSON and safetensors, and back, exactly.

Plain values are JSON. Objects whose only key begins with `$` stand for what JSON has no form for: `$tuple`, `$dict` (a
dict with int keys, or with a key that begins with `$`), `$float` (NaN and infinities, as 16 hexadecimal digits) and
`$tensor` (a name in the safetensors file, or dtype and shape if the tensor has no elements).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import torch
from safetensors.torch import load, save
from torch import Tensor

from apexline.training.errors import InputError, reason

DEEPEST = 50
"""Largest depth of a state."""
LARGEST_BITS = 8192
"""Largest int of a state; Python converts longer ones to text only on request."""
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}


def encode(state: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The state as the contents of a JSON file and of a safetensors file.

    Tensors may be on any device and need not be contiguous. One that occurs several times is stored once.

    Raises:
        TypeError: a value or key is of a type that cannot be stored.
        ValueError: the state is nested too deeply, or an int is too large.
    """
    tensors = _Tensors()
    plain = _encoded(state, "state", 0, tensors)
    text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii"), save(tensors.stored)


def decode(text: bytes, tensors: bytes | None) -> dict[str, Any]:
    """The state that `encode` was given, with plain dicts for mappings and tensors on the CPU.

    Args:
        text: the content of the JSON file.
        tensors: the content of the safetensors file; None: tensors are left out, and None is in their place.

    Raises:
        InputError: the contents were not made by `encode`.
    """
    try:
        plain = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a state ({reason(error):.80})") from error
    try:
        loaded = None if tensors is None else load(tensors)
    except Exception as error:  # safetensors raises many kinds of errors
        raise InputError(f"its tensors cannot be read ({reason(error):.80})") from error
    unused = {*(loaded or {})}
    state = _decoded(plain, 0, loaded, unused)
    if not isinstance(state, dict):
        raise InputError("not a state; expected a dict")
    if unused:
        raise InputError(f"tensor {min(unused)!a:.80} is not part of the state")
    return state


def tensors_below(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in nested values, with their names of keys and indices joined by points."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, Mapping | list | tuple):
        for key, value in state.items() if isinstance(state, Mapping) else enumerate(state):
            yield from tensors_below(value, f"{name}.{key}" if name else str(key))


class _Tensors:
    """The tensors of a state under unique names."""

    def __init__(self) -> None:
        self.stored: dict[str, Tensor] = {}
        self._names: dict[object, str] = {}
        self._storages: set[int] = set()
        self._held: list[Tensor] = []

    def add(self, tensor: Tensor, name: str) -> str:
        """Stores the tensor unless it is stored; returns its name in the file."""
        layout = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride(), tensor.device)
        if layout not in self._names:
            self._names[layout] = unique = self._unique(name)
            self.stored[unique] = self._own(tensor)
            self._held.append(tensor)  # its memory must not be given to another tensor
        return self._names[layout]

    def _unique(self, name: str) -> str:
        plain = name.encode("ascii", "backslashreplace").decode()
        unique, number = plain, 1
        while unique in self.stored or unique == "__metadata__":
            number += 1
            unique = f"{plain}#{number}"
        return unique

    def _own(self, tensor: Tensor) -> Tensor:
        """The same values in memory of their own, as safetensors demands."""
        own = tensor.detach().cpu().contiguous()
        storage = own.untyped_storage()
        if storage.nbytes() != own.nbytes or storage.data_ptr() in self._storages:
            own = own.clone()
        self._storages.add(own.untyped_storage().data_ptr())
        return own


def _encoded(value: Any, name: str, depth: int, tensors: _Tensors) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"{name} is nested too deeply; expected at most {DEEPEST} levels")
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        if value.bit_length() > LARGEST_BITS:
            raise ValueError(f"{name} has {value.bit_length()} bits; expected at most {LARGEST_BITS}")
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}
    if isinstance(value, Tensor):
        return {"$tensor": _encoded_tensor(value, name, tensors)}
    if type(value) in (list, tuple):
        parts = [_encoded(part, f"{name}.{i}", depth + 1, tensors) for i, part in enumerate(value)]
        return parts if type(value) is list else {"$tuple": parts}
    if isinstance(value, Mapping):
        return _encoded_mapping(value, name, depth, tensors)
    raise TypeError(
        f"{name} is of type {type(value).__module__}.{type(value).__qualname__}; expected a tensor, dict, list, tuple, "
        "str, int, float, bool or None"
    )


def _encoded_mapping(value: Mapping[Any, Any], name: str, depth: int, tensors: _Tensors) -> dict[str, Any]:
    for key in value:
        if type(key) not in (str, int):
            raise TypeError(f"{name} has the key {key!r:.80}; expected str or int keys")
        if type(key) is int and key.bit_length() > LARGEST_BITS:
            raise ValueError(f"{name} has a key of {key.bit_length()} bits; expected at most {LARGEST_BITS}")
    parts = {key: _encoded(part, f"{name}.{key}", depth + 1, tensors) for key, part in value.items()}
    if any(type(key) is int or key.startswith("$") for key in parts):
        return {"$dict": [[key, part] for key, part in parts.items()]}
    return parts


def _encoded_tensor(tensor: Tensor, name: str, tensors: _Tensors) -> Any:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in DTYPES or tensor.layout != torch.strided or tensor.is_quantized:
        raise TypeError(
            f"{name} is a tensor of {tensor.dtype}, {tensor.layout}; expected a dense one of a real dtype"
        )
    if tensor.numel() == 0:
        return {"dtype": dtype, "shape": list(tensor.shape)}
    return tensors.add(tensor, name.removeprefix("state."))


def _decoded(value: Any, depth: int, tensors: dict[str, Tensor] | None, unused: set[str]) -> Any:
    if depth > DEEPEST:
        raise InputError(f"not a state; it has more than {DEEPEST} levels")
    if isinstance(value, list):
        return [_decoded(part, depth + 1, tensors, unused) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError("not a state; a number is too large")
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: _decoded(part, depth + 1, tensors, unused) for key, part in value.items()}
    match list(value.items()):
        case [("$tuple", list(parts))]:
            return tuple(_decoded(part, depth + 1, tensors, unused) for part in parts)
        case [("$dict", list(pairs))] if all(_is_pair(pair) for pair in pairs):
            return {key: _decoded(part, depth + 1, tensors, unused) for key, part in pairs}
        case [("$float", str(digits))] if len(digits) == 16:
            return _float(digits)
        case [("$tensor", str(name))]:
            return _tensor(name, tensors, unused)
        case [("$tensor", {"dtype": str(dtype), "shape": list(shape)})]:
            return _empty_tensor(dtype, shape)
    raise InputError(f"not a state; {value!a:.80} has no meaning")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in (str, int)


def _float(digits: str) -> float:
    try:
        value: float = struct.unpack(">d", bytes.fromhex(digits))[0]
    except (ValueError, struct.error) as error:
        raise InputError(f"not a state; {digits!a} are not the digits of a float") from error
    return value


def _tensor(name: str, tensors: dict[str, Tensor] | None, unused: set[str]) -> Tensor | None:
    if tensors is None:
        return None
    if name not in tensors:
        raise InputError(f"tensor {name!a:.80} is missing")
    unused.discard(name)
    return tensors[name]


def _empty_tensor(dtype: str, shape: list[Any]) -> Tensor:
    sizes_fit = len(shape) <= 64 and all(type(size) is int and 0 <= size < 2**31 for size in shape)
    if dtype not in DTYPES or not sizes_fit or 0 not in shape:
        raise InputError(f"not a state; a tensor of {dtype!a:.20}, {shape!a:.40} is not one without elements")
    try:
        return torch.empty(shape, dtype=DTYPES[dtype])
    except RuntimeError as error:  # the strides overflow
        raise InputError(f"not a state; a tensor has the shape {shape!a:.40}") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
