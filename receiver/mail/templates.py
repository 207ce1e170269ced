"""Render emails: by the merchant's own templates, or the built-in ones if there are none or they're broken."""

from __future__ import annotations

import logging
import re
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, Template, TemplateNotFound

from receiver import errors
from receiver.mail import template_checks
from receiver.mail.brand import Brand
from receiver.mail.environment import environment, limited
from receiver.mail.language import locale_for
from receiver.mail.quoting import quoted
from receiver.mail.text_layout import cut
from receiver.orders.model import Order

#: The templates that come with the kit.
BUILT_IN = Path(__file__).parents[1] / "templates" / "mail"

#: In characters.
_LONGEST_SUBJECT = 200
#: How long a merchant's template may compute for one email; the built-in ones take some milliseconds.
LONGEST_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """The subject, text and HTML of an email."""

    subject: str
    text: str
    html: str | None


class MailTemplateMissing(LookupError):
    """Raised when an email template is in neither folder; the text names both."""


class MailTemplates:
    """The email templates: ``name.txt`` and, if there is one, ``name.html``.

    A text template gives the subject in a block ``subject``. Filters and ``_("…")`` write in the reader's language:
    ``order.total|money``, ``order.order_date|date``, ``address.country|country``. In a text template,
    ``left|columns(right)``, ``value|labelled(label)`` and ``text|wrap(indent)`` lay out lines. ``weblink`` returns an
    http or https address, else nothing.
    """

    def __init__(
        self,
        own: Path,
        default_locale: str,
        timezone: tzinfo,
        *,
        shop_name: str = "",
        brand: Brand | None = None,
        language: str = "",
    ) -> None:
        #: The folder of the merchant's templates.
        self.own = own
        self._default_locale = default_locale
        self._language = language
        self._shop_name = shop_name
        self._brand = brand or Brand()
        self._merchants = environment((own, BUILT_IN), timezone)
        self._built_in = environment((BUILT_IN,), timezone)
        #: What's wrong with each template that the built-in one had to replace, by the email's name.
        self.broken: dict[str, str] = {}

    def render(self, name: str, /, *, subject: str | None = None, locale: str | None = None, **values: Any) -> Rendered:
        """Render one email in the language of its reader (BCP 47) or, without one, of the shop.

        If the merchant's template is broken, the built-in one is used. Templates see the values, and ``shop_name``,
        ``subject``, ``brand`` and ``locale``. Raises MailTemplateMissing without ``name.txt``, and ValueError if a
        template is broken and there's no built-in one.
        """
        try:
            return self.render_own(name, subject=subject, locale=locale, **values)
        except MailTemplateMissing:
            raise
        except Exception as error:
            problem = template_checks.where(error)
            if not is_built_in(name):
                raise ValueError(f"The email template {name} is broken. {problem}") from error
            rendered = self._render(self._built_in, name, subject, locale, values)
            self.broken[name] = problem
            log.warning("the merchant's mail template %s is broken: %s", name, errors.describe_for_log(error))
            return rendered

    def render_own(
        self, name: str, /, *, subject: str | None = None, locale: str | None = None, **values: Any
    ) -> Rendered:
        """Render one email as ``render`` does, but raise the error of a broken template.

        Raises TookTooLong for a template that computes for more than 2 s.
        """
        with limited(LONGEST_SECONDS) if any(self.own.glob("*")) else nullcontext():
            return self._render(self._merchants, name, subject, locale, values)

    def _render(
        self, templates: Environment, name: str, subject: str | None, locale: str | None, values: dict[str, Any]
    ) -> Rendered:
        text_template = _find(templates, f"{name}.txt")
        if text_template is None:
            looked_in = f"{self.own} or {BUILT_IN}"
            raise MailTemplateMissing(f"There's no email template {name}.txt in {looked_in}. Write one there.")
        html_template = _find(templates, f"{name}.html")
        if html_template and templates is self._merchants and self._has_own(f"{name}.html", "_layout.html"):
            template_checks.check(templates, f"{name}.html")
        order_shop = getattr(values.get("order"), "store_name", None)
        values = {name: quoted(value) if isinstance(value, Order) else value for name, value in values.items()}
        values = {
            "shop_name": self._shop_name or order_shop or "our shop",
            "brand": self._brand,
            "locale": locale_for(self._language or locale, self._default_locale),
            **values,
        }
        headline = " ".join((_subject(text_template, values) if subject is None else subject).split())
        headline = cut(headline, _LONGEST_SUBJECT)
        if not headline and subject is None and is_built_in(name):
            raise template_checks.BlockMissing(f"{name}.txt names no subject in a block subject")
        text = _tidy(_body(templates).render({**values, "subject": headline, "_template": text_template}))
        html = html_template.render({**values, "subject": headline}) if html_template else None
        for ending, part in (("txt", text), ("html", html)):
            if part is not None and not part.strip() and is_built_in(name):
                raise template_checks.BlockMissing(f"{name}.{ending} writes nothing")
        return Rendered(subject=headline, text=text, html=html)

    def _has_own(self, *file_names: str) -> bool:
        return any((self.own / file_name).exists() for file_name in file_names)


def is_built_in(name: str) -> bool:
    """Return whether the kit has a template of this name."""
    return (BUILT_IN / f"{name}.txt").is_file()


def _find(templates: Environment, file_name: str) -> Template | None:
    try:
        return templates.get_template(file_name)
    except TemplateNotFound:
        return None


def _subject(template: Template, values: dict[str, Any]) -> str:
    if "subject" not in template.blocks:
        return ""
    return "".join(template.blocks["subject"](template.new_context(values)))


@lru_cache(8)
def _body(templates: Environment) -> Template:
    """Return a template that renders ``_template`` without its subject. Compiling it is slow, so it's cached."""
    return templates.from_string("{% extends _template %}{% block subject %}{% endblock %}")


def _tidy(text: str) -> str:
    """Return the text with one blank line between sections, also where a template left some out."""
    return re.sub(r"\n[ \t]*(?:\n[ \t]*)+\n", "\n\n", text).strip() + "\n"
