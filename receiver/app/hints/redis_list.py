"""Carry hints by a list in Redis: a blocking read takes one off it, so that each hint wakes one process."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from receiver.app.hints import messenger

#: Seconds to wait for a connection, and for an answer: of a read beyond what it may wait itself.
_PATIENCE = 2.0
#: More would only be found too late; each job that runs hints at the next one.
_MOST = 16
#: Seconds after which what nobody took goes, also that of an instance that's gone.
_KEPT_SECONDS = 60


class RedisList:
    """A list in Redis that belongs to one instance."""

    to_all = False

    def __init__(self, url: str, instance: str) -> None:
        parts = urlsplit(url)
        self.name = f"Redis at {parts.hostname}:{parts.port or 6379} (QUEUE_URL)"
        self._url = url
        self._key = f"order-receiver:hints:{instance}"
        self._sender = self._client(_PATIENCE)
        #: Of its own: while one read waits on a connection, nothing else can be said on it.
        self._receiver = self._client(messenger.READ_SECONDS + _PATIENCE)

    def send(self, names: Collection[str]) -> None:
        """Put hints at the list's end, and bound the list."""
        with self._sender.pipeline(transaction=False) as pipeline:
            pipeline.rpush(self._key, *names)
            pipeline.ltrim(self._key, 0, _MOST - 1)
            pipeline.expire(self._key, _KEPT_SECONDS)
            pipeline.execute()

    def receive(self, seconds: float) -> list[str]:
        """Wait for a hint and take it off the list."""
        found = self._receiver.blpop([self._key], timeout=seconds)
        return [str(found[1])] if found else []

    def interrupt(self) -> None:
        """Close the connection that a read waits on."""
        self._receiver.connection_pool.disconnect()

    def close(self) -> None:
        """Close both connections."""
        self._sender.close()
        self._receiver.close()

    def _client(self, patience: float) -> Redis:
        # Whoever calls tries again in its own time, so the library doesn't.
        return Redis.from_url(
            self._url,
            socket_connect_timeout=_PATIENCE,
            socket_timeout=patience,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            encoding_errors="replace",
        )
