"""Small writes of many threads that share a transaction: a claim, the outcome of a handler, the state of an email."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from receiver.errors import Unavailable
from receiver.storage.group_commit import GroupCommit
from receiver.storage.transactions import WriteTransaction
from receiver.storage.write_lock import ACCEPT_PATIENCE

#: Writes of one transaction; more would keep an order's sender waiting.
_MOST = 64

Result = TypeVar("Result")
#: Runs the statements of one write, and returns what its caller wants to know.
Write = Callable[[Connection], Result]


class _Ended(NamedTuple):
    """How a write ended: with its result, or with an error."""

    result: Any = None
    error: Exception | None = None


class SharedWrites:
    """A queue of small writes; the first waiting thread commits for all that queued meanwhile."""

    def __init__(
        self,
        begin_write: Callable[[float], WriteTransaction],
        translated_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._begin_write = begin_write
        self._translated_errors = translated_errors
        self._group: GroupCommit[Write[Any], _Ended] = GroupCommit(
            self._begin, self._run_all, most=_MOST, may_leave=False
        )

    def run(self, write: Write[Result], *, patience: float | None = None) -> Result:
        """Run ``write`` in a transaction, perhaps with those of other threads; return its result once it's on disk.

        ``write`` only runs statements that are ready, because everybody waits for it. It may be called twice: what
        fails is rolled back together with the writes beside it, which then run one by one. Raises what ``write``
        raises, and Unavailable when the database can't be written in time; then nothing of it is stored, unless the
        database went away during the commit: nobody knows then.
        """
        ended = self._group.add(write, patience=patience)
        if ended.error is not None:
            raise ended.error
        return ended.result  # type: ignore[no-any-return]

    @contextmanager
    def _begin(self, patience: float) -> Iterator[WriteTransaction]:
        with closing(self._begin_write(patience)) as transaction:
            yield transaction

    def _run_all(self, transaction: WriteTransaction, writes: Sequence[Write[Any]], _deadline: float) -> list[_Ended]:
        try:
            return self._committed(transaction, writes)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one of the writes is wrong, and the others aren't to suffer for it
            if len(writes) == 1:
                return [_Ended(error=error)]
        transaction.close()
        return [self._alone(write) for write in writes]

    def _alone(self, write: Write[Any]) -> _Ended:
        try:
            with closing(self._begin_write(ACCEPT_PATIENCE)) as transaction:
                return self._committed(transaction, [write])[0]
        except Exception as error:  # noqa: BLE001 - raised in the thread that it belongs to
            return _Ended(error=error)

    def _committed(self, transaction: WriteTransaction, writes: Sequence[Write[Any]]) -> list[_Ended]:
        with self._translated_errors():
            ended = [_Ended(write(transaction.connection)) for write in writes]
        transaction.commit()
        return ended
