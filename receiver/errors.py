"""What can go wrong, by HTTP status and problem type (RFC 9457), and how it is described without personal data."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import walk_tb


class ReceiverError(Exception):
    """The root of all errors that a request can end in; never raised itself.

    ``str(error)`` is safe to send: it says what to do and holds no secret, no value of the body.
    """

    #: HTTP status of the answer.
    status = 500
    #: Last part of the problem type, ``urn:order-receiver:problem:<slug>``.
    slug = "internal"
    #: RFC 9457 title: the same for every error of the type.
    title = "Internal error"


class Unauthenticated(ReceiverError):
    """Raised when a POST doesn't prove that its sender knows an active secret.

    The answer is one text for all causes; ``reason`` and ``detail`` are for the merchant's eyes only.
    """

    status = 401
    slug = "unauthenticated"
    title = "Not authenticated"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(
            "The POST couldn't be verified. Check that both sides have the same shared "
            "secret and that the clock is right. The merchant sees the exact reason."
        )
        #: One word: ``no_secret``, ``signature_required``, ``header_missing``, ``malformed_header``, ``clock_off``,
        #: ``body_changed``, ``retired_secret``, ``secret_of_another_url`` or ``unknown_secret``.
        self.reason = reason
        #: One sentence for the merchant, without any value that was sent.
        self.detail = detail


class Undecodable(ReceiverError):
    """Raised when the body can't be read as its Content-Type."""

    status = 400
    slug = "undecodable"
    title = "Body cannot be decoded"


class BrokenOff(Undecodable):
    """Raised when the body ended before it was complete."""

    slug = "broken-off"
    title = "Body broke off"


class EmptyBody(Undecodable):
    """Raised when a verified body has no field, so that there is nothing to store."""

    slug = "empty-body"
    title = "Body is empty"


class TooLarge(ReceiverError):
    """Raised when the body has more bytes or fields than MAX_BODY_BYTES or MAX_FIELDS."""

    status = 413
    slug = "too-large"
    title = "Body too large"


class UnsupportedEncoding(ReceiverError):
    """Raised when the Content-Type isn't one of the three supported, or the body is compressed."""

    status = 415
    slug = "unsupported-encoding"
    title = "Encoding not supported"


class CardDataRefused(ReceiverError):
    """Raised when the body holds a full card number with its security code; ``fields`` names the fields."""

    status = 422
    slug = "card-data"
    title = "Card data is never accepted"

    def __init__(self, fields: list[str]) -> None:
        super().__init__(f"Never send card details. Remove {', '.join(fields)} from the POST. Nothing was stored.")
        #: Names of the fields at fault, never their values.
        self.fields = fields


class UnknownSource(ReceiverError):
    """Raised when the settings have no ``[sources.<name>]`` table for the name in the URL."""

    status = 404
    slug = "unknown-source"
    title = "No such source"


class Unavailable(ReceiverError):
    """Raised when the order can't be stored right now; the sender should try again."""

    status = 503
    slug = "unavailable"
    title = "Cannot be recorded now"
    #: Seconds, for the Retry-After header.
    retry_after = 30


class Busy(Unavailable):
    """Raised when others held the database for too long; nothing is wrong with it."""


class Damaged(Unavailable):
    """Raised when the database itself is damaged, so that waiting doesn't help."""


class SecretsChanged(Unavailable):
    """Raised when the shared secrets changed while a POST was handled; it must be verified again."""

    def __init__(self) -> None:
        super().__init__("The shared secrets are being changed. Try again.")


class SecretsUnreadable(Unavailable):
    """Raised when none of the stored shared secrets can be read, so that nothing can be verified."""

    def __init__(self) -> None:
        super().__init__("The receiver can't read its shared secrets right now. Send it again later.")


class ConfigurationError(Exception):
    """Raised with the wrong setting and its fix. It isn't a ReceiverError, so that no broad catch hides it."""


class NotPossible(ConfigurationError):
    """Raised when a request can't be carried out as things are; the text is for whoever asked."""


class NotThere(NotPossible):
    """Raised when nothing has the requested name; the text says where to look."""


class ChangedMeanwhile(NotPossible):
    """Raised when something changed since it was read, so that nothing was saved."""


#: Control characters but tab and line feed, the marks that turn the direction of all text after them, surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: Steps that are named at each end of a long way.
_ENDS = 3
#: The same in the log, which is to name every frame but those of a function that calls itself for ever.
_ENDS_IN_THE_LOG = 20
#: The folder of our own files, and what a folder of installed packages is called.
_OURS = Path(__file__).parent
_PACKAGES = frozenset({"site-packages", "dist-packages"})
#: Letters of an error's own words that are kept beside the way to it.
_LONGEST_WORDS = 300


def location(error: BaseException, file: str | None = None) -> str:
    """Name the file and line that raised an error, or the way there through ``file`` and those beside it, if any.

    A way is ``mine.py, line 12 > line 30 > helper.py, line 4``, outermost first: a traceback without any value.
    """
    frames = _frames(error)
    if not frames:
        return "a place unknown"
    steps = _in_short([frame for frame in frames if _stands_beside(frame[0], file)] or frames[-1:], _ENDS)
    return _written([(Path(name).name, line) for name, line in steps])


def way(error: BaseException, file: str | None = None) -> str:
    """Name each frame of ours, and of ``file`` and those beside it, by path and line, and the one that raised.

    Outermost first, as ``receiver/dispatch/processor.py, line 160 > instance/handlers/mine.py, line 12``: enough to
    find a fault, and no value of any variable.
    """
    frames = _frames(error)
    if not frames:
        return "a place unknown"
    ours = [frame for frame in frames[:-1] if _is_ours(frame[0]) or _stands_beside(frame[0], file)]
    steps = _in_short([*ours, frames[-1]], _ENDS_IN_THE_LOG)
    return _written([(_path(name), line) for name, line in steps])


def _frames(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]


def _is_ours(name: str) -> bool:
    return Path(name).is_relative_to(_OURS)


def _path(name: str) -> str:
    """Write a file's path from the kit's folder on, or from that of the installed packages, where it lies in one."""
    path = Path(name)
    if path.is_relative_to(_OURS.parent) and not _PACKAGES.intersection(path.relative_to(_OURS.parent).parts):
        return str(path.relative_to(_OURS.parent))
    above = next((folder for folder in path.parents if folder.name in _PACKAGES), None)
    return str(path.relative_to(above)) if above else name


def _written(steps: list[tuple[str, int]]) -> str:
    names = [name for name, _ in steps]
    named = [f"{name}, " if name != before else "" for before, name in zip(["", *names], names, strict=False)]
    return " > ".join(f"{name}line {line}" if line else "…" for name, (_, line) in zip(named, steps, strict=True))


def _stands_beside(name: str, file: str | None) -> bool:
    """Return whether a file is this one or in its folder or below; for installed packages, only this one."""
    if file is None or name == file:
        return name == file
    folder = Path(file).parent
    return folder.name not in _PACKAGES and Path(name).is_relative_to(folder)


def _in_short(steps: list[tuple[str, int]], ends: int) -> list[tuple[str, int]]:
    """Put line 0 for the middle of a long way, such as that of a function that calls itself for ever."""
    return steps if len(steps) <= 2 * ends else [*steps[:ends], (steps[ends - 1][0], 0), *steps[-ends:]]


def describe_for_log(error: BaseException, file: str | None = None) -> str:
    """Name an error's type and the way to it, and nothing of what it says.

    Of a disk that takes nothing, say our own words.
    """
    if isinstance(error, Unavailable):
        return str(error)
    return f"{type(error).__name__} at {way(error, file)}"


def describe_with_location(error: BaseException, file: str) -> str:
    """Return an error's words, cut, and the way to it through a handler's ``file`` and those beside it."""
    words = describe(error)
    words = words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}…"
    return f"{words} ({location(error, file)})"


def describe(error: BaseException) -> str:
    """Return an error's type and its own words, for the merchant's eyes; an error may fail to give any."""
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - a merchant's own error may do anything when it is asked
        words = "(its words cannot be read)"
    return f"{type(error).__name__}: {printable(words)}"


def printable(text: str) -> str:
    """Return a text that can be stored and shown: half of a surrogate pair cannot, nor what steers a terminal."""
    return UNPRINTABLE.sub("?", text)
