"""Senders that begin and go quiet: in the header, in the body, or after an answer, hundreds of them at once."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import suppress
from typing import Any

from tests.waiting import SOON

_BEGUN = b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
#: What each kind sends before it goes quiet.
KINDS = {
    "header": _BEGUN,
    "body": _BEGUN + b"Content-Length: 1000\r\n\r\norder_id=",
    "idle": b"GET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n",
}
#: What goes quiet in a body after 2.5 MB: more than a proxy that reads ahead may hold.
LARGE_BODY = "body over 2 MB"
_SENT = KINDS | {LARGE_BODY: _BEGUN + b"Content-Length: 3000000\r\n\r\norder_id=" + b"1" * 2_500_000}
_AT_ONCE = 100


class StalledSenders:
    """Are connections that have gone quiet, and stay open until ``leave``.

    Each gives up if it can't connect in time, or doesn't get the answer that it's to sit on.
    """

    def __init__(self, port: int, kind: str, tls: ssl.SSLContext | None = None, *, patience: float = SOON) -> None:
        self._port, self._kind, self._tls, self._patience = port, kind, tls, patience
        self._connected: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._connected)

    def stall(self, number: int) -> None:
        """Have this many stall, those of before counted; fewer where the server takes no more connections."""
        asyncio.run_coroutine_threadsafe(self._stall(number - len(self)), self._loop).result()

    def leave(self) -> None:
        """Close all."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stall(self, number: int) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def begin() -> None:
            async with slots:
                with suppress(OSError, TimeoutError):
                    await self._begin()

        await asyncio.gather(*(begin() for _ in range(number)))

    async def _begin(self) -> None:
        options: dict[str, Any] = {"ssl": self._tls} if self._tls else {}
        async with asyncio.timeout(self._patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, **options)
        self._connected.append(writer)
        writer.write(_SENT[self._kind])
        if self._kind == "idle":
            async with asyncio.timeout(self._patience):
                await reader.readuntil(b"\r\n\r\n")

    async def _leave(self) -> None:
        for writer in self._connected:
            writer.transport.abort()
        await asyncio.sleep(0)
