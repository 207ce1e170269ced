from __future__ import annotations

import socket
import ssl
import time

import pytest

from receiver.security.deadlines import DeadlineSocket, deadline_after, seconds_left, tls_context


def test_a_deadline_is_shared_out_equally() -> None:
    deadline = deadline_after(10)
    assert seconds_left(deadline) == pytest.approx(10, abs=0.5)
    assert seconds_left(deadline, shares=4) == pytest.approx(2.5, abs=0.2)


def test_no_deadline_never_comes() -> None:
    assert seconds_left(deadline_after(None), shares=3) is None


def test_after_the_deadline_there_is_no_time_left() -> None:
    with pytest.raises(TimeoutError):
        seconds_left(time.monotonic() - 1)


def test_after_the_deadline_nothing_is_read_or_written() -> None:
    """Not even what has come already."""
    ours, theirs = socket.socketpair()
    with theirs, DeadlineSocket(ours.family, ours.type, fileno=ours.detach()) as late:
        theirs.sendall(b"x" * 10)
        assert late.recv_into(bytearray(1)) == 1
        late.sendall(b"a")
        assert late.send(b"b") == 1
        late.deadline = time.monotonic()
        for use in (lambda: late.recv_into(bytearray(1)), lambda: late.send(b"c"), lambda: late.sendall(b"c")):
            with pytest.raises(TimeoutError):
                use()
        assert theirs.recv(10) == b"ab"


def test_a_tls_context_checks_certificates_and_makes_such_sockets() -> None:
    context = tls_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert issubclass(context.sslsocket_class, DeadlineSocket)
