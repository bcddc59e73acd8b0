"""Every instruction-set variant computes the same bits; each runs in its own process, since the choice is made once."""

import os
import subprocess
import sys

import pytest

from apexline import _core

HISTORY = """
import hashlib
import sys
import numpy as np
from apexline import PrioritizedFrameReplay, SumTree, _core

num_threads = int(sys.argv[1])
seen = hashlib.sha256()
random = np.random.default_rng(0)

for capacity in (1, 7, 8, 9, 65, 4097, 300_000):
    tree = SumTree(capacity, seed=5)
    for count in (1, 3, 40, 5000):
        indices = random.integers(0, capacity, count)
        tree[indices] = np.exp(random.normal(scale=random.choice([0.1, 5, 50]), size=count))
        tree[random.integers(0, capacity, count // 3)] = 0.0
        tree[capacity - 1] = 1e-3
        seen.update(tree.sample(777).tobytes())
        masses = random.random(9) * tree.total
        seen.update(repr([tree.find(mass) for mass in masses]).encode())
        seen.update(repr((tree.total.hex(), tree.min(), tree.max())).encode())

def images(shape, dtype):
    return random.integers(0, 256, shape).astype(dtype)

def play(side, planes, dtype, shift, frame_stack):
    num_envs, shape = 2, (*planes, side, side)
    replay = PrioritizedFrameReplay(
        capacity=2 * 40, num_envs=num_envs, frame_shape=shape, frame_dtype=dtype, action_shape=(3,),
        frame_stack=frame_stack, n_step=3, shift=shift, seed=9, num_threads=num_threads,
    )
    item = np.dtype(dtype).itemsize * np.prod(shape) * frame_stack * 2
    for turn in range(50):
        ends = random.random((2, num_envs)) < 0.05
        replay.add(images((num_envs, *shape), dtype), random.normal(size=(num_envs, 3)), random.normal(size=num_envs),
                   *ends, final_frames=images((num_envs, *shape), dtype))
        if turn % 10 == 9:
            for batch_size in (1, 5, (4 << 20) // int(item) + 1 + turn):
                batch = replay.sample(batch_size)
                for array in batch[:-1]:
                    seen.update(array.tobytes())
                replay.update_priorities(batch.indices, random.normal(size=batch_size))
    seen.update(replay.priorities.tobytes())

for side in (33, 42, 84, 96):
    for dtype in (np.uint8, np.float32):
        for shift in (0, 4):
            play(side, (), dtype, shift, frame_stack=4)
play(33, (3,), np.uint8, 2, frame_stack=1)
play(42, (3,), np.int16, 3, frame_stack=2)
play(24, (), np.float64, 1, frame_stack=3)
print(_core.isa(), seen.hexdigest())
"""


def run(script, isa, *arguments):
    environment = {**os.environ, "APEXLINE_ISA": isa}
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def history(isa, num_threads):
    """The variant that ran and a hash of its results; skips unsupported variants."""
    result = run(HISTORY, isa, str(num_threads))
    if "expected one that this build and processor support" in result.stderr:
        pytest.skip(f"{isa} is not supported here")
    assert result.returncode == 0, result.stderr
    return tuple(result.stdout.split())


@pytest.fixture(scope="module")
def portable():
    return history("portable", 1)


@pytest.mark.parametrize(
    ("isa", "num_threads"), [("portable", 2), ("avx2", 1), ("avx2", 2), ("avx512", 1), ("avx512", 2)]
)
def test_every_variant_computes_the_same_bits_on_any_number_of_threads(portable, isa, num_threads):
    name, seen = history(isa, num_threads)
    assert name == isa
    assert ("portable", seen) == portable


def test_the_default_is_the_widest_supported_variant():
    chosen = run("from apexline import _core; print(_core.isa())", "").stdout.strip()
    supported = [
        isa
        for isa in ("portable", "avx2", "avx512")
        if run("from apexline import _core; _core.isa()", isa).returncode == 0
    ]
    assert chosen == supported[-1]


@pytest.mark.parametrize("isa", ["avx3", "AVX2", "portable ", "sse"])
@pytest.mark.parametrize(
    "first_use",
    [
        "apexline.SumTree(4)",
        "apexline.PrioritizedFrameReplay(capacity=9, num_envs=1, frame_shape=(), action_shape=())",
        "apexline._core.isa()",
    ],
)
def test_an_unknown_variant_is_named_at_the_first_use(isa, first_use):
    script = f"import apexline, apexline._core\nprint('imported')\n{first_use}"
    result = run(script, isa)
    assert result.stdout == "imported\n"
    assert result.stderr.splitlines()[-1] == (
        f"ValueError: APEXLINE_ISA is '{isa}'; expected portable, avx2 or avx512"
    )


def test_the_choice_is_made_once():
    script = """
import os
from apexline import SumTree, _core
SumTree(3)
os.environ["APEXLINE_ISA"] = "nothing"
SumTree(3)
print(_core.isa())
"""
    assert run(script, "portable").stdout == "portable\n"


def test_this_process_runs_one_of_them():
    assert _core.isa() in ("portable", "avx2", "avx512")
