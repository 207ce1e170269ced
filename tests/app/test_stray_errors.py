"""Errors that nobody catches are logged, and nothing of what they say."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable

import pytest

from receiver.app import stray_errors


class Wild:
    """Fails when it is thrown away."""

    def __del__(self) -> None:
        raise ValueError("ada@shop.example")


def in_a_thread(error: BaseException) -> None:
    def fail() -> None:
        raise error

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], act: Callable[[], object]) -> list[str]:
    stray_errors.log_without_words()
    act()
    assert "ada@shop.example" not in caplog.text + capfd.readouterr().err
    return [message.partition(", line ")[0] for message in caplog.messages]


def test_of_a_thread(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    heard = said(caplog, capfd, lambda: in_a_thread(ValueError("ada@shop.example")))
    assert heard == ["a thread ended: ValueError at tests/app/test_stray_errors.py"]


def test_a_thread_may_end_itself(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    assert said(caplog, capfd, lambda: in_a_thread(SystemExit("ada@shop.example"))) == []


def test_of_an_objects_end(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    assert said(caplog, capfd, Wild) == ["an error at an object's end: ValueError at tests/app/test_stray_errors.py"]


def test_of_an_objects_end_without_an_error(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """As Python itself calls it at times: with a type and no value."""

    def act() -> None:
        sys.unraisablehook(type("Stray", (), {"exc_type": ValueError, "exc_value": None})())

    assert said(caplog, capfd, act) == []


def test_of_a_warning(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        heard = said(caplog, capfd, lambda: warnings.warn("an order of ada@shop.example", stacklevel=1))
    assert heard == ["a warning: UserWarning at test_stray_errors.py"]
