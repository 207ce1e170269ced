"""A source's sample goes through the real door, as a test, whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.app import source_sample
from receiver.app.own_door import own_door
from receiver.dispatch.replay import Replay
from receiver.errors import NotPossible
from receiver.intake.samples import HEADER, Samples
from receiver.security import signing
from receiver.sources import kinds
from receiver.storage.models import CustomerRow, MailRow, RefusalRow
from tests.commanding import runner
from tests.served import SECRET as SHARED
from tests.served import Served
from tests.sources.saving import SECRET, add, paid
from tests.sources.test_sample import SECRETS

TYPES = kinds.load(Path("nowhere")).types


def send(shop: Served, app: Flask, name: str) -> dict[str, tuple[bool, str]]:
    receipt = source_sample.send(shop.kit, app, shop.kit.sources.get(name))
    with shop.kit.database.read() as session:
        return {step.step: (step.passed, step.detail) for step in source_sample.steps(session, receipt)}


@pytest.fixture
def app(shop: Served, make_app: Callable[..., Flask]) -> Flask:
    """Give an app that works with the served one's parts, as its own process has it."""
    made = make_app()
    made.extensions["receiver"] = shop.kit
    return made


@pytest.mark.parametrize("kind", [name for name, one in TYPES.items() if one.sample] + ["generic-hmac"])
def test_each_kind_is_tried_without_its_shop(shop: Served, app: Flask, kind: str) -> None:
    add(shop.kit, "mine", SECRETS.get(kind, SECRET), kind=kind)
    steps = send(shop, app, "mine")
    assert {name: passed for name, (passed, _) in steps.items()} == dict.fromkeys(steps, True)
    assert {"verified", "understood", "kept", "handler register_customer", "handler email_customer"} <= steps.keys()
    (row,) = shop.settled()
    assert (row.test, row.state) == (True, "done")
    assert shop.rows(CustomerRow) == []
    assert {mail.recipient for mail in shop.rows(MailRow)} <= {shop.kit.settings.MERCHANT_EMAIL}


def test_the_services_own_names_are_signed_by_the_shared_secret(shop: Served, app: Flask) -> None:
    steps = send(shop, app, "shopintegrator")
    assert steps["understood"][1].startswith("order TEST-")
    assert steps["verified"][1] == f"by a signature with the secret {signing.fingerprint(SHARED)}"
    assert SHARED not in str(steps)


def test_it_goes_to_the_very_source_whatever_that_is_called(shop: Served, app: Flask) -> None:
    add(shop.kit, "orders")
    assert send(shop, app, "orders")["kept"][0]
    assert [row.source for row in shop.rows()] == ["orders"]


def test_a_sample_stays_a_test_when_it_is_read_again(shop: Served, app: Flask, instance: Path) -> None:
    config = instance / "config.toml"
    config.write_text(
        f'[sources.mine]\nkind = "shopify"\nsecrets = ["{SECRET}"]\n[sources.mine.fields]\norder_id = "no"\n'
    )
    shop.kit.sources.look_again()
    steps = send(shop, app, "mine")
    assert steps["understood"][0] is False
    (row,) = shop.rows()
    assert (row.state, row.test) == ("parked", True)
    config.write_text(f'[sources.mine]\nkind = "shopify"\nsecrets = ["{SECRET}"]\n')
    shop.kit.sources.look_again()
    kit = shop.kit
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies)
    assert [one.state for one in again.each(kit.database, [row.receipt])] == ["done"]
    (row,) = shop.rows()
    assert (row.test, json.loads(row.order)["test"]) == (True, True)
    assert shop.handler_states() == {}


def test_a_sample_that_is_not_paid_or_a_ping_says_so(shop: Served, app: Flask, instance: Path) -> None:
    (instance / "config.toml").write_text(
        f'[sources.mine]\nkind = "shopify"\nsecrets = ["{SECRET}"]\n[sources.mine.fields]\n'
        'payment_status = {value = "pending"}\n'
    )
    shop.kit.sources.look_again()
    assert send(shop, app, "mine")["understood"][0] is False


def test_a_sample_that_its_kind_takes_for_a_ping_says_so(
    instance: Path, serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    (instance / "sources").mkdir()
    (instance / "sources" / "kiln.py").write_text(
        "from receiver.sources import Source, source_kind\n"
        "from receiver.sources.sample import Sample\n\n\n"
        '@source_kind("kiln")\nclass Kiln(Source):\n    sample = Sample({"ref": "$id"})\n\n'
        "    def is_ping(self, headers, fields, raw):\n        return True\n"
    )
    shop = serve()
    add(shop.kit, "mine", kind="kiln")
    app = make_app()
    app.extensions["receiver"] = shop.kit
    with pytest.raises(NotPossible, match="taken for a set-up ping"):
        send(shop, app, "mine")


def test_a_refusal_is_told_exactly_and_alarms_nobody(
    serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    shop = serve(REQUIRE_SIGNATURE=True)
    add(shop.kit, "mine", kind="kofi")
    app = make_app()
    app.extensions["receiver"] = shop.kit
    with pytest.raises(NotPossible, match="REQUIRE_SIGNATURE is on, and what mine sends isn't signed"):
        send(shop, app, "mine")
    shop.kit.refusals.flush()
    assert shop.rows(RefusalRow) == []


def test_without_a_secret_it_is_not_sent(shop: Served, app: Flask, instance: Path) -> None:
    (instance / "config.toml").write_text('[sources.bare]\nkind = "shopify"\n')
    shop.kit.sources.look_again()
    with pytest.raises(NotPossible, match="no secret to sign"):
        send(shop, app, "bare")


def test_a_stranger_makes_no_test_of_an_order(shop: Served) -> None:
    """The header alone is nothing: its value is known to the process that waits for a sample."""
    add(shop.kit)
    samples = shop.kit.samples
    token = samples.expect()
    assert samples.is_one({HEADER: token})
    assert samples.take(token) is None
    assert not samples.is_one({HEADER: token})
    samples.note({HEADER: token}, "late")
    assert not Samples().is_one({})
    assert paid(shop).status == 202
    (row,) = shop.settled()
    assert not row.test


def test_the_door_is_closed_when_it_was_used(app: Flask, shop: Served) -> None:
    with own_door(app) as door:
        assert shop._pool.request("GET", f"{door}/healthz").status == 200
    with pytest.raises(Exception, match="refused"):
        shop._pool.request("GET", f"{door}/healthz")


def test_the_command_prints_each_step(make_app: Callable[..., Flask], instance: Path) -> None:
    run = runner(make_app)
    run("sources", "add", "mine", "--kind", "digistore24", stdin=SECRET)
    result = run("sources", "sample", "mine", "--json")
    assert result.exit_code == 0, result.output
    assert {step["step"] for step in json.loads(result.stdout)} >= {"verified", "understood", "kept"}
    with (instance / "config.toml").open("a") as file:
        file.write('[sources.odd.fields]\norder_id = "Ref"\n[sources.till]\nkind = "stripe"\n')
        file.write(f'secrets = ["{SECRET}"]\n[sources.till.fields]\norder_id = "no.such"\n')
    failed = run("sources", "sample", "till")
    assert failed.exit_code == 1
    assert "the sample failed at: understood" in failed.stderr
    assert "no sample of this kind" in run("sources", "sample", "odd").stderr
