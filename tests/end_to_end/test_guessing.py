"""The owner gets in while strangers guess from everywhere, on a server of several processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from receiver.security.guesses import COMMON, LONGEST_WAIT, PAUSE
from receiver.storage.account_models import SignInAttemptRow, SignInTurnRow
from receiver.storage.models import AdministratorRow
from tests.conftest import QUICKLY_CHECKED
from tests.end_to_end.processes import ROOT, Running, at_once, command_environment
from tests.web.console.visitor import PASSWORD, Visitor

NEW = "a password set on the terminal"
#: Makes one that counts.
attempt = partial(SignInAttemptRow, kind="console")


@pytest.fixture(params=[2])
def shop(launch: Callable[..., Running], request: pytest.FixtureRequest) -> Running:
    """Serve by two processes behind a proxy, which names each visitor's address."""
    running = launch(workers=request.param, EMBEDDED_WORKER="false", TRUSTED_PROXIES=1)
    with running.kit.database.write() as session:
        session.get_one(AdministratorRow, 1).password_hash = QUICKLY_CHECKED
    return running


def guess(stranger: Visitor, token: str, address: str, password: str = "wrong") -> int:
    headers = {"X-Forwarded-For": address}
    page = stranger.post("/admin/sign-in", {"password": password}, token=token, headers=headers, follow=False)
    return page.status


@pytest.mark.parametrize("shop", [4], indirect=True)
def test_the_owner_gets_in_under_two_hundred_guesses_and_more(shop: Running) -> None:
    owner = Visitor(shop.base)
    assert owner.sign_in().status == 200
    stranger = Visitor(shop.base)
    token = stranger.get("/admin/sign-in").token
    assert [guess(stranger, token, f"192.0.2.{number}") for number in range(COMMON)] == [422] * COMMON
    flood = at_once(16, lambda number: guess(stranger, token, f"198.51.100.{number}"))
    assert set(flood) == {422, 429}

    known = Visitor(shop.base)
    known.cookies = {"receiver-device": owner.cookies["receiver-device"]}
    page = known.get("/admin/sign-in", follow=False)
    turns = [row.next_at for row in shop.rows(SignInTurnRow)]
    assert known.post("/admin/sign-in", {"password": PASSWORD}, token=page.token).status == 200
    assert [row.next_at for row in shop.rows(SignInTurnRow)] == turns, "it took a turn in the strangers' queue"

    subprocess.run(
        [sys.executable, "-m", "flask", "password"],
        cwd=ROOT,
        env=command_environment(),
        input=f"{NEW}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    assert Visitor(shop.base).sign_in(NEW).status == 200
    assert shop.rows(SignInTurnRow) == []


def test_strangers_of_all_processes_share_one_queue_that_holds_few_threads(shop: Running) -> None:
    with shop.kit.database.write() as session:
        at = datetime.now(UTC)
        session.add_all(attempt(at=at, address=f"192.0.2.{number}") for number in range(COMMON))
    stranger = Visitor(shop.base)
    token = stranger.get("/admin/sign-in").token
    began = time.monotonic()
    statuses = at_once(24, lambda number: guess(stranger, token, f"198.51.100.{number}"))
    took = time.monotonic() - began
    looked_at = statuses.count(422)
    assert looked_at + statuses.count(429) == 24
    assert LONGEST_WAIT / PAUSE <= looked_at <= 2 + took


def test_one_devices_guesses_are_counted_over_all_processes(shop: Running) -> None:
    owner = Visitor(shop.base)
    owner.sign_in()
    known = Visitor(shop.base)
    known.cookies = {"receiver-device": owner.cookies["receiver-device"]}
    token = known.get("/admin/sign-in").token
    statuses = at_once(12, lambda number: guess(known, token, f"198.51.100.{number}"))
    assert sorted(statuses) == [422] * 5 + [429] * 7
