"""The languages of emails: which one a reader gets, and its catalogue of words."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from receiver.mail import formatting

#: A folder for each language except English, which the templates are written in.
CATALOGUES = Path(__file__).parent / "translations"
#: The languages that emails can be written in.
LANGUAGES = ("en", *sorted(path.name for path in CATALOGUES.iterdir()))


def locale_for(reader: str | None, default: str) -> Locale:
    """Return the locale to write in: the reader's (BCP 47) if there's a catalogue for it, else the default one.

    So an email's words, amounts and dates are all in one language.
    """
    fallback = formatting.known_locale(default, "en")
    wanted = formatting.known_locale(reader, default)
    return wanted if wanted.language in {*LANGUAGES, fallback.language} else fallback


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the catalogue of a language. It's empty for English and for an unknown one."""
    if language not in LANGUAGES[1:]:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGUES / language / "LC_MESSAGES" / "mail.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
