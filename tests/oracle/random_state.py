"""The state of a generator as the core takes it."""

import numpy as np


def words(generator):
    """(6,) uint64: high and low half of `state` and of `inc`, then `has_uint32` and `uinteger`."""
    state = generator.bit_generator.state
    halves = [half for name in ("state", "inc") for half in divmod(state["state"][name], 1 << 64)]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)
