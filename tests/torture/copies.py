"""One delivery, so many times at the same moment, over four processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from tests.end_to_end.processes import at_once
from tests.end_to_end.starting import Starter
from tests.served import order_fields
from tests.torture.fleet import Shape, fleet_at
from tests.torture.judging import judge
from tests.torture.mailbox import counting_mailbox
from tests.torture.places import SQLITE, Place
from tests.torture.results import Result
from tests.torture.senders import Sent, customer_email

PROCESSES = 4


def identical_deliveries(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Send one order so many times at once; one is accepted, and all others are duplicates of it."""
    shape = Shape(PROCESSES, 0 if place.store == SQLITE else 2, 1)
    fields = order_fields(order_id="A-1", event_id="E-1", customer_email=customer_email("A-1"))
    with counting_mailbox() as (mailbox, settings), fleet_at(place, starter, shape, **settings) as fleet:
        replies = at_once(times, lambda _: fleet.post(fields))
        statuses = Counter(reply.status for reply in replies)
        receipts = {reply.content["receipt"] for reply in replies if reply.status in {200, 202}}
        result = judge(fleet, Sent(dict.fromkeys(["A-1"], receipts.pop()), statuses), mailbox.taken)
    return replace(result, tried=times, doubled=result.doubled + statuses[202] - 1 + len(receipts))
