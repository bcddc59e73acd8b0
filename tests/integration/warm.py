"""Trainings of the command line in processes that are forked from one which has imported everything: each starts in a
fraction of a second, and ends as a program that was started by itself.

Run as a program, it is the process that forks: requests and answers are lines of JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT = 120
"""Seconds; only ends a test that hangs."""


class Forker:
    """The process that forks trainings."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.integration.warm"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def request(self, **request: Any) -> int | None:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer

    def start(self, *arguments: str | Path, folder: Path, **options: Any) -> Training:
        """Start `apexline train` with these arguments.

        Args:
            arguments: of the command.
            folder: an existing folder for the files `output` and `errors`, which it writes.
            options: `output`, a path in place of that file; `hold`, a file: saves that begin after a signal was
                announced wait until it is removed; `file_size`, the largest size of a file; `capabilities=False` for a
                process that may not write to read-only folders although it is root's.
        """
        options.setdefault("output", folder / "output")
        options.setdefault("errors", folder / "errors")
        paths = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
        pid = self.request(arguments=[str(argument) for argument in arguments], **paths)
        return Training(self, pid, options["output"], options["errors"])

    def close(self) -> None:
        """Kill the trainings that are left, and end the process."""
        self._process.stdin.close()
        self._process.wait(TIMEOUT)
        self._process.stdout.close()


class Training:
    """A process of `apexline train`."""

    def __init__(self, forker: Forker, pid: int, output: Path, errors: Path) -> None:
        self.pid = pid
        self._forker = forker
        self._output = output
        self._errors = errors
        self._code: int | None = None

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Whether the process has ended."""
        if self._code is None:
            self._code = self._forker.request(poll=self.pid)
        return self._code is not None

    def wait(self) -> int:
        """Wait for the end; returns the exit code, negative if a signal ended the process."""
        self.wait_for(lambda: False, or_end=True)
        assert self._code is not None
        return self._code

    def wait_for(self, condition: Callable[[], bool], *, or_end: bool = False) -> None:
        """Wait until `condition` is true, which it must be before the process ends, unless `or_end`."""
        limit = time.monotonic() + TIMEOUT
        while not condition():
            ended = self.has_ended()
            if ended and or_end:
                return
            if ended or time.monotonic() > limit:
                if not ended:
                    os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"ended with {self._code}:\n{self.output}\n{self.errors}")
            time.sleep(0.01)

    def wait_for_output(self, text: str, count: int = 1) -> None:
        """Wait until the standard output contains `text` at least `count` times."""
        self.wait_for(lambda: self.output.count(text) >= count)

    def wait_for_errors(self, text: str) -> None:
        """Wait until the standard error contains `text`."""
        self.wait_for(lambda: text in self.errors)


def _main() -> int:
    """Answers requests; returns at their end, and in each forked process with the exit code of its training."""
    # What a training imports when it needs it.
    import matplotlib.pyplot  # noqa: F401
    import torch
    import torch._dynamo

    import apexline.cli.train  # noqa: F401

    torch.set_num_threads(1)
    running = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
            running -= {pid}
        else:
            answer = os.fork()
            if not answer:
                return _train(**request)
            running.add(answer)
        print(json.dumps(answer), flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    return 0


def _train(
    arguments: list[str],
    output: str,
    errors: str,
    hold: str | None = None,
    file_size: int | None = None,
    capabilities: bool = True,
) -> int:
    from apexline.cli import main

    os.setsid()
    for number, path in enumerate((os.devnull, output, errors)):
        descriptor = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hold is not None:
        _hold_saves(hold)
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if not capabilities:
        _drop_capabilities()
    return main(["train", *arguments])


def _hold_saves(file: str) -> None:
    """Lets saves that begin after a signal was announced wait until `file` is removed."""
    from apexline.training.records import checkpoint

    write = checkpoint.write

    def held(*arguments: Any, **options: Any) -> Path:
        if "saving ..." in Path("/proc/self/fd/2").read_text():
            while Path(file).exists():
                time.sleep(0.01)
        return write(*arguments, **options)

    checkpoint.write = held


def _drop_capabilities() -> None:
    """Makes root subject to the permissions of files: capset(2) with an empty set."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    sys.exit(_main())
