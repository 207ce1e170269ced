"""Post alerts to ALERT_URL, besides emailing them: to a chat as its message, to any other server as signed JSON."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert
from sqlalchemy.orm import Session
from urllib3 import PoolManager

from receiver.errors import ConfigurationError
from receiver.mail.alerts import Alert
from receiver.orders.idempotency import digest
from receiver.relay import chats
from receiver.relay.forwarding import Forwarding
from receiver.relay.sender import send
from receiver.security.signing import sign
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.columns import table_of
from receiver.storage.database import Database
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.relay_models import AlertPostRow

#: Seconds between the attempts; the email is there all the same.
SCHEDULE = (60, 300, 900, 2400)
#: Letters of a chat's message.
_LONGEST = 300
_POSTS = table_of(AlertPostRow)

log = logging.getLogger(__name__)


class AlertPosts(JobQueue[AlertPostRow]):
    """The job of posting alerts, each at least once under its webhook-id. What's posted is deleted."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        url: str,
        *,
        forwarding: Forwarding,
        pool: PoolManager,
        shop_name: str,
        public_url: str,
    ) -> None:
        super().__init__(database, leases, AlertPostRow)
        self._url = url
        self._chat = chats.kind_of(url) if url else None
        self._forwarding = forwarding
        self._pool = pool
        self._shop_name = shop_name
        self._console = f"{public_url.rstrip('/')}/admin/"
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

    @property
    def _can_post(self) -> bool:
        return bool(self._url) and not self.problems

    def add(self, session: Session, kind: str, name: str, alert: Alert) -> None:
        """Have an alert posted, in the transaction of its email. Its ``name`` makes its webhook-id."""
        if self._can_post:
            row = {
                "webhook_id": f"alert_{digest(name)}",
                "body": json.dumps(self._message(kind, alert), ensure_ascii=False),
                "order_pk": alert.order_pk,
                "state": "open",
                "due_at": utc_now(),
            }
            session.execute(insert(_POSTS), row)

    def run(self, job: AlertPostRow) -> None:
        """Post an alert, and write down at once what became of it: if the process ends before, it's posted again."""
        failure, is_final = self._try(job) if self._can_post else ("ALERT_URL was changed", True)
        if failure and not is_final and job.attempts <= len(SCHEDULE):
            due_at = utc_now() + timedelta(seconds=SCHEDULE[job.attempts - 1])
            jobs.write_down(self.database, lambda connection: jobs.settle(connection, job, due_at=due_at))
            return
        jobs.write_down(self.database, lambda connection: _delete(connection, job))
        if failure:
            log.error("an alert couldn't be posted to ALERT_URL, only emailed: %s", failure)

    def _try(self, job: AlertPostRow) -> tuple[str, bool]:
        """Make one attempt; return what went wrong, and whether it would go wrong again."""
        body, headers = job.body.encode(), {"Content-Type": "application/json"}
        secrets = [self._forwarding.secret] if self._chat is None else []
        if secrets:
            timestamp = int(utc_now().timestamp())
            signature = sign(secrets, webhook_id=job.webhook_id, timestamp=timestamp, body=body)
            headers |= {
                "webhook-id": job.webhook_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature,
            }
        answer = send(self._url, body, headers, pool=self._pool, secrets=secrets)
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


def _delete(connection: Connection, job: AlertPostRow) -> None:
    mine = _POSTS.c.id == job.id, _POSTS.c.lease_token == job.lease_token
    connection.execute(delete(_POSTS).where(*mine))
