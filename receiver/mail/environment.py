"""The Jinja environment of email templates: filters, translations, and limits on what a template can do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, Undefined, UndefinedError, pass_context, select_autoescape
from jinja2.runtime import BlockReference, Context, LoopContext, TemplateReference
from jinja2.sandbox import safe_range
from markupsafe import Markup

from receiver import errors
from receiver.mail import formatting, postal_addresses, text_layout
from receiver.mail.language import catalogue
from receiver.mail.quoting import unlinked
from receiver.orders import Address

#: What Jinja itself puts under a name; a template's values need other names.
RESERVED = {"self": TemplateReference, "loop": LoopContext, "super": BlockReference}


def environment(folders: Sequence[Path], timezone: tzinfo) -> Environment:
    """Return an environment that takes a template from the first folder that has it.

    Whoever renders one gives it a Babel Locale as ``locale``. Dates are written in ``timezone``.
    """
    made = Environment(
        loader=FirstFound(folders),
        autoescape=select_autoescape(enabled_extensions=["html"], default_for_string=False),
        extensions=["jinja2.ext.i18n"],
        undefined=MissingName,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["_"] = _translated  # Jinja's own takes three calls instead of one, forty times an email
    made.globals["range"] = safe_range  # a loop in C, such as range(10**12)|sum, sees no time limit
    made.filters |= _localised_filters(timezone) | {
        "columns": text_layout.columns,
        "labelled": lambda value, label: text_layout.labelled(label, value),
        "unlinked": unlinked,
        "weblink": weblink,
        "wrap": text_layout.wrap,
    }
    return made


class FirstFound(FileSystemLoader):
    """A loader that takes a template from the first folder that has it, even if the file was added since."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return a template's text, its path, and a function that returns whether both are still right."""
        text, path, is_unchanged = super().get_source(environment, template)
        places = [Path(folder, template) for folder in self.searchpath]
        before = places[: places.index(Path(path))]
        return text, path, lambda: is_unchanged() and not any(place.exists() for place in before)


class MissingName(Undefined):
    """An undefined value: empty for a missing part of a value, an error for an unknown name."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        # Jinja's hint comes first: it says of a block's super() that there's no block to extend.
        own = "" if self._undefined_hint else _reserved(self._undefined_obj, self._undefined_name)
        return own or super()._undefined_message

    def __str__(self) -> str:
        """Write nothing, or raise UndefinedError."""
        if isinstance(self._undefined_obj, Mapping | Sequence | None):
            return ""
        return self._fail_with_undefined_error()

    def __iter__(self) -> Any:
        """Return nothing, or raise UndefinedError."""
        return iter(str(self))

    def __bool__(self) -> bool:
        """Return False, so that a template can test for it."""
        return False


def weblink(address: object) -> str:
    """Return an http or https address; "" for anything else, such as ``javascript:``."""
    text = str(address or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.netloc else ""


@pass_context
def _translated(context: Context, message: str, /, **variables: Any) -> str:
    """Return a message in the reader's language, with the variables put in, as Jinja's newstyle gettext does."""
    text = _gettext(context, message)
    return (Markup(text) if context.eval_ctx.autoescape else text) % variables  # noqa: S704 - a message of the template


@pass_context
def _gettext(context: Context, message: str) -> str:
    return catalogue(context["locale"].language).gettext(message)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return catalogue(context["locale"].language).ngettext(one, many, number)


def _localised_filters(timezone: tzinfo) -> dict[str, Callable[..., Any]]:
    """Return the filters that write in the reader's language and in the order's currency."""

    @pass_context
    def money(context: Context, amount: Decimal | None) -> str:
        currency = getattr(context.get("order"), "currency", None)
        return formatting.money(amount, currency, context["locale"])

    @pass_context
    def date(context: Context, when: datetime | None) -> str:
        return formatting.date(when, context["locale"], timezone)

    @pass_context
    def country(context: Context, code: str | None) -> str:
        return formatting.country(code, context["locale"])

    @pass_context
    def postal(context: Context, place: Address | None) -> list[str]:
        return postal_addresses.lines(place, context["locale"]) if place else []

    return {"money": money, "date": date, "country": country, "postal": postal}


def _printable(value: Any) -> Any:
    """Return what's printed of a value: nothing for None, and text without control characters."""
    if isinstance(value, str):
        if not errors.UNPRINTABLE.search(value):
            return value
        clean = errors.UNPRINTABLE.sub("", value.replace("\r\n", "\n"))
        return Markup(clean) if isinstance(value, Markup) else clean  # noqa: S704 - it was markup before
    if value is None:
        return ""
    if problem := _reserved(value):
        raise UndefinedError(problem)
    return value


def _reserved(value: Any, name: str | None = None) -> str:
    """Return what's wrong with printing Jinja's own ``self``, ``loop`` or ``super``; "" for any other value."""
    for reserved, kind in RESERVED.items():
        if name == reserved or isinstance(value, kind):
            return f"{reserved!r} is a name of Jinja's own, so no value can have it; use another name"
    return ""


class TookTooLong(Exception):
    """Raised when a template computes for too long."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the block once it has computed for so long; waiting doesn't count.

    A thread can't be stopped from outside. So a trace function checks the time at each line of Python, which makes the
    block slower. It sees no line of what's written in C.
    """
    deadline = time.thread_time() + seconds

    def check(_frame: FrameType, _event: str, _argument: Any) -> Any:
        if time.thread_time() > deadline:
            raise TookTooLong(f"it was stopped after {seconds:g} s; look for a loop that doesn't end")
        return check

    before = sys.gettrace()
    sys.settrace(check)
    try:
        yield
    finally:
        sys.settrace(before)
