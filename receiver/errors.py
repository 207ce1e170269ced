"""The one family of errors; each knows its HTTP status and problem type (RFC 9457)."""

from __future__ import annotations


class ReceiverError(Exception):
    """Is the root of all errors a request can end in; never raised itself.

    ``str(error)`` is safe to send: it says what to do and holds no secret, no value of the body.
    """

    #: HTTP status of the answer.
    status = 500
    #: Last part of the problem type, ``urn:order-receiver:problem:<slug>``.
    slug = "internal"
    #: RFC 9457 title: the same for every error of the type.
    title = "Internal error"


class Unauthenticated(ReceiverError):
    """Says that a POST did not prove that its sender knows an active secret.

    The answer is one text for all causes; ``reason`` and ``detail`` are for the merchant's eyes only.
    """

    status = 401
    slug = "unauthenticated"
    title = "Not authenticated"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(
            "The POST does not prove knowledge of the shared secret. Check that both sides hold the same "
            "secret and that the clock is right; the merchant sees the exact reason."
        )
        #: One word: ``no_secret``, ``signature_required``, ``header_missing``, ``malformed_header``, ``clock_off``,
        #: ``body_changed``, ``retired_secret``, ``secret_of_another_url`` or ``unknown_secret``.
        self.reason = reason
        #: One sentence for the merchant, without any value that was sent.
        self.detail = detail


class Undecodable(ReceiverError):
    """Says that the body's bytes cannot be read as its Content-Type."""

    status = 400
    slug = "undecodable"
    title = "Body cannot be decoded"


class BrokenOff(Undecodable):
    """Says that the body ended before it was whole."""

    slug = "broken-off"
    title = "Body broke off"


class EmptyBody(Undecodable):
    """Says that the body was proven and holds not one field, so that there is nothing to keep."""

    slug = "empty-body"
    title = "Body is empty"


class TooLarge(ReceiverError):
    """Says that the body has more bytes or fields than MAX_BODY_BYTES or MAX_FIELDS."""

    status = 413
    slug = "too-large"
    title = "Body too large"


class UnsupportedEncoding(ReceiverError):
    """Says that the Content-Type is none of the three that an order may come in, or that the body is compressed."""

    status = 415
    slug = "unsupported-encoding"
    title = "Encoding not supported"


class CardDataRefused(ReceiverError):
    """Says that the body holds a full card number with its security code; ``fields`` are the names at fault."""

    status = 422
    slug = "card-data"
    title = "Card data is never accepted"

    def __init__(self, fields: list[str]) -> None:
        super().__init__(
            f"Card details must never be part of the POST; remove {', '.join(fields)} from it. Nothing of it was kept."
        )
        #: Names of the fields at fault, never their values.
        self.fields = fields


class UnknownSource(ReceiverError):
    """Says that no ``[sources.<name>]`` table of the settings has the name in the URL."""

    status = 404
    slug = "unknown-source"
    title = "No such source"


class Unavailable(ReceiverError):
    """Says that the order could not be put on disk now; the sender is to try again."""

    status = 503
    slug = "unavailable"
    title = "Cannot be recorded now"
    #: Seconds, for the Retry-After header.
    retry_after = 30


class Busy(Unavailable):
    """Says that others have held the database for too long; nothing is wrong with it."""


class Damaged(Unavailable):
    """Says that the database itself is at fault, so that waiting alone does not help."""


class SecretsChanged(Unavailable):
    """Says that the shared secrets changed while a POST was being taken in; it is to be proven anew."""

    def __init__(self) -> None:
        super().__init__("The shared secrets are being changed; try again.")


class SecretsUnreadable(Unavailable):
    """Says that shared secrets are stored and none of them can be read, so that nothing can be proven now."""

    def __init__(self) -> None:
        super().__init__("The receiver cannot read its shared secrets now; send it again later.")


class ConfigurationError(Exception):
    """Says which setting is wrong and how to mend it; stands outside the root so no broad catch hides it."""


class NotPossible(ConfigurationError):
    """Says why what was asked for cannot be done as things are; no setting is wrong, and whoever asked reads it."""


class NotThere(NotPossible):
    """Says that nothing has the name that was asked for, and where to look for those that there are."""


class ChangedMeanwhile(NotPossible):
    """Says that what was to be changed is no longer as it was seen, so that nothing was changed."""
