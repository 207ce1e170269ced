"""The shared secret is rotated under load: no order of a valid one is refused, and a revoked one ends everywhere."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from receiver.security import signing
from receiver.storage.models import AdministratorRow, OrderRow, SecretRow
from tests.conftest import QUICKLY_CHECKED
from tests.end_to_end.processes import ROOT, Running, at_once, command_environment
from tests.served import FORM, order_fields, signed
from tests.waiting import SOON
from tests.web.console.visitor import Visitor

SENDERS = 6
#: The first by the command, the second in the console.
ROTATIONS = 2


class Sender(threading.Thread):
    """Sends one order after the other with the secret that it has been given, in a field or as a signature."""

    def __init__(self, shop: Running, number: int, secret: str) -> None:
        super().__init__()
        self.secret = secret
        self._shop, self._number = shop, number
        self._enough, self._moved_on = threading.Event(), threading.Event()
        self.sent: list[str] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        while not self._enough.is_set():
            secret = self.secret
            self.send(secret)
            if secret == self.secret:
                self._moved_on.set()

    def send(self, secret: str) -> None:
        order_id = f"R-{self._number}-{len(self.sent)}"
        self.sent.append(order_id)
        self.statuses[post(self._shop, secret, order_id, is_signed=bool(self._number % 2))] += 1

    def take(self, secret: str) -> None:
        """Have it use another secret, and wait until no order with the one before is under way."""
        self.secret = secret
        self._moved_on.clear()
        assert self._moved_on.wait(SOON)
        self._moved_on.clear()
        assert self._moved_on.wait(SOON)

    def finish(self) -> None:
        self._enough.set()
        self.join(SOON)
        assert not self.is_alive()


def post(shop: Running, secret: str, order_id: str, *, is_signed: bool = False) -> int:
    fields = order_fields(order_id=order_id)
    if not is_signed:
        return shop.post(fields | {"shared_secret": secret}, prove=False).status
    body = "&".join(f"{name}={value.replace(' ', '+').replace('@', '%40')}" for name, value in fields.items()).encode()
    return shop.post(body, headers=signed(body, secret=secret), content_type=FORM).status


def flask(*words: str) -> None:
    command = [sys.executable, "-m", "flask", *words]
    subprocess.run(command, cwd=ROOT, env=command_environment(), check=True, capture_output=True)


@contextmanager
def sending(shop: Running, secret: str) -> Iterator[list[Sender]]:
    senders = [Sender(shop, number, secret) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.finish()


def test_rotations_under_load_refuse_no_order_and_lose_none(launch: Callable[..., Running]) -> None:
    """Each sender moves on by itself, while the others still use the old one."""
    shop = launch(workers=2, EMBEDDED_WORKER="false")
    with shop.kit.database.write() as session:
        session.get_one(AdministratorRow, 1).password_hash = QUICKLY_CHECKED
    merchant = Visitor(shop.base)
    assert merchant.sign_in().status == 200
    old = signing.new_secret()
    flask("secret", "add", old)
    with sending(shop, old) as senders:
        for number in range(ROTATIONS):
            new, mark = signing.new_secret(), signing.fingerprint(old)
            if number % 2:
                form = {"secret": new, "replaces": mark, "overlap": "24"}
                assert "is active now" in merchant.post("/admin/settings/secrets", form).text
            else:
                flask("secret", "add", new, "--replaces", mark, "--overlap", "1h")
            for sender in senders:
                sender.take(new)
            if number % 2:
                assert "Revoked" in merchant.post(f"/admin/settings/secrets/{mark}/revoke").text
            else:
                flask("secret", "revoke", mark)
            # At once, so that all processes are asked. From some failures on, more of them aren't looked at.
            refused = at_once(16, lambda one, secret=old: post(shop, secret, f"X-{one}"))  # type: ignore[misc]
            assert set(refused) <= {401, 429}
            assert 401 in refused
            old = new
    assert {status: sender.statuses[status] for sender in senders for status in sender.statuses}.keys() == {202}
    sent = sorted(order_id for sender in senders for order_id in sender.sent)
    assert len(sent) > ROTATIONS * SENDERS
    assert sorted(row.order_id for row in shop.rows(OrderRow)) == sent
    assert len(shop.rows(SecretRow)) == ROTATIONS + 1
