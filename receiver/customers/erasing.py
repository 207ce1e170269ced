"""Erase a person here and on the website where customers are registered, and say what was done and what's left."""

from __future__ import annotations

import logging

from sqlalchemy import select

from receiver import errors
from receiver.customers import privacy
from receiver.customers.registrars import NotRegistered, Registrar, customer_fields, registrations
from receiver.customers.registrars.repeated_values import without_values
from receiver.mail.transport import MailTransport
from receiver.storage.database import Database
from receiver.storage.models import CustomerRow

log = logging.getLogger(__name__)


def of_website(registrar: Registrar | None) -> str:
    """Return what an erasure does on the website; empty without one."""
    if registrar is None:
        return ""
    if _erases(registrar):
        return "Your website is told to erase them too."
    return "Not erased on your website: do that there. See “Register customers with your website” in Help."


def everywhere(
    database: Database,
    transport: MailTransport,
    registrar: Registrar | None,
    email: str,
    csv_file: str = "",
    *,
    secret_key: str,
) -> list[str]:
    """Erase the person with this email, and return a sentence each about what was done and what's left to do.

    The website is told first: once nothing is kept here, nobody would know any more that it's to be told. Raises
    NotThere when nothing is stored about them.
    """
    with database.read() as session:
        kept = privacy.kept(session, email, csv_file, secret_key=secret_key)
    website = _tell(database, registrar, kept.email)
    privacy.erase(database, transport, kept.email, csv_file, secret_key=secret_key)
    rows = f"{kept.csv_rows} row{'s'[: kept.csv_rows != 1]}"
    return [
        f"Erased {kept.email}.",
        *([f"The CSV file {csv_file} has blanks for them now, in {rows}."] if kept.csv_rows else []),
        *website,
        f"Not erased, so do it there: {privacy.ELSEWHERE}.",
    ]


def _tell(database: Database, registrar: Registrar | None, email: str) -> list[str]:
    """Have the website erase the customer, and return what it said."""
    if registrar is None:
        return []
    if not _erases(registrar):
        return ["Your website wasn't told: erase them there."]
    with database.write() as session:
        registrations.forget(session, email)  # or they might be registered again before they're erased here
        customer = session.scalar(select(CustomerRow).where(CustomerRow.email == email))
        fields = customer_fields.read(session, customer) if customer else {}
    try:
        said = registrar.erase(email)  # type: ignore[attr-defined]  # it has one
    except NotRegistered as error:
        why = without_values(str(error), fields).rstrip(".")
        said = f"Your website didn't erase them: {why}. Erase them there."
    except Exception as error:  # noqa: BLE001 - a merchant's class may fail in any way, and must not stop the erasure
        log.error("the website didn't erase a customer: %s", errors.describe_for_log(error))
        said = f"Your website didn't erase them: {type(error).__name__}. Erase them there."
    else:
        said = f"Your website was told to erase them: {said}."
    return [said]


def _erases(registrar: Registrar) -> bool:
    """Return whether a registrar has ``erase``, and is set up to use it."""
    return hasattr(registrar, "erase") and bool(getattr(registrar, "erases", True))
