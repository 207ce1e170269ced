"""Emails: a list of them, one with its preview, and sending it again."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver.errors import ConfigurationError, NotThere
from receiver.mail import outbox, queries
from receiver.storage.columns import receipt_of
from receiver.storage.models import MailRow
from receiver.web import kit, paging
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.order_list import LONGEST_SEARCH

#: A preview has the email's own styles, as in a mail program; nothing in it runs, and only the shop's logo is fetched.
_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: {logo}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox"
)


@console.get("/mail")
def mail() -> str:
    """List the emails, newest first."""
    state, tests = paging.filtered("state", queries.STATES), paging.filtered("tests", ("yes",))
    words = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    with kit.database.read() as session:
        found = [queries.about(session, words)] if words else []
        statement = queries.newest(*found, state=state, test=bool(tests), before=paging.before())
        rows, pages = paging.one_page(session, statement, q=words, state=state, tests=tests)
    return render_template(
        "console/mail.html",
        rows=rows,
        receipt_of=receipt_of,
        filters={
            "Which orders": paging.filter_links("tests", {"": "Real", "yes": "Tests"}, q=words, state=state),
            "State": paging.filter_links(
                "state", {"": "all"} | {one: one for one in queries.STATES}, q=words, tests=tests
            ),
        },
        words=words,
        state=state,
        tests=tests,
        pages=pages,
        outbox=_outbox(),
    )


@console.get("/mail/<int:mail_id>")
def mail_show(mail_id: int) -> str:
    """Show one email: what became of it, its headers, its preview and its text."""
    with kit.database.read() as session:
        row = _found(session, mail_id)
    return render_template(
        "console/mail_show.html",
        row=row,
        receipt=receipt_of(row.order_pk) if row.order_pk else None,
        attachments=outbox.attachments_of(row),
        sender=f"{kit.settings.SHOP_NAME} <{kit.settings.MAIL_DEFAULT_SENDER}>",
        outbox=_outbox(),
    )


@console.get("/mail/<int:mail_id>/preview")
def mail_preview(mail_id: int) -> Response:
    """Return an email's HTML part alone, for the frame on its page."""
    with kit.database.read() as session:
        row = _found(session, mail_id)
    if row.html is None:
        abort(404, "This email has no HTML part. Its page shows the text.")
    policy = _PREVIEW_POLICY.format(logo=kit.settings.MAIL_LOGO_URL)
    return Response(row.html, headers={"Content-Security-Policy": policy})


@console.post("/mail/<int:mail_id>/resend")
def mail_resend(mail_id: int) -> ResponseReturnValue:
    """Send an email now, to the address in the form or else to its own."""
    try:
        with kit.database.write() as session:
            _found(session, mail_id)
            said = queries.resend(session, mail_id, now=datetime.now(UTC), to=request.form.get("to"))
    except ConfigurationError as error:
        return next_page("console.mail_show", str(error), "bad", mail_id=mail_id)
    kit.engine.hint("mails")
    return next_page("console.mail_show", said, mail_id=mail_id)


def _found(session: Session, mail_id: int) -> MailRow:
    try:
        return queries.find(session, mail_id)
    except NotThere:
        abort(404, f"No email has the id {str(mail_id)[:20]}. Look for it under Emails.")


def _outbox() -> str | None:
    """Return the folder that emails are saved in while no mail server is set."""
    return None if kit.settings.MAIL_SERVER else str(kit.instance / "outbox")
