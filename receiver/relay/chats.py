"""Messages for the incoming webhooks of Slack, Discord and Teams, in which no text mentions anybody or makes a link."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from receiver.mail.text_layout import plain_line

#: Ends of host names, and whose chat is there.
_HOSTS = {
    "slack.com": "slack",
    "discord.com": "discord",
    "discordapp.com": "discord",
    "office.com": "teams",
    "logic.azure.com": "teams",
    "powerplatform.com": "teams",
}
#: Marks that mention somebody or make a link, in this chat or in one that takes the same messages. A zero-width space
#: after each keeps it from having an effect.
_MARKS = re.compile(r"[<@:](?=\S)|\](?=[\[(])|(?<=\w)\.(?=[^\W\d_])")
#: The most letters of one of an order's texts in a message.
_LONGEST = 80


def kind_of(url: str) -> str | None:
    """Return whose chat is at an address; None if it's unknown."""
    host = (urlsplit(url).hostname or "").lower()
    return next((kind for end, kind in _HOSTS.items() if f".{host}".endswith(f".{end}")), None)


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return one of an order's texts for a message: on one line, cut to fit, and without formatting marks."""
    return _MARKS.sub("\\g<0>\u200b", plain_line(text, longest))


def message(kind: str, text: str, link: str = "") -> dict[str, Any]:
    """Return the JSON of a message, with a link of our own below the text if there is one."""
    return _SHAPES[kind](text, link)


def _slack(text: str, link: str) -> dict[str, Any]:
    """Return a message for Slack, which parses nothing in it; the three marks that it reads anyway are escaped.

    See https://api.slack.com/reference/surfaces/formatting#escaping.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    below = f"\n<{link}>" if link else ""
    return {"text": escaped + below, "parse": "none", "link_names": False, "mrkdwn": False, "unfurl_links": False}


def _discord(text: str, link: str) -> dict[str, Any]:
    """Return a message for Discord that mentions nobody, with every mark of its Markdown escaped."""
    escaped = re.sub(r"([\\*_~`|>#\[\]()<:/@.-])", r"\\\1", text)
    below = f"\n<{link}>" if link else ""
    return {"content": escaped + below, "allowed_mentions": {"parse": []}, "flags": 4}


def _teams(text: str, link: str) -> dict[str, Any]:
    """Return a message for Teams: an adaptive card with a text run, which has no Markdown."""
    line = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text.replace("{{", "{ {")}]}
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [line],
    }
    if link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


_SHAPES = {"slack": _slack, "discord": _discord, "teams": _teams}
