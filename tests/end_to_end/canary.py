"""What is given in confidence, in words that are found wherever they turn up, and handlers that blurt it out."""

from __future__ import annotations

from urllib.parse import quote

from tests.served import SECRET, order_fields

EMAIL = "canary.q7x@kunde.de"
CARD = "4111111111111111"
OTHER_SECRET = "whsec_" + "d3Jvbmctc2VjcmV0LW9mLXRoZS10ZXN0cy0zMmJ5dGU="
METRICS_TOKEN = "m3tr1cs-t0ken-of-the-canary"
#: None of these may be shown or kept anywhere, in any spelling.
CONFIDENTIAL = (SECRET, SECRET.removeprefix("whsec_"), OTHER_SECRET, CARD, METRICS_TOKEN)
#: None of these may be logged, or shown where nobody looks for people.
PERSONAL = ("canary.q7x", "Zanzibarina", "Quoxstreet", "+49 30 99887766")
TOLD = {"customer_email": EMAIL, "customer_first_name": "Zanzibarina", "customer_phone": "+49 30 99887766"}
#: An order of somebody who writes a card number into the note.
PERSON = order_fields(
    **TOLD, order_id="A-1", billing_line1="Quoxstreet 7", customer_note=f"Card {CARD}, or 4111 1111 1111 1111"
)
#: Each blurts out what it was given, in a way of its own.
HANDLERS = """
import asyncio, sys, threading, warnings
from sqlalchemy import text
from receiver.handlers import Skip, handler

@handler(retries=0)
def fails(order, context):
    context.log.debug("about to fail")
    raise RuntimeError(f"cannot handle {order.customer.email} of {order.customer.first_name}")

@handler(retries=0)
def fails_in_the_database(order, context):
    context.session.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": order.customer.email})

@handler(retries=0)
def fails_in_a_chain(order, context):
    try:
        raise KeyError(order.customer.email)
    except KeyError as error:
        raise ExceptionGroup(f"for {order.customer.first_name}", [ValueError(order.customer.phone)]) from error

@handler(retries=0)
def fails_by_leaving(order, context):
    sys.exit(f"goodbye {order.customer.email}")

@handler
def warns(order, context):
    warnings.warn(f"strange: {order!r}")
    warnings.warn_explicit(order.customer.email, DeprecationWarning, "mine.py", 1)

@handler
def logs_what_does_not_fit(order, context):
    context.log.warning("%d items", order)

@handler
def logs_an_error(order, context):
    try:
        raise ValueError(order.customer.email)
    except ValueError:
        context.log.exception("it failed")

@handler
def leaves_a_thread(order, context):
    def fail():
        raise ValueError(order.customer.email)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

@handler
def leaves_a_task(order, context):
    async def fail():
        raise ValueError(order.customer.email)
    async def begin():
        task = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
    asyncio.run(begin())

@handler
def leaves_an_object(order, context):
    class Wild:
        def __del__(self):
            raise ValueError(order.customer.email)
    Wild()

@handler
def skips(order, context):
    raise Skip(f"not for {order.customer.email}")
"""

#: A kind of source that asks its shop, which fails with all that was sent.
SOURCE = """
from receiver.sources import Question, Source, source_kind

@source_kind("asked")
class Asked(Source):
    class _Failing(Question):
        hosts = ("shop.invalid",)

        def check(self, sent, secrets):
            pass

        def ask(self, sent, shop, secrets):
            raise RuntimeError(f"nobody knows {sent.fields} or {secrets}")

    asks = _Failing()
"""


def found(text: str, *words: str) -> list[str]:
    """Give the words that the text holds, in any case, plain or as a URL spells them."""
    text = text.lower()
    return [word for word in words if word.lower() in text or quote(word, safe="").lower() in text]
