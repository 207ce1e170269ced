"""context.mail: a template's variable may have any name that a handler would choose for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.storage.models import MailRow
from receiver.testing import RunHandler

#: The likeliest names of template variables, and those of our own parameters and variables on the way.
NAMES = [
    *("name", "first_name", "self", "text", "html", "locale", "order", "test", "shop", "shop_name", "brand", "message"),
    *("values", "templates", "services", "own", "key", "file", "body", "context", "email", "recipient", "sender"),
    *("order_id", "title", "headline", "items", "kwargs", "args", "draft", "environment", "timezone", "language"),
]
HANDLER = """
from receiver.handlers import handler


@handler
def mailing(order, context):
    context.mail(to="ada@shop.example", template="note", {name}="de")
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_given_a_value_of_any_name(
    instance: Path, run_handler: RunHandler, outbox: list[MailRow], name: str
) -> None:
    (instance / "handlers" / "mailing.py").write_text(HANDLER.format(name=name))
    # Jinja keeps `self` for the template itself.
    shown = "" if name == "self" else f"{{{{ {name} }}}}"
    (instance / "templates" / "note.txt").write_text("{% block subject %}Note{% endblock %}It is " + shown)

    trial = run_handler("mailing")

    assert (trial.state, trial.detail) == ("done", None)
    (mail,) = outbox
    assert mail.text == ("It is\n" if name == "self" else "It is de\n")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("{{ self }}", "self"),
        ("{{ self.de }}", "self"),
        ("{{ loop }}", "loop"),
        ("{% for one in 'ab' %}{{ loop }}{% endfor %}", "loop"),
        ("{{ super }}", "super"),
    ],
)
def test_a_template_that_reads_a_name_of_jinjas_own_is_named_with_it(
    instance: Path, run_handler: RunHandler, outbox: list[MailRow], place: str, name: str
) -> None:
    """It would print an object of Jinja's into the email."""
    (instance / "handlers" / "mailing.py").write_text(HANDLER.format(name="title"))
    (instance / "templates" / "note.txt").write_text("{% block subject %}Note{% endblock %}\nIt is " + place)

    trial = run_handler("mailing")

    assert (trial.state, outbox) == ("retrying", [])
    assert (trial.detail or "").startswith(
        "ValueError: The email template note is broken. "
        f"note.txt, line 2: {name!r} is a name of Jinja's own, so no value can have it"
    )


@pytest.mark.parametrize("name", ["to", "template", "subject", "attachments", "reply_to"])
def test_the_arguments_of_mail_itself_are_no_values(instance: Path, name: str, run_handler: RunHandler) -> None:
    """Naming one of them twice is the handler's mistake, which Python reports."""
    (instance / "handlers" / "mailing.py").write_text(
        HANDLER.replace('to="ada@shop.example", template="note"', '"ada@shop.example", "note", None, (), None').format(
            name=name
        )
    )

    trial = run_handler("mailing")

    assert trial.state == "retrying"
    assert f"mail() got multiple values for argument '{name}'" in (trial.detail or "")
