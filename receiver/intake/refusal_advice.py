"""What the reasons of a refusal mean and what to do next, in one wording for console and doctor."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """Is one reason in plain words, and the next step."""

    meaning: str
    next_step: str


_BODY = "The sender has to change what it sends; compare with the Order Guide."

#: By the reason that is kept: the word of an Unauthenticated, the slug of any other error.
ADVICE = {
    "no_secret": Advice("No secret here", "Add the service's secret: flask secret add SECRET"),
    "signature_required": Advice("Not signed", "Have the sender sign, or set REQUIRE_SIGNATURE to false."),
    "header_missing": Advice(
        "Signature incomplete", "The sender has to send all three webhook- headers, none empty; see the Order Guide."
    ),
    "malformed_header": Advice(
        "Signature malformed", "The sender has to build the header as Standard Webhooks has it; see the Order Guide."
    ),
    "clock_off": Advice("Clock off", "Set the clocks of this machine and of the sender by NTP."),
    "body_changed": Advice(
        "Body changed", "Look for a proxy or firewall that rewrites bodies; the bytes signed must be the bytes sent."
    ),
    "retired_secret": Advice("Retired secret", "Give the sender the secret that is active now: flask secret list"),
    "secret_of_another_url": Advice(
        "Secret of another URL",
        "Correct the URL at the sender, or put its secret into `secrets` of the URL's [sources.NAME] table, where no "
        "other is taken.",
    ),
    "unknown_secret": Advice(
        "Unknown secret", "Copy the secret from the service's Order Controls, then: flask secret add SECRET"
    ),
    "unknown_source": Advice(
        "Unknown URL", "Correct the URL at the sender, or add a [sources.NAME] table to instance/config.toml."
    ),
    "broken_off": Advice("Body broke off", "Look for a time limit of the sender, or of a proxy before this server."),
    "empty_body": Advice(
        "Body is empty",
        "Have the sender put the order into the body; if it does, look for a redirect or a proxy that drops bodies.",
    ),
    "undecodable": Advice("Cannot be decoded", _BODY),
    "too_large": Advice("Too large", "If orders are really that large, raise MAX_BODY_BYTES or MAX_FIELDS."),
    "unsupported_encoding": Advice("Encoding not supported", _BODY),
    "card_data": Advice("Card data", "Have the sender leave that field out; card details are never taken."),
}


def advice(reason: str) -> Advice:
    """Give what is advised on a reason; of one that is not known, its own word."""
    return ADVICE.get(reason) or Advice(reason.replace("_", " ").capitalize(), _BODY)
