"""A mail server that fails at one step of the conversation, in a way that can be changed at any moment."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from tests.smtp_servers import dripping, hanging_up, silent, socket_server

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
#: The steps: the connection itself, the commands, and the end of an email's text.
GREETING, EHLO, MAIL, RCPT, DATA, END = "greeting", "EHLO", "MAIL", "RCPT", "DATA", "the text"
_STEPS = {b"EHLO": EHLO, b"HELO": EHLO, b"MAIL": MAIL, b"RCPT": RCPT, b"DATA": DATA}
_USUAL = {GREETING: b"220 here\r\n", DATA: b"354 go on\r\n"}


class Mood(NamedTuple):
    """How the server fails, and whether an email is then never tried again."""

    name: str
    step: str
    #: An answer, or what it does instead; then it hangs up.
    does: bytes | Callable[[socket.socket], None]
    is_final: bool = False


GOOD = Mood("takes everything", "", b"")


def _answers(code: int, step: str, *, is_final: bool = False) -> Mood:
    return Mood(f"{code} to {step}", step, f"{code} no\r\n".encode("ascii"), is_final)


#: Only a refusal of the recipient or of the email itself is final; anything else may be the settings' fault. Those that
#: take long come last.
MOODS = (
    _answers(451, RCPT),
    _answers(550, RCPT, is_final=True),
    _answers(421, GREETING),
    _answers(554, GREETING),
    _answers(421, EHLO),
    _answers(550, EHLO),
    _answers(451, MAIL),
    _answers(550, MAIL),
    _answers(451, DATA),
    _answers(554, DATA, is_final=True),
    _answers(451, END),
    _answers(554, END, is_final=True),
    Mood("hangs up at once", GREETING, hanging_up),
    Mood("hangs up in DATA", DATA, hanging_up),
    Mood("hangs up after the text", END, hanging_up),
    Mood("silent at once", GREETING, silent),
    Mood("silent after DATA", DATA, silent),
    Mood("silent after the text", END, silent),
    Mood("drips", GREETING, dripping),
    Mood("drips after MAIL", MAIL, dripping),
)


class MoodyServer:
    """What talks on each connection, one email at a time; what it answered 250 is counted by its Message-ID."""

    def __init__(self) -> None:
        self.mood = GOOD
        self.taken: Counter[str] = Counter()
        self._mutex = threading.Lock()

    def talk(self, connection: socket.socket) -> None:
        """Hold the conversation."""
        with connection.makefile("rb") as reader:
            going_on = self._goes_on(GREETING, connection)
            while going_on and (line := reader.readline()):
                step = _STEPS.get(line[:4].upper(), "")
                going_on = self._goes_on(step, connection)
                if going_on and step == DATA and self.mood.step != DATA:
                    going_on = self._take(reader, connection)

    def _goes_on(self, step: str, connection: socket.socket) -> bool:
        """Answer one step; False to hang up."""
        mood = self.mood
        if step != mood.step or not step:
            connection.sendall(_USUAL.get(step, b"250 OK\r\n"))
            return True
        if isinstance(mood.does, bytes):
            connection.sendall(mood.does)
            return step != GREETING
        mood.does(connection)
        return False

    def _take(self, reader: BinaryIO, connection: socket.socket) -> bool:
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            line = reader.readline()
            if not line:
                return False
            text += line
        is_taken = self.mood.step != END
        found = _MESSAGE_ID.search(text)
        assert found, "an email without a Message-ID"
        if is_taken:
            with self._mutex:
                self.taken[found[1].decode("ascii")] += 1
        self._goes_on(END, connection)
        return False  # so that the next one meets the first steps too


@contextmanager
def moody_server() -> Iterator[tuple[MoodyServer, int]]:
    """Run such a server; gives its port, too."""
    server = MoodyServer()
    with socket_server(server.talk) as port:
        yield server, port
