"""Settings → Sources → Add a shop: choose the shop, name the source, paste its secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import abort, render_template, request, session
from flask.typing import ResponseReturnValue

from receiver.app.source_facts import NO_KIND, choices
from receiver.errors import ConfigurationError
from receiver.security import signing
from receiver.sources import adding
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.source_forms import SourceForm
from receiver.web.console.sources import SHOW

#: The kind whose signature the form describes.
_DESCRIBED = "generic-hmac"


@console.route("/add-source", methods=["GET", "POST"])
def sources_add() -> ResponseReturnValue:
    """Show the shops to choose from, then the form for the chosen one; save the source."""
    kit.sources.look_again()
    guides = choices(kit.sources.kinds)
    kind = request.args.get("kind")
    if kind is None:
        return render_template("console/source_kinds.html", guides=guides)
    if kind not in guides:
        abort(404, f"There's no kind of source {kind[:40]}. Choose a shop from the list.")
    taken = [source.name for source in kit.sources.known]
    form = SourceForm(name=adding.free_name("my-shop" if kind in {NO_KIND, _DESCRIBED} else kind, taken))
    if kind != _DESCRIBED:
        del form.header, form.digest, form.encoding
    if request.method == "POST" and form.validate() and _is_name_right(form, taken):
        try:
            return _save(form, kind, taken, is_chosen=guides[kind].is_chosen)
        except ConfigurationError as error:
            form.secret.errors = [str(error)]
    content = render_template(
        "console/source_add.html", form=form, guide=guides[kind], kind=kind, is_described=kind == _DESCRIBED
    )
    return content, 422 if form.errors else 200


def _save(form: SourceForm, kind: str, taken: Sequence[str], *, is_chosen: bool) -> ResponseReturnValue:
    name, typed = (form.name.data or "").strip(), (form.secret.data or "").strip()
    if not typed and not is_chosen:
        raise ConfigurationError("Paste the secret that the shop shows.")
    table: dict[str, Any] = {"kind": kind} if kind else {}
    if kind == _DESCRIBED:
        table["signature"] = {one: form[one].data for one in ("header", "digest", "encoding")}
    with kit.database.write() as writing:
        mark = adding.add(
            writing,
            name,
            table,
            typed or signing.new_secret(),
            taken=taken,
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
        )
    if not typed:
        session[SHOW] = mark
    kit.sources.look_again()
    return next_page("console.sources_show", f"Added. {name} takes what its shop sends from now on.", name=name)


def _is_name_right(form: SourceForm, taken: Sequence[str]) -> bool:
    """Check the name, and write beside it what's wrong."""
    try:
        adding.check_name((form.name.data or "").strip(), taken)
    except ConfigurationError as error:
        form.name.errors = [str(error)]
    return not form.name.errors
