"""States of NumPy's PCG64 generators as the C++ core takes and returns them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

State = npt.NDArray[np.uint64]
"""(6,) uint64: high and low half of the state, high and low half of the increment, has_uint32, uinteger."""


def generator_state(generator: np.random.Generator) -> State:
    """Returns a generator's state. Raises TypeError unless it is a PCG64 generator."""
    state = generator.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise TypeError(f"np_random is a {state['bit_generator']} generator; expected PCG64")
    low_half = 2**64 - 1
    value, increment = state["state"]["state"], state["state"]["inc"]
    halves = (value >> 64, value & low_half, increment >> 64, increment & low_half)
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def set_generator_state(generator: np.random.Generator, state: State) -> None:
    """Puts a PCG64 generator into a state."""
    value_high, value_low, increment_high, increment_low, has_uint32, uinteger = map(int, state)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": value_high << 64 | value_low, "inc": increment_high << 64 | increment_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }


def generator_at(state: State) -> np.random.Generator:
    """Returns a new PCG64 generator in a state."""
    generator = np.random.Generator(np.random.PCG64(0))
    set_generator_state(generator, state)
    return generator
