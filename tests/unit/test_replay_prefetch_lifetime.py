"""Closing and deleting prefetches, Python threads and forked processes that use them."""

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest

from .prefetches import SampledAhead, add_number, numbered
from .replays import add_random_step, batch_bytes, filled, state_bytes


def raises(error, message):
    return pytest.raises(error, match=re.escape(message))


def test_closing_ends_the_iterator():
    replay = filled()
    prefetch = replay.prefetch(8)
    held = [next(prefetch), next(prefetch)]
    before = [batch_bytes(batch) for batch in held]
    prefetch.close()
    prefetch.close()
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(prefetch)
    assert next(prefetch, None) is None
    for _ in range(5):
        replay.sample(8)
    assert [batch_bytes(batch) for batch in held] == before


def test_closing_before_the_first_batch():
    prefetch = filled().prefetch(8)
    prefetch.close()
    assert next(prefetch, None) is None


def test_a_with_statement_closes_after_an_exception():
    prefetch = filled().prefetch(8)
    with raises(KeyError, "mine"), prefetch:
        next(prefetch)
        raise KeyError("mine")
    assert next(prefetch, None) is None


def test_closed_prefetches_do_not_block_add():
    replay = numbered(8)
    for _ in range(20):
        prefetch = replay.prefetch(256, depth=6)
        next(prefetch)
        prefetch.close()
        for number in range(30):
            add_number(replay, number)
    replay.check()


THREADS = Path("/proc/self/task")


def thread_count():
    return len([*THREADS.iterdir()])


@pytest.mark.skipif(not THREADS.exists(), reason="threads are counted in /proc")
def test_collecting_a_prefetch_ends_its_thread():
    replay = filled()
    gc.collect()
    before = thread_count()
    opened = [replay.prefetch(8) for _ in range(5)]
    for prefetch in opened:
        next(prefetch)
    assert thread_count() == before + 5
    alive = weakref.ref(opened[0])
    del opened, prefetch
    gc.collect()
    assert alive() is None
    assert thread_count() == before


def test_a_prefetch_keeps_its_replay():
    replay, twin = filled(), filled()
    prefetch, expected = replay.prefetch(8), SampledAhead(twin, 8, 2)
    del replay
    gc.collect()
    for _ in range(5):
        assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
    prefetch.close()


def test_many_may_be_open_at_once():
    replay, twin = filled(), filled()
    opened = [replay.prefetch(4 + place, depth=1 + place % 3) for place in range(12)]
    expected = [SampledAhead(twin, 4 + place, 1 + place % 3) for place in range(12)]
    for turn in np.random.default_rng(0).integers(0, 12, 100):
        assert batch_bytes(next(opened[turn])) == batch_bytes(next(expected[turn]))
    for prefetch in opened:
        prefetch.close()


def test_python_threads_may_add_update_and_take_at_once():
    replay = filled(num_threads=2)
    failures, random = [], np.random.default_rng(0)

    def run(work):
        try:
            for _ in range(60):
                work()
        except Exception as failure:
            failures.append(failure)

    def learn(prefetch):
        batch = next(prefetch)
        replay.update_priorities(batch.indices, np.ones(len(batch.indices)))

    with replay.prefetch(32) as first, replay.prefetch(8, depth=1) as second:
        works = [lambda: add_random_step(replay, random), lambda: learn(first), lambda: learn(second)]
        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    replay.check()


def wait_until_gathered(replay):
    """A fork must not happen while the thread holds a lock; contents are exchanged when nothing is being read."""
    replay.load_state_dict(replay.state_dict())


def test_next_raises_in_a_forked_child_and_works_in_the_parent():
    replay, twin = filled(num_threads=2), filled()
    prefetch, expected = replay.prefetch(16), SampledAhead(twin, 16, 2)
    assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
    wait_until_gathered(replay)

    with warnings.catch_warnings():
        # Python 3.12 warns of a fork in a process that has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            with raises(RuntimeError, "does not exist in a forked process"):
                next(prefetch)
            random = np.random.default_rng(0)
            for _ in range(100):
                add_random_step(replay, random)
            with replay.prefetch(8) as own:
                next(own)
            prefetch.close()
            del prefetch
            replay.check()
            os._exit(0)
        finally:
            os._exit(2)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    for _ in range(5):
        assert batch_bytes(next(prefetch)) == batch_bytes(next(expected))
    prefetch.close()


def test_a_refused_call_in_a_forked_child_changes_nothing():
    replay = filled()
    prefetch = replay.prefetch(16)
    next(prefetch)
    wait_until_gathered(replay)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            before = state_bytes(replay)
            with pytest.raises(RuntimeError):
                next(prefetch)
            os._exit(0 if state_bytes(replay) == before else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_process_may_end_with_prefetches_open():
    script = """
import numpy as np
from apexline import PrioritizedFrameReplay

replay = PrioritizedFrameReplay(capacity=50, num_envs=1, frame_shape=(84, 84), action_shape=())
no = np.array([False])
for _ in range(40):
    replay.add(np.zeros((1, 84, 84), np.uint8), [0], [0], no, no)
opened = [replay.prefetch(256, depth=4) for _ in range(3)]
for prefetch in opened:
    next(prefetch)
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
