"""Arrays that another thread writes while a call reads or writes them: errors or results, never a crash.

Each case runs in a process of its own, since what it looks for ends the process.
"""

import subprocess
import sys

import pytest

COMMON = """
import threading, time
import numpy as np
from apexline import PrioritizedFrameReplay, SumTree

END = time.monotonic() + 1.5
FAR = np.int64(2**44)  # far outside of every array

def hammer(target, values):
    while time.monotonic() < END:
        for value in values:
            np.copyto(target, value)

def run(work, *hammers):
    threads = [threading.Thread(target=hammer, args=one) for one in hammers]
    for thread in threads:
        thread.start()
    calls = 0
    while time.monotonic() < END:
        try:
            work()
        except (IndexError, ValueError) as error:
            assert "expected" in str(error), error
        calls += 1
    for thread in threads:
        thread.join()
    assert calls > 3, calls

def replay_of(**options):
    replay = PrioritizedFrameReplay(
        capacity=4096, num_envs=4, frame_shape=(8, 8), action_shape=(), frame_stack=2, num_threads=1, **options
    )
    frames, values = np.zeros((4, 8, 8), np.uint8), np.zeros(4)
    extras = {name: np.zeros((4, *shape)) for name, (shape, _) in options.get("extras", {}).items()}
    for step in range(900):
        ends = np.arange(4) == step % 50
        replay.add(frames, values, values, ends, ends, final_frames=frames, extras=extras)
    return replay

N = 1 << 15
"""

CASES = {
    "set": """
tree = SumTree(N)
good = np.arange(N)
index = good.copy()
ones = np.ones(N)
run(lambda: tree.__setitem__(index, ones), (index, (FAR, good)))
""",
    "set priorities": """
tree = SumTree(N)
index, priorities, ones = np.arange(N), np.ones(N), np.ones(N)
def work():
    tree[index] = priorities
    assert tree.total > 0
    tree.sample(100)
run(work, (priorities, (np.nan, -1.0, ones)))
""",
    "get": """
tree = SumTree(N)
good = np.arange(N)
index = good.copy()
run(lambda: tree[index], (index, (FAR, good)))
""",
    "tree.sample": """
tree = SumTree(N)
tree[np.arange(N)] = np.random.default_rng(0).random(N)
out = np.zeros(N, np.int64)
run(lambda: tree.sample(N, out), (out, (FAR, -FAR)))
""",
    "replay.sample": """
replay = replay_of()
batch = replay.empty_batch(N)
run(
    lambda: replay.sample(N, out=batch),
    (batch.indices, (FAR, -FAR)),
    (batch.weights, (np.float32(np.nan), np.float32(0))),
)
replay.check()
""",
    "update_priorities": """
replay = replay_of()
good = replay.sample(N).indices.copy()
indices, errors = good.copy(), np.ones(N)
run(
    lambda: replay.update_priorities(indices, errors),
    (indices, (FAR, -FAR, good)),
    (errors, (np.nan, 1.0)),
)
replay.check()
""",
    "extras of a batch": """
replay = replay_of(extras={"value": ((256,), np.float64)})
batch = replay.empty_batch(4096)
def swap():
    while time.monotonic() < END:
        batch.extras["value"] = np.empty((4096, 256))
thread = threading.Thread(target=swap)
thread.start()
run(lambda: replay.sample(4096, out=batch))
thread.join()
""",
    "add": """
num_envs = 1 << 14
replay = PrioritizedFrameReplay(capacity=4 * num_envs, num_envs=num_envs, frame_shape=(1,), action_shape=())
frames = np.zeros((num_envs, 1), np.uint8)
actions, rewards = np.zeros(num_envs, np.float32), np.zeros(num_envs, np.float32)
ends, mask = np.zeros(num_envs, bool), np.ones(num_envs, bool)
nan, zero = np.float32(np.nan), np.float32(0)
run(
    lambda: replay.add(frames, actions, rewards, ends, ends, final_frames=frames, mask=mask),
    (actions, (nan, zero)),
    (rewards, (nan, zero)),
    (ends.view(np.uint8), (0, 255)),
    (mask.view(np.uint8), (7, 0)),
)
replay.check()
replay.load_state_dict(replay.state_dict())  # which checks every stored number
""",
}


@pytest.mark.parametrize("case", CASES)
def test_a_call_survives_writes_of_another_thread(case):
    ended = subprocess.run(
        [sys.executable, "-c", COMMON + CASES[case]], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
