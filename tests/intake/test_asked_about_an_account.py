"""A POST that names the shop's own account, which is the source's secret, is asked about, however that came in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from receiver.storage.models import QuarantineRow, RefusalRow
from tests.asked_shops import Answers, AskedShop, Said
from tests.commanding import runner
from tests.served import Served
from tests.web.console.visitor import Visitor

MERCHANT = "ABCDEFGH23457"
IPN = (
    f"txn_id=A1&payment_status=Completed&receiver_id={MERCHANT}&txn_type=web_accept&mc_gross=10.00&mc_currency=EUR"
).encode()
HOSTS = {"paypal-ipn": "ipnpb.paypal.com", "paypal-ipn-sandbox": "ipnpb.sandbox.paypal.com"}


@pytest.mark.parametrize("added_by", ["file", "command", "console"])
@pytest.mark.parametrize("kind", HOSTS)
def test_its_order_is_kept(
    serve: Callable[..., Served],
    make_app: Callable[..., Flask],
    ask_shop: Callable[[str, Answers], AskedShop],
    kind: str,
    added_by: str,
) -> None:
    in_file = {"pp": {"kind": kind, "secrets": [MERCHANT]}} if added_by == "file" else {}
    shop = serve(work=False, sources=in_file)
    if added_by == "command":
        command = runner(make_app)("sources", "add", "pp", "--kind", kind, "--secret-file", "-", stdin=MERCHANT)
        assert command.exit_code == 0
    elif added_by == "console":
        visitor = Visitor(shop.base)
        visitor.sign_in(follow=False)
        visitor.post(f"/admin/add-source?kind={kind}", {"name": "pp", "secret": MERCHANT})
    shop.kit.sources.look_again()
    paypal = ask_shop(HOSTS[kind], lambda _asked: Said(200, b"VERIFIED"))
    shop.kit.asking.pool = paypal.pool

    reply = shop.post(IPN, path="/orders/pp", headers={})
    assert (reply.status, reply.headers["Content-Length"]) == (200, "0")
    (row,) = shop.rows(QuarantineRow)
    assert MERCHANT not in row.sent
    assert shop.kit.asking.run_next()
    (order,) = shop.rows()
    assert (order.order_id, order.total, order.proof) == ("A1", "10.00", "asked")
    assert MERCHANT not in order.fields
    assert shop.rows(QuarantineRow) == []
    assert [one.body for one in paypal.questions] == [b"cmd=_notify-validate&" + IPN]

    assert shop.post(IPN.replace(b"57&", b"58&"), path="/orders/pp", headers={}).status == 401
    shop.kit.refusals.flush()
    assert [one.reason for one in shop.rows(RefusalRow)] == ["other_account"]
