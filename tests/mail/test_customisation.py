"""The merchant's own email templates: copied, checked, and replaced by the built-in ones if they're broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.errors import ConfigurationError
from receiver.mail.customisation import OwnMails
from receiver.mail.templates import BUILT_IN, MailTemplates
from receiver.orders.model import Item, Order
from receiver.orders.sample import dummy_order
from receiver.storage import jobs
from receiver.storage.models import MailRow, OrderRow
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORDER = dummy_order(now=NOW, nonce="1")
SUBJECT = "{% block subject %}Mine{% endblock %}"
#: Each way in which a template can be broken: its file, its text, and what the merchant reads about it.
BROKEN = [
    ("order_confirmation.txt", SUBJECT + "\n{% if %}", "order_confirmation.txt, line 2: Expected an expression"),
    ("order_confirmation.txt", SUBJECT + "\n{{ ordr.total }}", "order_confirmation.txt, line 2: 'ordr' is undefined"),
    ("order_confirmation.txt", SUBJECT + "{{ bogus }}", "line 1: 'bogus' is undefined"),
    ("order_confirmation.txt", SUBJECT + "{{ order.nummer }}", "has no attribute 'nummer'"),
    ("order_confirmation.txt", SUBJECT + "{% for x in lnes %}{% endfor %}", "'lnes' is undefined"),
    ("order_confirmation.txt", "Thank you", "order_confirmation.txt names no subject in a block subject"),
    ("order_confirmation.txt", SUBJECT + "\n{{ self }}", "order_confirmation.txt, line 2: 'self' is a name of Jinja's"),
    ("order_confirmation.txt", SUBJECT + "{{ loop.index }}", "line 1: 'loop' is a name of Jinja's own, so no value"),
    ("order_confirmation.txt", SUBJECT + "{% block a %}{{ super() }}{% endblock %}", "there is no parent block called"),
    ("order_confirmation.txt", SUBJECT + "{% include 'gone.txt' %}", "There's no template gone.txt"),
    ("order_confirmation.txt", SUBJECT + "{{ 1 / 0 }}", "ZeroDivisionError"),
    ("order_confirmation.txt", SUBJECT + "{{ order.total * 2 }}", "line 1: TypeError"),
    ("order_confirmation.html", "{% extends '_layout.html' %}{% block contnet %}{% endblock %}", "block contnet"),
    ("order_confirmation.html", "<p>{{ nothing_such }}</p>", "order_confirmation.html, line 1"),
    ("_layout.html", "<p>{% block body %}{% endblock %}</p>", "the block content, but _layout.html has none"),
    ("_order.txt", "{# no macros #}", "has no attribute 'test_notice'"),
    ("order_confirmation.txt", SUBJECT, "order_confirmation.txt writes nothing"),
    ("order_confirmation.html", "\n", "order_confirmation.html writes nothing"),
    (
        "order_confirmation.html",
        "{% extends '_layout.html' %}Hello",
        "has no block content, so _layout.html shows nothing",
    ),
]


@pytest.fixture
def templates(tmp_path: Path) -> MailTemplates:
    return MailTemplates(tmp_path / "templates", "en", UTC, shop_name="Corner Shop")


@pytest.fixture
def own(templates: MailTemplates) -> OwnMails:
    templates.own.mkdir()
    return OwnMails(templates)


@pytest.mark.parametrize(("file", "text", "told"), BROKEN)
def test_a_broken_template_is_replaced_by_the_built_in_one_and_reported(
    file: str, text: str, told: str, templates: MailTemplates, own: OwnMails
) -> None:
    as_built_in = templates.render("order_confirmation", order=ORDER)
    (templates.own / file).write_text(text)
    found = next(problem for problem in own.problems() if problem.startswith("order_confirmation: "))
    assert told in found
    empty = Order(order_id="A-1", order_date=NOW)
    assert "A-1" in templates.render("order_confirmation", order=empty).text
    if "* 2" not in text:
        assert templates.render("order_confirmation", order=ORDER) == as_built_in


def test_a_frame_between_may_fill_the_layouts_block(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "_ours.html").write_text("{% extends '_layout.html' %}{% block content %}Ours{% endblock %}")
    (templates.own / "order_confirmation.html").write_text("{% extends '_ours.html' %}")
    assert own.problems() == []


def test_what_an_order_does_not_have_leaves_a_template_whole(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_confirmation.txt").write_text(
        SUBJECT + "{{ order.billing.city }}{{ order.custom.gift }}{{ order.items[7] }}{% if coupon %}x{% endif %}"
        "{% for x in order.custom.wishes %}x{% endfor %}Thank you"
    )
    assert own.problems() == []
    assert templates.render("order_confirmation", order=Order(order_id="1", order_date=NOW)).text == "Thank you\n"


def test_a_layout_of_the_merchants_shows_the_built_in_content(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "_layout.html").write_text("<main>{% block content %}{% endblock %}</main>")
    assert own.problems() == []
    html = str(templates.render("order_confirmation", order=ORDER).html)
    assert html.startswith("<main>")
    assert "Enamel mug" in html


def test_a_layout_that_is_chosen_while_rendering_is_not_judged(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_confirmation.html").write_text(
        "{% extends '_layout.html' if order else 'x.html' %}{% block content %}Mine{% endblock %}"
    )
    assert own.problems() == []


def test_one_order_that_a_template_fails_on_is_reported_too(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_notice.txt").write_text(SUBJECT + "{{ 6 // (order.items|length - 7) }}")
    assert own.problems() == []
    seven = Order(order_id="A-1", order_date=NOW, items=(Item(name="Mug"),) * 7)
    assert "Mug" in templates.render("order_notice", order=seven).text
    assert "order_notice.txt, line 1: ZeroDivisionError" in own.problems()[0]
    templates.render("order_notice", order=ORDER)
    assert len(own.problems()) == 1


def test_a_corrected_template_is_no_problem_any_more(templates: MailTemplates, own: OwnMails) -> None:
    path = templates.own / "order_notice.txt"
    path.write_text("{% if %}")
    own.check()
    assert len(own.troubles()) == 1
    path.write_text(SUBJECT + "Good")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    own.check()
    assert own.troubles() == []
    assert templates.render("order_notice", order=ORDER).text == "Good\n"


ENDLESS = SUBJECT + "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}Thanks"


@pytest.mark.parametrize("file", ["order_notice.txt", "order_notice.html"])
def test_a_template_that_does_not_end_is_stopped_and_reported(
    templates: MailTemplates, own: OwnMails, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    as_built_in = templates.render("order_notice", order=ORDER)
    monkeypatch.setattr("receiver.mail.templates.LONGEST_SECONDS", 0.3)
    (templates.own / file).write_text(ENDLESS)
    tracing = sys.gettrace()
    (told,) = own.problems()
    assert told.startswith(f"order_notice: {file}, line 1: TookTooLong: it was stopped after 0.3 s")
    assert templates.render("order_notice", order=ORDER) == as_built_in
    assert sys.gettrace() is tracing


def test_no_template_computes_where_it_cannot_be_stopped(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_notice.txt").write_text(SUBJECT + "{{ range(10**12)|sum }}")
    assert "order_notice.txt, line 1: OverflowError" in own.problems()[0]


def test_templates_that_do_not_end_delay_no_lease_and_end_no_upkeep(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.mail.templates.LONGEST_SECONDS", 1.0)
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 0.02)
    monkeypatch.setattr("receiver.storage.leases.RENEWAL", timedelta(0))
    shop = serve(work=False, HANDLERS=["email_customer"])
    shop.post(order_fields(order_id="7"))
    with shop.kit.database.write() as session:
        (row,) = jobs.claim(session, OrderRow, datetime.now(UTC), shop.kit.leases.free(OrderRow))
    for name in ("order_confirmation", "merchant_alert"):
        (shop.kit.instance / "templates" / f"{name}.txt").write_text(ENDLESS)
    shop.wait_for(shop.kit.own_mails._mutex.locked)
    with shop.kit.leases.kept(row):
        before = row.lease_until
        for _ in range(3):
            shop.wait_for(lambda before=before: shop.rows()[0].lease_until != before)  # type: ignore[misc]
            before = shop.rows()[0].lease_until
    assert shop.kit.own_mails._mutex.locked()

    shop.wait_for(lambda: any("of your email templates is broken" in mail.subject for mail in shop.rows(MailRow)), 30)


def test_without_a_folder_of_their_own_nothing_is_wrong(templates: MailTemplates) -> None:
    assert OwnMails(templates).troubles() == []


def test_a_file_that_is_no_template_is_left_alone(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "notes.md").write_text("{% if %}")
    (templates.own / "order_notice.txt.bak").write_text("{% if %}")
    assert own.problems() == []


def test_the_log_names_the_place_and_no_value(
    templates: MailTemplates, own: OwnMails, caplog: pytest.LogCaptureFixture
) -> None:
    (templates.own / "order_notice.txt").write_text(SUBJECT + "{{ order.customer.first_name.index('!') }}")
    templates.render("order_notice", order=ORDER)
    assert "order_notice is broken" in caplog.text
    assert "Zoë" not in caplog.text


def test_the_merchant_is_mailed_once_and_no_order_goes_unmailed(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    shop = serve(work=False, HANDLERS=["email_customer"])
    (shop.kit.instance / "templates" / "order_confirmation.txt").write_text(SUBJECT + "{{ ordr }}")
    shop.post(order_fields(order_id="7"))
    assert shop.kit.processor.run_next()
    for _ in range(2):
        shop.kit.own_mails.check()
        shop.kit.notices.look()

    confirmation, alert = shop.rows(MailRow)
    assert confirmation.subject == "Your order 7 at Example Shop"
    assert alert.subject == "Example Shop: One of your email templates is broken, so the built-in one is sent instead"
    assert "line 1: 'ordr' is undefined" in alert.text
    assert "flask mail preview" in alert.text
    with shop.kit.database.read() as session:
        kinds = [trouble.kind for trouble in shop.kit.notices.standing(session, datetime.now(UTC))]
    assert kinds == ["mail_template"]


def test_a_preview_is_of_a_sample_order_that_is_no_test(own: OwnMails) -> None:
    rendered = own.preview("order_confirmation", language="fr")
    assert rendered.subject == "Votre commande 1042 chez Corner Shop"
    assert "TEST" not in rendered.text


def test_every_built_in_mail_can_be_previewed(own: OwnMails) -> None:
    assert {"merchant_alert", "order_confirmation", "order_notice"} <= set(own.names())
    for name in own.names():
        assert own.preview(name).text


def test_a_mail_of_a_handlers_own_can_be_previewed(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "warehouse.txt").write_text("{% block subject %}Pack{% endblock %}{{ order.shipping.city }}")
    assert own.preview("warehouse", ORDER).text == "Kraków\n"


@pytest.mark.parametrize("name", ["nothing", "../mail/order_notice", "_order", ""])
def test_a_preview_of_what_is_not_there_names_what_is(name: str, own: OwnMails) -> None:
    with pytest.raises(ConfigurationError, match=r"There are: .*order_confirmation"):
        own.preview(name)


def test_a_preview_of_a_broken_template_says_where(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_notice.txt").write_text("{% if %}")
    with pytest.raises(ConfigurationError, match=r"can't be written\. order_notice\.txt, line 1: Expected"):
        own.preview("order_notice")


def test_a_copy_is_the_built_in_template_and_changes_no_mail(templates: MailTemplates, own: OwnMails) -> None:
    before = own.preview("order_confirmation", ORDER)
    written = own.customise("order_confirmation")
    assert [path.name for path in written] == ["order_confirmation.html", "order_confirmation.txt"]
    for path in written:
        assert path.read_text("utf-8") == (BUILT_IN / path.name).read_text("utf-8")
    assert own.preview("order_confirmation", ORDER) == before
    assert own.problems() == []


def test_a_copy_never_overwrites(templates: MailTemplates, own: OwnMails) -> None:
    (templates.own / "order_notice.txt").write_text("mine")
    assert [path.name for path in own.customise("order_notice")] == ["order_notice.html"]
    with pytest.raises(ConfigurationError, match="already exists"):
        own.customise("order_notice")
    assert (templates.own / "order_notice.txt").read_text() == "mine"


def test_the_shared_parts_can_be_copied_too(own: OwnMails) -> None:
    assert [path.name for path in own.customise("_layout")] == ["_layout.html"]


@pytest.mark.parametrize("name", ["nothing", "../secret_key", "order_notice.txt", ""])
def test_only_built_in_templates_are_copied(name: str, own: OwnMails) -> None:
    with pytest.raises(ConfigurationError, match="There are: _layout, _order, "):
        own.customise(name)


def test_a_folder_that_cannot_be_written_is_explained(templates: MailTemplates) -> None:
    templates.own.write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="Can't write "):
        OwnMails(templates).customise("order_notice")
