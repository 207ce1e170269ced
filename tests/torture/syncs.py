"""Every 2xx comes after a sync to disk: counted by strace, which sees what the processes ask of the system."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.end_to_end.refusing_disks import pids_of
from tests.end_to_end.starting import Starter
from tests.served import order_fields
from tests.torture.fleet import WITH_A_WORKER, fleet_at
from tests.torture.judging import judge
from tests.torture.mailbox import counting_mailbox
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.senders import Sent, customer_email
from tests.waiting import wait_for

_ACKNOWLEDGED = frozenset({200, 202})
#: A sync that has ended well, and the beginning of an answer.
_SYNC, _ANSWER = re.compile(r"(?:fsync|fdatasync)(?:\(| resumed).*= 0$"), re.compile(r'"HTTP/1\.1 (\d{3})')


def before_every_answer(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Send orders one after the other; each answer without a sync since the one before it counts as lost."""
    trace, acknowledged, statuses = place.folder / "trace", {}, Counter[int]()
    with (
        counting_mailbox() as (mailbox, settings),
        fleet_at(place, starter, WITH_A_WORKER, **settings) as fleet,
    ):
        with _traced(fleet.webs[0].process.pid, trace):
            for number in range(times):
                order_id = f"T-{number}"
                reply = fleet.post(order_fields(order_id=order_id, customer_email=customer_email(order_id)))
                statuses[reply.status] += 1
                if reply.status in _ACKNOWLEDGED:  # traced on a busy machine, a commit may take too long: 503
                    acknowledged[order_id] = reply.content["receipt"]
        result = judge(fleet, Sent(acknowledged, statuses), mailbox.taken)
    answers, early, syncs = _counted(trace.read_text("utf-8", "replace"))
    assert answers == len(acknowledged) > 0, f"strace saw {answers} answers of {len(acknowledged)}"
    return replace(result, tried=times, lost=result.lost + early, notes={**result.notes, "syncs": syncs})


def _counted(trace: str) -> tuple[int, int, int]:
    """Return the answers, those of them that no sync came before, and the syncs."""
    answers = early = syncs = since = 0
    for line in trace.splitlines():
        if _SYNC.search(line):
            syncs, since = syncs + 1, since + 1
        elif (found := _ANSWER.search(line)) and int(found[1]) in _ACKNOWLEDGED:
            answers, early, since = answers + 1, early + (not since), 0
    return answers, early, syncs


@contextmanager
def _traced(group: int, output: Path) -> Iterator[None]:
    """Watch all processes of a group, with their threads."""
    calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
    watched = [word for pid in pids_of(group) for word in ("-p", str(pid))]
    with (output.with_suffix(".said")).open("wb") as said:
        strace = subprocess.Popen(["strace", "-f", "-s", "16", "-e", calls, "-o", str(output), *watched], stderr=said)
    try:
        wait_for(lambda: _attached(output.with_suffix(".said")) >= len(watched) // 2)
        yield
    finally:
        strace.terminate()
        strace.wait()


def _attached(said: Path) -> int:
    return said.read_text("utf-8", "replace").count("attached")
