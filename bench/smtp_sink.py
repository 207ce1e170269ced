"""An SMTP server that takes every email and keeps none: ``python -m bench.smtp_sink PORT``."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.server import free_port


class Sink:
    """A handler that accepts whatever comes."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Accept the email and drop it."""
        return "250 OK"


@contextmanager
def listening() -> Iterator[int]:
    """Run one in a process of its own; gives its port."""
    port = free_port()
    sink = subprocess.Popen([sys.executable, "-m", "bench.smtp_sink", str(port)])
    try:
        for _ in range(100):
            with suppress(OSError), smtplib.SMTP("127.0.0.1", port):
                break
            time.sleep(0.1)
        yield port
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    threading.Event().wait()
