"""Tell a chat of the order, in Slack, Discord or Teams: switched on by ``url`` in ``[handlers.notify_chat]``."""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field
from urllib3.exceptions import HTTPError

from receiver.handlers import Context, Order, RetryLater, SecretUrl, handler, plain_line, retry_after

#: Ends of host names, and whose chat takes messages there; any other takes what Slack does, as Mattermost and
#: Rocket.Chat do.
_HOSTS = {
    "discord.com": "discord",
    "discordapp.com": "discord",
    "office.com": "teams",
    "logic.azure.com": "teams",
    "powerplatform.com": "teams",
}
#: Marks that mention somebody or make a link, in this chat or in one that takes the same messages: behind each stands
#: a space of no width, so that it is seen and does nothing.
_AT_WORK = re.compile(r"[<@:](?=\S)|\](?=[\[(])|(?<=\w)\.(?=[^\W\d_])")
#: Longest piece of an order's text in a message.
_LONGEST = 80


class ChatSettings(BaseModel):
    """What ``[handlers.notify_chat]`` may hold."""

    url: SecretUrl = Field(description="incoming webhook of Slack, Discord or Teams that orders are posted to")
    kind: Literal["auto", "slack", "discord", "teams"] = Field(
        "auto", description="`auto` tells by the address, and takes an unknown one for Slack's like"
    )
    names_customer: bool = Field(
        False, description="name the customer too; without it, number, total and items are all that's posted"
    )


@handler(settings=ChatSettings)
def notify_chat(order: Order, context: Context[ChatSettings]) -> str:
    """Post one line to the chat: the order's number, its total and the number of its items.

    The customer's name stands in it only with ``names_customer``. A chat knows no idempotency key, so a message
    whose answer was lost is posted again.
    """
    own = context.own
    url = own.url.get_secret_value()
    kind = _kind_of(url) if own.kind == "auto" else own.kind
    text = _line(order, test=context.test, names_customer=own.names_customer)
    try:
        answer = context.http.request(
            "POST",
            url,
            body=json.dumps(_SHAPES[kind](text)),
            headers={"Content-Type": "application/json"},
            preload_content=False,
        )
        answer.close()  # only its status and headers say anything
    except HTTPError as error:
        # The error's words hold the address, which is as good as a password.
        raise ConnectionError(f"the chat was not reached: {type(error).__name__}") from None
    if answer.status == 429:
        raise RetryLater("the chat takes no more messages now", after=retry_after(answer))
    if not 200 <= answer.status < 300:
        raise ConnectionError(f"the chat answered {answer.status}; is its url still right?")
    return f"posted to {kind}"


def _kind_of(url: str) -> str:
    host = (urlsplit(url).hostname or "").lower()
    return next((kind for end, kind in _HOSTS.items() if f".{host}".endswith(f".{end}")), "slack")


def _line(order: Order, *, test: bool, names_customer: bool) -> str:
    pieces = sum(item.quantity or 1 for item in order.items)
    name = " ".join(filter(None, (order.customer.first_name, order.customer.last_name)))
    parts = [
        f"{'Test: order' if test else 'New order'} {_plain(order.order_number or order.order_id)}",
        f"{order.total} {order.currency or ''}".strip() if order.total is not None else "",
        f"{pieces} item{'s'[: pieces != 1]}",
        f"from {_plain(name)}" if names_customer and name else "",
    ]
    return ", ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Write a piece of the order's text on one line, cut to a length that fits a message, with no mark at work."""
    return _AT_WORK.sub("\\g<0>\u200b", plain_line(text, _LONGEST))


def _slack(text: str) -> dict[str, Any]:
    """Shape a message for Slack, which is to parse nothing; the three marks that it reads all the same are escaped."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": escaped, "parse": "none", "link_names": False, "mrkdwn": False, "unfurl_links": False}


def _discord(text: str) -> dict[str, Any]:
    """Shape a message for Discord; it mentions nobody, and every mark of its Markdown is escaped."""
    escaped = re.sub(r"([\\*_~`|>#\[\]()<:/@.-])", r"\\\1", text)
    return {"content": escaped, "allowed_mentions": {"parse": []}, "flags": 4}


def _teams(text: str) -> dict[str, Any]:
    """Shape a message for Teams: an adaptive card whose text run knows no Markdown."""
    line = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text.replace("{{", "{ {")}]}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [line],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


_SHAPES = {"slack": _slack, "discord": _discord, "teams": _teams}
