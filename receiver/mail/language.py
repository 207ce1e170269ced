"""The language of a mail: those that there are words in, which one a reader gets, and its catalogue."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from receiver.mail import formatting

#: A folder for each language but English, which the templates are written in.
CATALOGUES = Path(__file__).parent / "translations"
#: What the mails can be written in.
LANGUAGES = ("en", *sorted(path.name for path in CATALOGUES.iterdir()))


def locale_for(reader: str | None, default: str) -> Locale:
    """Return the locale to write in: the reader's (BCP 47) when there are words in it, else the default one.

    So a mail is in one language, and its amounts and dates too.
    """
    fallback = formatting.known_locale(default, "en")
    wanted = formatting.known_locale(reader, default)
    return wanted if wanted.language in {*LANGUAGES, fallback.language} else fallback


@cache
def catalogue(language: str) -> NullTranslations:
    """Read the words of a language; there are none for English, nor for one that is unknown."""
    if language not in LANGUAGES[1:]:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGUES / language / "LC_MESSAGES" / "mail.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
