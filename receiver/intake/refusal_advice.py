"""What the reasons of a refusal mean and what to do next, in one wording for console and doctor."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """One reason in plain words, and the next step."""

    meaning: str
    next_step: str


_BODY = "The sender must change what it sends. Compare it with the Order Guide."

#: By the reason that's kept: the word of an Unauthenticated, the slug of any other error.
ADVICE = {
    "no_secret": Advice("No secret here", "Add the service's secret: flask secret add SECRET"),
    "signature_required": Advice("Not signed", "Have the sender sign its POSTs, or set REQUIRE_SIGNATURE to false."),
    "header_missing": Advice(
        "Signature incomplete",
        "The sender must send every header of its signature, none of them empty. See the Order Guide.",
    ),
    "malformed_header": Advice(
        "Signature malformed",
        "The sender must format the header as its scheme says: Standard Webhooks, or its shop's. See the Order Guide.",
    ),
    "clock_off": Advice("Clock off", "Sync the clocks of this machine and the sender with NTP."),
    "signature_differs": Advice(
        "Signature differs",
        "Enter the shop's secret again under Settings → Sources, or in its [sources.NAME] table. If it's right, look "
        "for a proxy that rewrites bodies.",
    ),
    "no_secret_of_source": Advice(
        "No secret of this shop",
        'Enter it under Settings → Sources, or in the [sources.NAME] table of a source of config.toml: secrets = ["…"]',
    ),
    "field_missing": Advice("Secret missing", "The shop must send its secret in the field that the source names."),
    "nothing_to_ask": Advice(
        "Names no order",
        "If it was a test or a stray POST, there's nothing to do. If the shop sends its orders like this, set it up as "
        "the source's page under Settings → Sources says.",
    ),
    "scheme_failed": Advice("Scheme failed", "Fix the scheme in the file of instance/sources that is named."),
    "not_confirmed": Advice(
        "Not the shop's own", "If the shop did send it, check the source's secret, and have it sent again by the shop."
    ),
    "other_account": Advice(
        "Another account's", "Compare the source's secret with the account at the shop: it names another one."
    ),
    "other_network": Advice(
        "Address not listed",
        "If it was the shop, list its address in `addresses` of the source's table.",
    ),
    "never_answered": Advice(
        "No answer of the shop", "Fix what the detail names, and have the shop send it again, or import the order."
    ),
    "too_many_failures": Advice(
        "Too many not verified",
        "See the reasons of those before: a sender has a wrong secret, or somebody guesses.",
    ),
    "body_changed": Advice(
        "Body changed", "Look for a proxy or firewall that rewrites bodies: the bytes signed must be the bytes sent."
    ),
    "retired_secret": Advice("Retired secret", "Give the sender the active secret. See which with: flask secret list"),
    "secret_of_another_url": Advice(
        "Secret of another URL",
        "Fix the URL at the sender, or add its secret to `secrets` in the URL's [sources.NAME] table, which accepts no "
        "others.",
    ),
    "unknown_secret": Advice(
        "Unknown secret", "Copy the secret from the service's Order Controls, then run: flask secret add SECRET"
    ),
    "unknown_secret_of_source": Advice(
        "No secret of this source",
        "Compare the secret at the sender with the source's own. Enter a new one under Settings → Sources, with "
        "`flask sources secret NAME`, or in `secrets` of its [sources.NAME] table.",
    ),
    "unknown_source": Advice("Unknown URL", "Fix the URL at the sender, or add the source under Settings → Sources."),
    "ping": Advice("Set-up ping", "Nothing to do: it was answered 200, and nothing was kept."),
    "broken_off": Advice("Incomplete body", "Look for a timeout at the sender, or in a proxy in front of this server."),
    "empty_body": Advice(
        "Empty body",
        "Have the sender put the order in the body. If it does, look for a redirect or a proxy that drops bodies.",
    ),
    "undecodable": Advice("Can't be decoded", _BODY),
    "too_large": Advice("Too large", "If orders are really that large, raise MAX_BODY_BYTES or MAX_FIELDS."),
    "too_large_to_ask": Advice(
        "Too large to ask about",
        "Nothing larger waits until its shop was asked, and no setting changes that. If the shop did send it, import "
        "the order.",
    ),
    "card_data": Advice("Card data", "Have the sender leave that field out. Card details are never accepted."),
}


def advice(reason: str) -> Advice:
    """Return the advice on a reason; for an unknown one, its own word."""
    return ADVICE.get(reason) or Advice(reason.replace("_", " ").capitalize(), _BODY)
