"""Post the order to a chat in Slack, Discord or Teams: switched on by ``url`` in ``[handlers.notify_chat]``."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, Field
from urllib3.exceptions import HTTPError

from receiver.handlers import Context, Order, RetryLater, SecretUrl, handler, retry_after
from receiver.relay import chats


class ChatSettings(BaseModel):
    """What ``[handlers.notify_chat]`` may hold."""

    url: SecretUrl = Field(description="incoming webhook of Slack, Discord or Teams that orders are posted to")
    kind: Literal["auto", "slack", "discord", "teams"] = Field(
        "auto", description="`auto` sees it from the address, and treats an unknown one like Slack's"
    )
    names_customer: bool = Field(
        False, description="name the customer too; without it, number, total and items are all that's posted"
    )


@handler(settings=ChatSettings)
def notify_chat(order: Order, context: Context[ChatSettings]) -> str:
    """Post one line to the chat: the order's number, its total and the number of its items.

    The customer's name is only in it with ``names_customer``. A chat takes no idempotency key, so a message is posted
    again if its answer was lost.
    """
    own = context.own
    url = own.url.get_secret_value()
    kind = chats.kind_of(url) or "slack" if own.kind == "auto" else own.kind
    text = _line(order, test=context.test, names_customer=own.names_customer)
    try:
        answer = context.http.request(
            "POST",
            url,
            body=json.dumps(chats.message(kind, text)),
            headers={"Content-Type": "application/json"},
            preload_content=False,
        )
        answer.close()  # only its status and headers count
    except HTTPError as error:
        # The error's own message has the address in it, which is as good as a password.
        raise ConnectionError(f"the chat was not reached: {type(error).__name__}") from None
    if answer.status == 429:
        raise RetryLater("the chat takes no more messages now", after=retry_after(answer))
    if not 200 <= answer.status < 300:
        raise ConnectionError(f"the chat answered {answer.status}; is its url still right?")
    return f"posted to {kind}"


def _line(order: Order, *, test: bool, names_customer: bool) -> str:
    pieces = sum(item.quantity or 1 for item in order.items)
    name = " ".join(filter(None, (order.customer.first_name, order.customer.last_name)))
    parts = [
        f"{'Test: order' if test else 'New order'} {chats.plain(order.order_number or order.order_id)}",
        f"{order.total} {order.currency or ''}".strip() if order.total is not None else "",
        f"{pieces} item{'s'[: pieces != 1]}",
        f"from {chats.plain(name)}" if names_customer and name else "",
    ]
    return ", ".join(part for part in parts if part)
