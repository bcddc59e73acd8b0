"""Threads inside the replay, Python threads that use it, and forked children."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest

from apexline import PrioritizedFrameReplay

NUM_ENVS = 4


def make(num_threads):
    return PrioritizedFrameReplay(
        capacity=400,
        num_envs=NUM_ENVS,
        frame_shape=(7, 7),
        action_shape=(2,),
        frame_stack=3,
        n_step=3,
        shift=2,
        num_threads=num_threads,
    )


def add_random_step(replay, random):
    ends = random.random((2, NUM_ENVS)) < 0.05
    frames = random.integers(0, 256, (2, NUM_ENVS, 7, 7), np.uint8)
    actions, rewards = random.normal(size=(NUM_ENVS, 2)), random.normal(size=NUM_ENVS)
    replay.add(frames[0], actions, rewards, ends[0], ends[1], final_frames=frames[1])


def filled(num_threads):
    replay, random = make(num_threads), np.random.default_rng(0)
    for _ in range(60):
        add_random_step(replay, random)
    return replay


def history(num_threads):
    """The bytes of every batch in a run of adds, samples and updates."""
    replay, random = filled(num_threads), np.random.default_rng(1)
    batches = []
    for batch_size in (1, 2, 3, 32, 257) * 5:
        add_random_step(replay, random)
        batch = replay.sample(batch_size)
        replay.update_priorities(batch.indices, random.normal(size=batch_size))
        batches.append([field.tobytes() for field in batch[:-1]])
    return batches


@pytest.mark.parametrize("num_threads", [2, 5])
def test_batches_do_not_depend_on_the_number_of_threads(num_threads):
    assert history(num_threads) == history(1)


def test_the_default_is_one_thread_per_processor():
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert make(num_threads=None).num_threads == processors


def test_python_threads_may_add_sample_and_update_at_once():
    replay = filled(num_threads=2)
    failures = []

    def run(work, seed):
        random = np.random.default_rng(seed)
        try:
            for _ in range(200):
                work(random)
        except Exception as failure:
            failures.append(failure)

    def learn(random):
        batch = replay.sample(32)
        replay.update_priorities(batch.indices, random.normal(size=32))

    def add(random):
        add_random_step(replay, random)

    works = [add, add, learn, learn]
    threads = [threading.Thread(target=run, args=(work, seed)) for seed, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert (replay.priorities > 0).sum() == len(replay)
    assert (replay.sample(64).weights > 0).all()


def test_a_forked_child_continues_as_its_parent():
    replay, twin = filled(num_threads=3), filled(num_threads=1)
    replay.sample(64)
    twin.sample(64)
    expected = twin.sample(64).obs.tobytes()

    with warnings.catch_warnings():
        # Python 3.12 warns of a fork in a process that has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            same = replay.sample(64).obs.tobytes() == expected
            del replay
            os._exit(0 if same else 1)
        finally:
            os._exit(2)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert replay.sample(64).obs.tobytes() == expected
