"""Errors that nobody catches are logged, and nothing of what they say."""

from __future__ import annotations

import logging
import re
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


def test_of_a_line_whose_arguments_do_not_fit(capfd: pytest.CaptureFixture[str]) -> None:
    stray_errors.log_without_words()
    logger, handler = logging.getLogger("a handler's"), logging.StreamHandler(sys.stderr)
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("%d items", "ada@shop.example")
    logger.removeHandler(handler)
    assert re.fullmatch(
        r"a log line can't be written: TypeError at test_stray_errors.py, line \d+\n", capfd.readouterr().err
    )


def test_of_an_error_that_a_line_is_about(capfd: pytest.CaptureFixture[str]) -> None:
    logger, handler = logging.getLogger("a handler's"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(stray_errors.WithoutWords("%(message)s"))
    logger.propagate = False
    logger.addHandler(handler)
    try:
        try:
            raise KeyError("ada@shop.example")
        except KeyError as error:
            raise ValueError("Ada of ada@shop.example") from error
    except ValueError:
        logger.exception("it failed")
    logger.removeHandler(handler)
    said = capfd.readouterr().err
    assert said.startswith("it failed\nValueError at tests/app/test_stray_errors.py, line ")
    assert "ada@shop" not in said.lower()
