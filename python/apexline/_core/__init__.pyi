"""The C++ core of apexline. Private: import from apexline."""

from apexline._core import racing as racing
from apexline._core import replay as replay

__version__: str
compiler: str
"""Name and version of the compiler that built the module."""

def isa() -> str:
    """Returns the instruction-set variant in use: portable, avx2 or avx512.

    The environment variable APEXLINE_ISA forces one; it is read once.

    Raises:
        ValueError: APEXLINE_ISA names no variant, or one that this processor does not support.
    """

def available_processors() -> int:
    """Returns the number of processors this process may use: its affinity mask, limited by its CPU quota."""
