"""Post the order to a chat in Slack, Discord or Teams: switched on by ``url`` in ``[handlers.notify_chat]``."""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field
from urllib3.exceptions import HTTPError

from receiver.handlers import Context, Order, RetryLater, SecretUrl, handler, plain_line, retry_after

#: Ends of host names, and whose chat is there; any other takes Slack's messages, as Mattermost and Rocket.Chat do.
_HOSTS = {
    "discord.com": "discord",
    "discordapp.com": "discord",
    "office.com": "teams",
    "logic.azure.com": "teams",
    "powerplatform.com": "teams",
}
#: Marks that mention somebody or make a link, in this chat or in one that takes the same messages. A zero-width space
#: after each keeps it from having an effect.
_MARKS = re.compile(r"[<@:](?=\S)|\](?=[\[(])|(?<=\w)\.(?=[^\W\d_])")
#: The most letters of one of the order's texts in a message.
_LONGEST = 80


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
        answer.close()  # only its status and headers count
    except HTTPError as error:
        # The error's own message has the address in it, which is as good as a password.
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
    """Return one of the order's texts for a message: on one line, cut to fit, and without formatting marks."""
    return _MARKS.sub("\\g<0>\u200b", plain_line(text, _LONGEST))


def _slack(text: str) -> dict[str, Any]:
    """Return a message for Slack, which parses nothing in it; the three marks that it reads anyway are escaped.

    See https://api.slack.com/reference/surfaces/formatting#escaping.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": escaped, "parse": "none", "link_names": False, "mrkdwn": False, "unfurl_links": False}


def _discord(text: str) -> dict[str, Any]:
    """Return a message for Discord that mentions nobody, with every mark of its Markdown escaped."""
    escaped = re.sub(r"([\\*_~`|>#\[\]()<:/@.-])", r"\\\1", text)
    return {"content": escaped, "allowed_mentions": {"parse": []}, "flags": 4}


def _teams(text: str) -> dict[str, Any]:
    """Return a message for Teams: an adaptive card with a text run, which has no Markdown."""
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
