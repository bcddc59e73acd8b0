"""One call at a time, in a thread of its own or in the caller's."""

from __future__ import annotations

import threading

import pytest

from apexline.training.acting.background import BackgroundCall


def test_a_threaded_call_runs_concurrently() -> None:
    may_continue = threading.Event()
    call: BackgroundCall[threading.Thread] = BackgroundCall(threaded=True)

    def wait() -> threading.Thread:
        assert may_continue.wait(timeout=60)
        return threading.current_thread()

    call.start(wait)
    assert call.is_pending
    may_continue.set()
    assert call.take() is not threading.main_thread()
    assert not call.is_pending
    call.close()


def test_without_a_thread_start_runs_the_call() -> None:
    call: BackgroundCall[threading.Thread] = BackgroundCall(threaded=False)
    call.start(threading.current_thread)
    assert call.take() is threading.main_thread()
    with pytest.raises(ZeroDivisionError):
        call.start(lambda: 1 // 0)  # type: ignore[arg-type,return-value]
    assert not call.is_pending


def test_an_interrupted_wait_keeps_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    call: BackgroundCall[int] = BackgroundCall(threaded=False)
    call.start(lambda: 3)

    def interrupted() -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(call._future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            call.take()
    assert call.is_pending
    assert call.take() == 3


def test_a_failed_call_stays_pending() -> None:
    call: BackgroundCall[None] = BackgroundCall(threaded=True)

    def fail() -> None:
        raise OSError("no road")

    call.start(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no road"):
            call.take()
    assert call.is_pending
    call.close()
