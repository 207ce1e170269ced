"""The forms of Settings → Sources: a new source, and a new secret of one."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length, Regexp

from receiver.web.console.settings import OVERLAPS

_LONGEST_SECRET = Length(max=8_000, message="Use at most 8,000 characters.")


class SecretField(TextAreaField):  # type: ignore[misc]
    """A secret to paste; a public key has several lines."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, [_LONGEST_SECRET], **options)


class SourceForm(FlaskForm):  # type: ignore[misc]
    """The form for a new source."""

    name = StringField("Name")
    secret = SecretField("Secret")
    header = StringField(
        "Header of the signature",
        [Regexp(r"[A-Za-z0-9-]{1,100}$", message="A header's name has letters, digits and -.")],
        default="X-Signature",
    )
    digest = SelectField("Hash", choices=["sha256", "sha1", "sha384", "sha512"])
    encoding = SelectField("Written in", choices=["hex", "base64"])


class TableForm(FlaskForm):  # type: ignore[misc]
    """The form for what else a source's table may hold."""

    table = TextAreaField("As in config.toml", [Length(max=20_000, message="Use at most 20,000 characters.")])


class NewSecretForm(FlaskForm):  # type: ignore[misc]
    """The form for a new secret of a source."""

    secret = SecretField("New secret")
    overlap = SelectField("The old one stays valid", choices=OVERLAPS)
