"""What can go wrong, by HTTP status and problem type (RFC 9457), and how it's described without personal data."""

from __future__ import annotations

import re
from collections.abc import Callable
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

    def __init_subclass__(cls, status: int = 0, slug: str = "", title: str = "") -> None:
        """Set the status, slug and title; those left out are the parent's."""
        cls.status = status or cls.status
        cls.slug = slug or cls.slug
        cls.title = title or cls.title


class Unauthenticated(ReceiverError, status=401, slug="unauthenticated", title="Not authenticated"):
    """Raised when a POST doesn't prove that its sender knows an active secret.

    The answer is one text for all causes. The merchant alone sees ``reason``, a word of ``ADVICE`` in
    ``receiver/intake/refusal_advice.py``, and ``detail``, one sentence without any value that was sent.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(
            "The POST couldn't be verified. Check that both sides have the same shared "
            "secret and that the clock is right. The merchant sees the exact reason."
        )
        self.reason = reason
        self.detail = detail


class SetUpPing(ReceiverError, status=200, slug="ping", title="Set-up ping"):
    """Raised when a POST is no order but a set-up ping, which is answered 200 and of which nothing is kept."""


class TooManyFailures(ReceiverError, status=429, slug="too-many-failures", title="Too many POSTs not verified"):
    """Raised when so many POSTs of one source and address weren't verified that this one may be a guess."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many POSTs from your address couldn't be verified. A right secret is taken at any time.")
        #: Seconds, for the Retry-After header.
        self.retry_after = retry_after


class Undecodable(ReceiverError, status=400, slug="undecodable", title="Body cannot be decoded"):
    """Raised when the body can't be read as its Content-Type."""


class BrokenOff(Undecodable, slug="broken-off", title="Body broke off"):
    """Raised when the body ended before it was complete."""


class EmptyBody(Undecodable, slug="empty-body", title="Body is empty"):
    """Raised when a verified body has no field, so that there's nothing to store."""


class TooLarge(ReceiverError, status=413, slug="too-large", title="Body too large"):
    """Raised when the body has more bytes or fields than MAX_BODY_BYTES or MAX_FIELDS."""


class TooLargeToAsk(TooLarge, slug="too-large-to-ask"):
    """Raised when the body has more bytes than may wait until the shop was asked; no setting changes that."""


class CardDataRefused(ReceiverError, status=422, slug="card-data", title="Card data is never accepted"):
    """Raised when the body holds a full card number with its security code; ``fields`` names the fields."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(f"Never send card details. Remove {', '.join(fields)} from the POST. Nothing was stored.")
        #: Names of the fields at fault, never their values.
        self.fields = fields


class UnknownSource(ReceiverError, status=404, slug="unknown-source", title="No such source"):
    """Raised when the settings have no ``[sources.<name>]`` table for the name in the URL."""


class Unavailable(ReceiverError, status=503, slug="unavailable", title="Cannot be recorded now"):
    """Raised when the order can't be stored right now; the sender should try again."""

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
#: Steps at each end of a long way that are named: to the merchant, and in the log.
_ENDS, _ENDS_IN_THE_LOG = 3, 20
#: The folder of our own files, and what a folder of installed packages is called.
_OURS = Path(__file__).parent
_PACKAGES = frozenset({"site-packages", "dist-packages"})
#: Letters of an error's own words that are kept beside the way to it.
_LONGEST_WORDS = 300


def location(error: BaseException, file: str | None = None) -> str:
    """Name the file and line that raised an error, or the calls through ``file`` and its folder that led there.

    A way is ``mine.py, line 12 > line 30 > helper.py, line 4``, outermost first: a traceback without any value.
    """
    frames = _frames(error)
    return _way([frame for frame in frames if _is_beside(frame[0], file)] or frames[-1:], lambda path: path.name)


def describe_for_log(error: BaseException, file: str | None = None) -> str:
    """Name an error's type and the calls through the kit and ``file``, but not its text, which may be personal.

    The calls are shown as paths: ``receiver/dispatch/processor.py, line 160 > instance/handlers/mine.py, line 12``.
    """
    if isinstance(error, Unavailable):
        return str(error)  # our own words
    frames = _frames(error)
    ours = [frame for frame in frames[:-1] if frame[0].is_relative_to(_OURS) or _is_beside(frame[0], file)]
    return f"{type(error).__name__} at {_way([*ours, *frames[-1:]], _path, _ENDS_IN_THE_LOG)}"


def _frames(error: BaseException) -> list[tuple[Path, int]]:
    return [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]


def _is_beside(path: Path, file: str | None) -> bool:
    """Return whether a file is this one or in its folder or below; for installed packages, only this one."""
    if file is None or path == Path(file):
        return file is not None
    folder = Path(file).parent
    return folder.name not in _PACKAGES and path.is_relative_to(folder)


def _path(path: Path) -> str:
    """Write a path from the folder on that holds the kit, or the installed packages."""
    roots = (folder for folder in path.parents if folder == _OURS.parent or folder.name in _PACKAGES)
    root = next(roots, None)
    return str(path.relative_to(root) if root else path)


def _way(steps: list[tuple[Path, int]], name_of: Callable[[Path], str], ends: int = _ENDS) -> str:
    """Describe the calls through some frames: each name once, and only the ends of a long list, as of a recursion."""
    is_long = len(steps) > 2 * ends
    words, before = [], ""
    for path, line in [*steps[:ends], *steps[-ends:]] if is_long else steps:
        name = name_of(path)
        words.append(f"line {line}" if name == before else f"{name}, line {line}")
        before = name
    if is_long:
        words.insert(ends, "…")
    return " > ".join(words) or "an unknown place"


def describe_with_location(error: BaseException, file: str) -> str:
    """Return an error's words, cut, and the way to it through a handler's ``file`` and its folder."""
    words = describe(error)
    words = words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}…"
    return f"{words} ({location(error, file)})"


def describe(error: BaseException) -> str:
    """Return an error's type and its own words, for the merchant's eyes; an error may fail to give any."""
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - a merchant's own error may do anything here
        words = "(its words can't be read)"
    return f"{type(error).__name__}: {printable(words)}"


def printable(text: str) -> str:
    """Return a text that can be stored and shown, without half surrogate pairs and terminal control characters."""
    return UNPRINTABLE.sub("?", text)
