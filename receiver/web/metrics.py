"""The figures for Prometheus, given only to those who have the token."""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, Response, abort, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from receiver.web import kit

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer the figures as text; 404 while no token is set, 401 without the right one (RFC 6750)."""
    token = kit.settings.METRICS_TOKEN.get_secret_value()
    if not token:
        abort(404)
    if not _is_authorized(token):
        challenge = WWWAuthenticate("bearer", {"realm": "order receiver"})
        raise Unauthorized("Send the value of METRICS_TOKEN as a bearer token.", www_authenticate=challenge)
    # Here, because without a token nobody needs the library, and it takes time at each start.
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    from receiver.app.metrics import Metrics

    return Response(generate_latest(Metrics(kit)), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_authorized(token: str) -> bool:
    """Return whether the request has the token; the time doesn't show how much of a wrong one is right."""
    sent = request.authorization
    if sent is None or sent.type != "bearer" or sent.token is None:
        return False
    return compare_digest(sent.token.encode(), token.encode())
