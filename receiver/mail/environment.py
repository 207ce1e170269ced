"""What a mail template has at hand: filters and words in the reader's language, and nothing that could harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from jinja2 import Environment, FileSystemLoader, Undefined, pass_context, select_autoescape
from jinja2.runtime import Context
from jinja2.sandbox import safe_range
from markupsafe import Markup

from receiver import errors
from receiver.mail import formatting, text_layout
from receiver.mail.language import catalogue
from receiver.mail.quoting import unlinked


def environment(folders: Sequence[Path], timezone: tzinfo) -> Environment:
    """Make what reads templates from the folders, the first that has one; each sees a Locale as ``locale``."""
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
    made.globals["range"] = safe_range  # a loop in C, such as range(10**12)|sum, cannot be ended from outside
    made.filters |= _localised_filters(timezone) | {
        "columns": text_layout.columns,
        "labelled": lambda value, label: text_layout.labelled(label, value),
        "unlinked": unlinked,
        "weblink": weblink,
        "wrap": text_layout.wrap,
    }
    return made


class FirstFound(FileSystemLoader):
    """A loader that takes a template from the first folder that has it, even one added later."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return a template's text, its path, and what tells whether both still hold."""
        text, path, is_unchanged = super().get_source(environment, template)
        places = [Path(folder, template) for folder in self.searchpath]
        before = places[: places.index(Path(path))]
        return text, path, lambda: is_unchanged() and not any(place.exists() for place in before)


class MissingName(Undefined):
    """An undefined value: empty for a missing part of a value, an error for an unknown name."""

    __slots__ = ()

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
    """Return an http or https address, "" for anything else, such as ``javascript:``."""
    text = str(address or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.netloc else ""


@pass_context
def _gettext(context: Context, message: str) -> str:
    return catalogue(_locale(context).language).gettext(message)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return catalogue(_locale(context).language).ngettext(one, many, number)


def _localised_filters(timezone: tzinfo) -> dict[str, Callable[..., str]]:
    """Make the filters that write in the reader's language and in the currency of the order being rendered."""

    @pass_context
    def money(context: Context, amount: Decimal | None) -> str:
        currency = getattr(context.get("order"), "currency", None)
        return formatting.money(amount, currency, _locale(context))

    @pass_context
    def date(context: Context, when: datetime | None) -> str:
        return formatting.date(when, _locale(context), timezone)

    @pass_context
    def country(context: Context, code: str | None) -> str:
        return formatting.country(code, _locale(context))

    return {"money": money, "date": date, "country": country}


def _locale(context: Context) -> Locale:
    found: Locale = context["locale"]
    return found


def _printable(value: Any) -> Any:
    """Prepare what a template prints: nothing for None, and text without control characters."""
    if value is None:
        return ""
    if isinstance(value, str):
        clean = errors.UNPRINTABLE.sub("", value.replace("\r\n", "\n"))
        return Markup(clean) if isinstance(value, Markup) else clean  # noqa: S704 - it was markup before
    return value
