"""Post alerts to ALERT_URL, besides emailing them: to a chat as its message, to any other server as signed JSON."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from urllib3 import PoolManager

from receiver.errors import ConfigurationError
from receiver.mail.alerts import Alert
from receiver.orders.idempotency import digest
from receiver.relay import chats
from receiver.relay.forwarding import Forwarding
from receiver.relay.sender import send
from receiver.security.signing import sign
from receiver.storage.clock import utc_now

#: Seconds between the attempts; the email is there all the same.
_SCHEDULE = (60, 300, 900, 2400)
#: Alerts that wait at most; the oldest is dropped.
_MOST_WAITING = 100
#: Letters of a chat's message.
_LONGEST = 300

log = logging.getLogger(__name__)


@dataclass
class _Post:
    webhook_id: str
    body: bytes
    due: float = 0.0
    attempts: int = 0


class AlertPosts:
    """What posts alerts. They wait in memory: one that's lost with its process was emailed."""

    def __init__(self, url: str, *, forwarding: Forwarding, pool: PoolManager, shop_name: str, public_url: str) -> None:
        self._url = url
        self._chat = chats.kind_of(url) if url else None
        self._forwarding = forwarding
        self._pool = pool
        self._shop_name = shop_name
        self._console = f"{public_url.rstrip('/')}/admin/"
        self._waiting: deque[_Post] = deque(maxlen=_MOST_WAITING)
        #: A sentence for what keeps alerts from being posted.
        self.problems = list(filter(None, [self._problem()] if url else []))

    def _problem(self) -> str:
        rules = self._forwarding
        if self._chat is None and not rules.secret:
            return (
                "ALERT_URL isn't at Slack, Discord or Teams, so alerts posted there are signed: set FORWARD_SECRET to "
                "the secret that the other server checks. Until then alerts are emailed only."
            )
        try:
            rules.check_address(self._url)
        except ConfigurationError as error:
            return f"ALERT_URL: {error} Until then alerts are emailed only."
        return ""

    def add(self, kind: str, name: str, alert: Alert) -> None:
        """Have an alert posted by the next look. Its ``name`` makes its webhook-id, the same at each attempt."""
        if self._url and not self.problems:
            body = json.dumps(self._message(kind, alert), ensure_ascii=False).encode()
            self._waiting.append(_Post(f"alert_{digest(name)}", body))

    def look(self) -> None:
        """Post what's due; after the first that isn't taken, the others wait too."""
        for post in [post for post in self._waiting if post.due <= time.monotonic()]:
            post.attempts += 1
            failure, is_final = self._try(post)
            if failure and not is_final and post.attempts <= len(_SCHEDULE):
                for one in self._waiting:
                    one.due = time.monotonic() + _SCHEDULE[post.attempts - 1]
                return
            self._waiting.remove(post)
            if failure:
                log.error("an alert couldn't be posted to ALERT_URL, only emailed: %s", failure)

    def _try(self, post: _Post) -> tuple[str, bool]:
        """Make one attempt; return what went wrong, and whether it would go wrong again."""
        secrets = [self._forwarding.secret] if self._forwarding.secret and self._chat is None else []
        headers = {"Content-Type": "application/json"}
        if secrets:
            timestamp = int(utc_now().timestamp())
            headers |= {
                "webhook-id": post.webhook_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(secrets, webhook_id=post.webhook_id, timestamp=timestamp, body=post.body),
            }
        answer = send(self._url, post.body, headers, pool=self._pool, secrets=secrets)
        if answer.status is None:
            return f"it wasn't reached ({answer.kind})", False
        if 200 <= answer.status < 300:
            return "", True
        return f"it answered {answer.status}", answer.status < 500 and answer.status not in {408, 429}

    def _message(self, kind: str, alert: Alert) -> dict[str, Any]:
        links = {label: self._console + path for label, path in alert.buttons}
        text = f"{self._shop_name}: {alert.short or alert.headline}"
        if self._chat:
            return chats.message(self._chat, chats.plain(text, _LONGEST), next(iter(links.values()), ""))
        return {
            "type": "alert",
            "kind": kind,
            "shop": self._shop_name,
            "text": text,
            "headline": alert.headline,
            "facts": {label: value for label, value in alert.facts if value},
            "lines": list(alert.lines),
            "links": links,
            "cases": [{"headline": said, "url": self._console + path} for said, path in alert.cases],
        }
