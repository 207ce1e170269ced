"""The description at its address: made once, and the same for everybody."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, json, request

from receiver.web import kit
from receiver.web.openapi.document import description

blueprint = Blueprint("openapi", __name__)
_MADE = "receiver.openapi"
#: In seconds: what it says can only change with a restart.
_FRESH = 3600


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer the description, or 304 to whoever has it."""
    made: bytes | None = current_app.extensions.get(_MADE)
    if made is None:  # two threads may both make it, which does no harm
        made = json.dumps(description(current_app.url_map.iter_rules(), kit.settings)).encode()
        current_app.extensions[_MADE] = made
    response = Response(made, mimetype="application/json")
    response.cache_control.public = True
    response.cache_control.max_age = _FRESH
    response.add_etag()
    response.make_conditional(request)
    return response
