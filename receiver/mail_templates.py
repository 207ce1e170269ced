"""How a mail is rendered: the merchant's templates first, then the built-in ones; an order is never a template."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    Template,
    TemplateNotFound,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context
from markupsafe import Markup

from receiver import formatting, text_layout

#: The templates that come with the kit.
BUILT_IN = Path(__file__).parent / "templates" / "mail"

#: Control characters but tab and line feed, and the marks that turn the direction of all text after them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_WITHOUT_SUBJECT = "{% extends _template %}{% block subject %}{% endblock %}"


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Is a mail's wording."""

    subject: str
    text: str
    html: str | None


class MailTemplateMissing(LookupError):
    """Says that a mail template is in neither folder, and names both."""


class MailTemplates:
    """Renders ``name.txt`` and, if there is one, ``name.html``.

    A text template names the mail's subject in a block ``subject``. Filters write in the language of the
    value ``order``: ``order.total|money``, ``order.order_date|date``, ``address.country|country``. In a text
    template ``left|columns(right)``, ``value|labelled(label)`` and ``text|wrap(indent)`` lay out lines;
    ``weblink`` gives an http or https address, else nothing.
    """

    def __init__(self, instance_templates: Path, default_locale: str, timezone: tzinfo, *, shop_name: str = "") -> None:
        self._folders = (instance_templates, BUILT_IN)
        self._shop_name = shop_name
        self._environment = _environment(self._folders, default_locale, timezone)
        self._body = self._environment.from_string(_WITHOUT_SUBJECT)

    def render(self, name: str, *, subject: str | None = None, **values: Any) -> Rendered:
        """Render one mail; raises MailTemplateMissing without ``name.txt``, and what Jinja raises.

        Templates see the values, and ``shop_name`` and ``subject``. A missing value renders as nothing.
        """
        text_template = self._find(f"{name}.txt")
        if text_template is None:
            looked_in = " or ".join(str(folder) for folder in self._folders)
            raise MailTemplateMissing(f"There is no mail template {name}.txt in {looked_in}; write one there.")
        order_shop = getattr(values.get("order"), "store_name", None)
        values = {"shop_name": self._shop_name or order_shop or "our shop", **values}
        headline = " ".join((_subject(text_template, values) if subject is None else subject).split())
        html_template = self._find(f"{name}.html")
        return Rendered(
            subject=headline,
            text=_tidy(self._body.render({**values, "subject": headline, "_template": text_template})),
            html=html_template.render({**values, "subject": headline}) if html_template else None,
        )

    def _find(self, file_name: str) -> Template | None:
        try:
            return self._environment.get_template(file_name)
        except TemplateNotFound:
            return None


def _environment(folders: tuple[Path, ...], default_locale: str, timezone: tzinfo) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=select_autoescape(enabled_extensions=["html"], default_for_string=False),
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _localised_filters(default_locale, timezone) | {
        "columns": text_layout.columns,
        "labelled": lambda value, label: text_layout.labelled(label, value),
        "weblink": weblink,
        "wrap": text_layout.wrap,
    }
    return environment


def weblink(address: object) -> str:
    """Return an http or https address, "" for anything else, such as ``javascript:``."""
    text = str(address or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.netloc else ""


def _localised_filters(default_locale: str, timezone: tzinfo) -> dict[str, Callable[..., str]]:
    """Make the filters that write in the language and currency of the order being rendered."""

    def locale(context: Context) -> Locale:
        return formatting.known_locale(getattr(context.get("order"), "locale", None), default_locale)

    @pass_context
    def money(context: Context, amount: Decimal | None) -> str:
        currency = getattr(context.get("order"), "currency", None)
        return formatting.money(amount, currency, locale(context))

    @pass_context
    def date(context: Context, when: datetime | None) -> str:
        return formatting.date(when, locale(context), timezone)

    @pass_context
    def country(context: Context, code: str | None) -> str:
        return formatting.country(code, locale(context))

    return {"money": money, "date": date, "country": country}


def _printable(value: Any) -> Any:
    """Prepare what a template prints: nothing for None, and text without control characters."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNPRINTABLE.sub("", value.replace("\r\n", "\n"))
    return value


def _subject(template: Template, values: dict[str, Any]) -> str:
    if "subject" not in template.blocks:
        return ""
    return "".join(template.blocks["subject"](template.new_context(values)))


def _tidy(text: str) -> str:
    """Leave at most one blank line in a row and none at the ends, so that a section can be left out."""
    return re.sub(r"\n[ \t]*(?:\n[ \t]*)+\n", "\n\n", text).strip() + "\n"
