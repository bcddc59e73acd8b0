"""Private constructors, unusual interpreters and exits: exceptions, never a crash.

They run in processes of their own, since what they look for ends the process or never returns.
"""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay, SumTree


def run(program, *, timeout=60):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout, check=False
    )


EACH = """
for call in {calls!r}:
    try:
        exec(call)
        print("no exception", flush=True)
    except Exception as error:
        print(f"{{type(error).__name__}}: {{error}}".splitlines()[0], flush=True)
"""


def assert_refused(setup, cases):
    """Runs the calls of (call, beginning of its exception) in one process; a crash leaves out the lines that follow."""
    ended = run(setup + EACH.format(calls=[call for call, _ in cases]))
    lines = ended.stdout.splitlines()
    for (call, expected), line in zip(cases, lines, strict=False):
        assert line.startswith(expected), call
    assert (ended.returncode, len(lines)) == (0, len(cases)), cases[min(len(lines), len(cases) - 1)]


REFUSAL = """
from apexline import PrioritizedFrameReplay, SumTree, _core
Replay, Prefetcher, World = _core.replay.Replay, _core.replay.Prefetcher, _core.racing.World
Snapshot = _core.replay.Snapshot
replay = PrioritizedFrameReplay(capacity=4, num_envs=1, frame_shape=(1,), action_shape=())
core = replay._core
class Bare(SumTree):
    def __init__(self): pass
"""
NEVER_INITIALIZED = "TypeError: the object was not initialized; expected a call of __init__"


DOORS = [
    ("Prefetcher(None)", "TypeError: replay is None; expected a Replay"),
    ("Prefetcher.__new__(Prefetcher).take()", NEVER_INITIALIZED),
    ("Prefetcher(Replay.__new__(Replay))", "RuntimeError: Unable to cast from non-held to held instance"),
    ("Prefetcher(core).take()", "ValueError: no batch was requested"),
    ("Prefetcher(core).request(0.5, 0, ())", "ValueError: batch has 0 fields; expected 8"),
    ("Prefetcher(core).request(0.5, 0, (None,) * 8)", "TypeError: "),
    ("Prefetcher.__new__(Prefetcher).gathered()", NEVER_INITIALIZED),
    ("Snapshot(None)", "TypeError: replay is None; expected a Replay"),
    ("Snapshot(Replay.__new__(Replay))", "RuntimeError: Unable to cast from non-held to held instance"),
    ("Snapshot.__new__(Snapshot).bounds()", NEVER_INITIALIZED),
    ("Snapshot.__new__(Snapshot).close()", NEVER_INITIALIZED),
    (
        "Snapshot(core).read([0], [1])",
        "IndexError: positions of environment 0 are 0 to 1; expected from 0 to 0",
    ),
    ("Snapshot(core).read([-(2**63)], [2**63 - 1])", "IndexError: positions of environment 0 are -9223"),
    ("Snapshot(core).release(None)", "TypeError: "),
    ("len(SumTree.__new__(SumTree))", NEVER_INITIALIZED),
    ("SumTree.__new__(SumTree)[0]", NEVER_INITIALIZED),
    ("SumTree.__new__(SumTree).__getstate__()", NEVER_INITIALIZED),
    ("repr(SumTree.__new__(SumTree))", NEVER_INITIALIZED),
    ("Bare()", "TypeError: apexline._core.replay.SumTree.__init__() must be called"),
    ("Replay.__new__(Replay).state()", NEVER_INITIALIZED),
    ("Replay.__new__(Replay).swap_contents(core)", NEVER_INITIALIZED),
    ("core.swap_contents(Replay.__new__(Replay))", NEVER_INITIALIZED),
    ("core.swap_contents(None)", "TypeError: "),
    ("core.swap_contents(core)", "ValueError: other is this replay; expected another one"),
    ("len(PrioritizedFrameReplay.__new__(PrioritizedFrameReplay))", "AttributeError: "),
    ("World.__new__(World).cars()", NEVER_INITIALIZED),
    ("World()", "TypeError: "),
    ("core.add(None, [], None, None, None, None, None)", "TypeError: "),
    ("core.read_slots(0, -(2**63), 2**63 - 1)", "IndexError: positions of environment 0 are -9223"),
    ("core.write_slots(0, 2**63 - 1, [], [], [0], [0], [0])", "IndexError: begin is 9223372036854775807"),
    ("core.restore({})", "KeyError: "),
    ("core.update_priorities(None, None)", "TypeError: "),
]


def test_private_doors():
    assert_refused(REFUSAL, DOORS)


WORLD = """
import numpy as np
from apexline import _core
from apexline.racing import GameOptions
from apexline.racing.native.glyphs import load_glyphs
from apexline.racing.native.rng import generator_state
from types import SimpleNamespace

def make(**changes):
    names = [*GameOptions.__dataclass_fields__, "image_size"]
    given = {name: getattr(GameOptions(), name) for name in names}
    options = SimpleNamespace(**{**given, **changes.pop("options", {})})
    arguments = dict(
        states=np.stack([generator_state(np.random.default_rng(0))]), autoreset="next_step", rules=None,
        keeps_skid_marks=False, glyphs=load_glyphs().arrays, num_threads=1,
    )
    return _core.racing.World(options, **{**arguments, **changes})

make()
"""


WORLDS = [
    ("make(num_threads=0)", "ValueError: num_threads is 0; expected from 1 to 1024"),
    ("make(num_threads=-1)", "ValueError: num_threads is -1; expected from 1 to 1024"),
    ("make(num_threads=100000)", "ValueError: num_threads is 100000; expected from 1 to 1024"),
    (
        "make(states=np.zeros((0, 6), np.uint64))",
        "ValueError: states holds 0 states; expected at least 1",
    ),
    ("make(states=None)", "ValueError: "),
    ("make(glyphs=())", "ValueError: glyphs has 0 items; expected 3"),
    ("make(glyphs=(None, None, None))", "TypeError: widths has dtype object"),
    ("make(autoreset='')", "ValueError: autoreset is "),
    ("make(rules=3)", "AttributeError: "),
    ("make(options={'action_repeat': 0})", "ValueError: action_repeat is 0; expected from 1"),
    ("make(options={'frame_stack': 0})", "ValueError: frame_stack is 0; expected from 1"),
    ("make(options={'gray': 'yes'})", "TypeError: gray is 'yes'; expected"),
    ("make(options={'zoom': None})", "TypeError: zoom is None; expected"),
    ("make(options={'track_seed': 3})", "TypeError: track_state has dtype object; expected uint64"),
    ("make(options={'track': []})", "ValueError: track has 0 nodes; expected at least 1"),
    ("make(options={'track': [(1.0, 2.0)]})", "TypeError: track is [(1.0, 2.0)]; expected"),
    ("make().track(-1)", "IndexError: env is -1; expected 0 to 0"),
    ("make().exact_frame(0, 96, 96, True)", "ResetNeededError: "),
    ("make().step(np.zeros((1, 3)))", "ResetNeededError: "),
    ("make().step(None)", "ResetNeededError: "),
]


def test_private_constructors_of_a_world():
    assert_refused(WORLD, WORLDS)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, ValueError, "the state is of type NoneType; expected a tuple of seed, draws and priorities"),
        ((1, 2), ValueError, "the state is of type tuple; expected a tuple of seed, draws and priorities"),
        (
            ("x", 0, np.ones(3)),
            TypeError,
            "the seed of the state is 'x'; expected an integer from 0 to 2^64 - 1",
        ),
        (
            (1, -1, np.ones(3)),
            TypeError,
            "the number of draws of the state is -1; expected an integer from 0",
        ),
        ((1, 1, "rubbish"), TypeError, "priorities has dtype <U7; expected real numbers"),
        ((1, 1, np.ones((2, 2))), ValueError, "priorities has shape (2, 2); expected (4,)"),
        ((1, 1, np.array([1, np.nan])), ValueError, "priorities[1] is nan; expected from 0 to 1e+290"),
        ((1, 1, np.ones(0)), ValueError, "capacity is 0; expected from 1 to 2^40"),
    ],
)
def test_a_wrong_pickle_of_a_tree(state, error, message):
    with pytest.raises(error, match=re.escape(message)):
        SumTree.__new__(SumTree).__setstate__(state)


@pytest.mark.parametrize("state", [None, {}, {"settings": 3, "state": {}}, {"settings": None}, 7, "rubbish"])
def test_a_wrong_pickle_of_a_replay(state):
    with pytest.raises(ValueError, match=r"^the state is .*; expected .* settings and state"):
        PrioritizedFrameReplay.__new__(PrioritizedFrameReplay).__setstate__(state)


def test_right_pickles_still_load():
    tree = SumTree(5, seed=3)
    tree[2] = 4.0
    tree.sample(3)
    copy = pickle.loads(pickle.dumps(tree))
    assert (copy.seed, copy.total, copy.sample(2).tolist()) == (3, 4.0, [2, 2])


SUBINTERPRETER = """
import importlib
for name in ("_interpreters", "_xxsubinterpreters"):
    try:
        interpreters = importlib.import_module(name)
        break
    except ImportError:
        continue
inner = interpreters.create()
program = '''
try:
    import apexline
except ImportError as error:
    print(type(error).__name__, error, flush=True)
'''
interpreters.run_string(inner, program)
import apexline
print(apexline.SumTree(3))
"""


def test_an_import_in_a_subinterpreter_is_refused():
    ended = run(SUBINTERPRETER)
    refused, works = ended.stdout.splitlines()
    assert refused.startswith("ImportError")
    assert "subinterpreter" in refused
    assert works.startswith("<SumTree")


DAEMON = """
import threading, time
import numpy as np
from apexline import PrioritizedFrameReplay, SumTree
{make}
def work():
    while True:
        call()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize(
    "make",
    [
        "tree = SumTree(1 << 18)\nindices, ones = np.arange(1 << 18), np.ones(1 << 18)\n"
        "call = lambda: tree.__setitem__(indices, ones)",
        "tree = SumTree(1 << 18)\ntree[0] = 1\ncall = lambda: tree.sample(1 << 16)",
        "replay = PrioritizedFrameReplay(capacity=8, num_envs=1, frame_shape=(1,), action_shape=())\n"
        "frame, zero, false = np.zeros((1, 1), np.uint8), np.zeros(1, np.float32), np.zeros(1, bool)\n"
        "call = lambda: replay.add(frame, zero, zero, false, false)",
        "from apexline.racing import CarRacingVectorEnv\n"
        "envs = [CarRacingVectorEnv(num_envs=1) for _ in range(3)]\n"
        "free = list(envs)\n"
        "local = threading.local()\n"
        "for env in envs: env.reset(seed=1)\n"
        "def call():\n"
        "    if not hasattr(local, 'env'):\n"
        "        local.env = free.pop()\n"
        "    local.env.step(np.zeros((1, 3)))",
    ],
    ids=["set", "sample", "add", "step"],
)
def test_daemon_threads_inside_a_call_at_exit(make):
    """None of these calls runs Python code, in which Python itself may end the thread before version 3.14."""
    for _ in range(2):
        ended = run(DAEMON.format(make=make))
        assert (ended.returncode, ended.stderr) == (0, "")


def unaligned(values):
    """The same values at an odd address."""
    values = np.asarray(values)
    memory = np.zeros(values.nbytes + 1, np.uint8)[1:]
    memory[:] = np.ascontiguousarray(values).view(np.uint8).ravel()
    array = memory.view(values.dtype).reshape(values.shape)
    assert not array.flags.aligned
    return array


def test_unaligned_inputs_are_copied():
    tree = SumTree(4)
    tree[unaligned([1, 2])] = unaligned([3.0, 5.0])
    assert tree[unaligned([2, 1, 0])].tolist() == [5, 3, 0]
    assert SumTree.__new__(SumTree).__setstate__((0, 0, unaligned([1.0, 2.0]))) is None

    results = []
    for as_given in (np.asarray, unaligned):
        replay = PrioritizedFrameReplay(
            capacity=8,
            num_envs=2,
            frame_shape=(3,),
            frame_dtype=np.float32,
            action_shape=(2,),
            action_dtype=np.float64,
        )
        frames, actions = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4.0).reshape(2, 2)
        ends = np.array([False, True])
        for _ in range(3):
            replay.add(
                as_given(frames),
                as_given(actions),
                as_given(np.ones(2, np.float32)),
                ends,
                ends,
                final_frames=as_given(frames),
            )
        batch = replay.sample(4)
        replay.update_priorities(as_given(batch.indices), as_given(np.arange(4.0)))
        results.append(replay.sample(9).obs.tobytes())
    assert results[0] == results[1]


def test_unaligned_outputs_are_refused():
    tree = SumTree(4)
    tree[1] = 1
    with pytest.raises(ValueError, match="out is not aligned; expected memory aligned to its dtype"):
        tree.sample(3, out=unaligned(np.zeros(3, np.int64)))
