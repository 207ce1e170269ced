"""Carry hints by PostgreSQL's LISTEN and NOTIFY, where the orders are anyway: each hint wakes every process."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from contextlib import suppress

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

#: Seconds to wait for a connection, and until a server that vanishes without a word is noticed; the last is in ms.
_KEEP_ALIVE = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 10_000,
}


class Notifications:
    """A channel of notifications that belongs to one instance."""

    to_all = True

    def __init__(self, url: str, instance: str) -> None:
        parts = make_url(url)
        self.name = f"PostgreSQL at {parts.host or 'localhost'}:{parts.port or 5432} (DATABASE_URL)"
        self._url = parts.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channel = f"order_receiver_hints_{instance}"
        self._sender: Connection | None = None
        #: Of its own: while one read waits on a connection, nothing else can be said on it.
        self._receiver: Connection | None = None

    def send(self, names: Collection[str]) -> None:
        """Notify every process that listens."""
        connection, self._sender = self._sender, None
        if connection is not None:
            with suppress(psycopg.OperationalError):  # the server may have started again since the last hint
                self._sender = self._notify(connection, names)
        if self._sender is None:
            self._sender = self._notify(self._connect(), names)

    def receive(self, seconds: float) -> list[str]:
        """Wait for notifications; what came before the first call is lost."""
        connection = self._receiver
        if connection is None or connection.closed:
            connection = self._connect()
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            self._receiver = connection
        try:
            return [one.payload for one in connection.notifies(timeout=seconds, stop_after=1)]
        except BaseException:
            connection.close()
            raise

    def interrupt(self) -> None:
        """Shut the socket that a read waits on; only the thread that reads may close the connection itself."""
        if self._receiver is not None:
            with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self._receiver.fileno())) as twin:
                twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close both connections."""
        for connection in (self._sender, self._receiver):
            if connection is not None:
                connection.close()

    def _notify(self, connection: Connection, names: Collection[str]) -> Connection:
        """Send hints and return the connection; close it on any error."""
        try:
            connection.execute("SELECT pg_notify(%s, name) FROM unnest(%s::text[]) AS name", [self._channel, [*names]])
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> Connection:
        conninfo = make_conninfo(self._url, fallback_application_name=self._channel, **_KEEP_ALIVE)
        connection = psycopg.connect(conninfo, autocommit=True)
        connection.execute("SET synchronous_commit TO off")  # a hint isn't worth a sync of the disk
        return connection
