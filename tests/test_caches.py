"""What the kit remembers of texts from outside: nothing without a limit, and no long ones."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tracemalloc
from collections.abc import Callable
from functools import _lru_cache_wrapper
from typing import Any

import pytest

import receiver
from receiver.orders import decode
from receiver.orders.documents import document_of
from receiver.orders.item_rows import single_row

#: What hold only what the code or the merchant names.
OF_OUR_OWN = {
    "receiver.app.commands.working.in_words",
    "receiver.mail.language.catalogue",
    "receiver.security.encryption.decrypted",
    "receiver.storage.job_queue._giving_back",
    "receiver.storage.jobs._settling",
    "receiver.storage.jobs._waiting",
}
LONG = "x" * 50_000


#: Folders of scripts that are never imported.
SCRIPTS = (".migrations.", ".receivers.")


def _caches() -> dict[str, Any]:
    found = (one.name for one in pkgutil.walk_packages(receiver.__path__, "receiver."))
    names = [name for name in found if not any(folder in name for folder in SCRIPTS)]
    values = [one for name in names for one in vars(importlib.import_module(name)).values()]
    caches = [one for one in values if isinstance(one, _lru_cache_wrapper) and one.__module__.startswith("receiver.")]
    return {f"{one.__module__}.{one.__name__}": one for one in caches}


def test_every_cache_has_a_limit_unless_only_we_fill_it() -> None:
    unlimited = {name for name, one in _caches().items() if one.cache_parameters()["maxsize"] is None}
    assert {name for name in unlimited if inspect.signature(_caches()[name]).parameters} == OF_OUR_OWN


@pytest.mark.parametrize(
    "read",
    [
        lambda number: document_of([(f"{number}.{LONG}", "1")]),
        lambda number: single_row([(f"{number} {LONG}", "1")]),
        lambda number: decode(b"a=1", f"application/json; n={number}{LONG}", 9),
        lambda number: decode(b"a=1", f"application/x-www-form-urlencoded; charset={number}{LONG}", 9),
    ],
    ids=["the steps of a name", "the words of a name", "a content type", "a charset"],
)
def test_no_long_text_is_remembered(read: Callable[[int], Any]) -> None:
    read(0)
    tracemalloc.start()
    for number in range(1, 100):
        read(number)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 20 * len(LONG)
