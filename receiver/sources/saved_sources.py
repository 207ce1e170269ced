"""The sources that were added in the console or by a command, built from their rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from receiver.errors import ConfigurationError
from receiver.security import encryption
from receiver.sources import tables
from receiver.sources.kinds import Kinds
from receiver.sources.saved_options import Saved
from receiver.sources.source import Source


def built(saved: Saved, kinds: Kinds, secret_key: str) -> dict[str, Source]:
    """Return each source by name; one that can't verify anything has the reason as its ``trouble``."""
    return {name: _source(name, text, saved, kinds, secret_key) for name, text in saved.sources}


def _source(name: str, text: str, saved: Saved, kinds: Kinds, secret_key: str) -> Source:
    stored = [encryption.decrypted(secret_key, secret) for source, secret in saved.secrets if source == name]
    readable = [secret for secret in stored if secret is not None]
    try:
        table: Any = json.loads(text)
        source = replace(tables.source_of(name, {**table, "secrets": readable}, kinds), is_saved=True)
    except (ConfigurationError, ValueError, TypeError) as error:
        why = error if isinstance(error, ConfigurationError) else "its row in the database was changed by hand."
        trouble = f"The source {name} can't be used, so every POST to it is answered 503: {why}"
        return Source(name, is_saved=True, trouble=trouble)
    if stored and not readable:
        trouble = (
            f"The secrets of the source {name} can't be read with this SECRET_KEY, so every POST to it is answered "
            "503. Put the right secret_key back, or enter the secret again under Settings → Sources."
        )
        return replace(source, trouble=trouble)
    return source
