"""Simulated CUDA streams and events, for tests without a GPU."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Streams:
    """Streams of work, run one piece at a time in a random order that respects every wait."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.compute = Stream(self)
        self.current = self.compute
        self.all = [self.compute]

    def side(self, device: Any) -> Stream:
        assert torch.device(device).type == "cpu"
        self.all.append(Stream(self))
        return self.all[-1]

    @contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    def run_until(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            ready = [stream for stream in self.all if stream.is_ready()]
            assert ready, "deadlock: every stream waits for another"
            self.random.choice(ready).step()

    def run_a_little(self) -> None:
        for _ in range(self.random.randrange(12)):
            ready = [stream for stream in self.all if stream.is_ready()]
            if ready:
                self.random.choice(ready).step()


class Mark:
    """A point in a stream."""

    passed = False


class Stream:
    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.work: deque[Mark | Callable[[], object]] = deque()
        """Work to do, and marks of other streams to wait for."""

    def add(self, work: Callable[[], object]) -> None:
        self.work.append(work)

    def mark(self) -> Mark:
        mark = Mark()
        self.add(lambda: setattr(mark, "passed", True))
        return mark

    def wait_stream(self, other: Stream) -> None:
        self.work.append(other.mark())

    def wait_event(self, event: Event) -> None:
        self.work.append(event.mark)

    def synchronize(self) -> None:
        self.streams.run_until(lambda: not self.work)

    def is_ready(self) -> bool:
        if not self.work:
            return False
        first = self.work[0]
        return first.passed if isinstance(first, Mark) else True

    def step(self) -> None:
        first = self.work.popleft()
        if not isinstance(first, Mark):
            first()


class Event:
    streams: Streams

    def __init__(self) -> None:
        self.mark = Mark()
        self.mark.passed = True

    def record(self) -> None:
        self.mark = self.streams.current.mark()

    def synchronize(self) -> None:
        self.streams.run_until(lambda: self.mark.passed)
