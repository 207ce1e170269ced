"""What a merchant needs to know to connect a shop of one kind: the console, the commands and docs/ say it from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guide:
    """How a shop is connected; texts may hold `code` and **words on the shop's pages**."""

    #: What the shop is called.
    title: str
    #: What to do at the shop, one step each. “The address” is that of the source.
    clicks: tuple[str, ...] = ()
    #: What the shop calls the secret.
    calls_it: str = "secret"
    #: Whether the merchant makes the secret up and enters it at the shop.
    is_chosen: bool = False
    #: What shows that the shop sent it, and that it wasn't sent before.
    verified_by: str = ""
    replay: str = "the order's id"
    #: What else to know.
    notes: str = ""
    #: What the shop doesn't send.
    missing: str = ""
    #: What to look for at the shop once no orders come from it: one sentence.
    when_quiet: str = ""
    #: Whether it follows what the shop publishes alone: no body that the shop itself made could be had.
    is_untried: bool = False


#: For a service that signs as the kit does, or sends the secret itself.
OTHER = Guide(
    "Another service",
    (
        "Enter the address where the service asks for a webhook, a callback or “your own server URL”.",
        "Enter the secret there. The service sends it in a header or a field, or signs by Standard Webhooks.",
    ),
    is_chosen=True,
    verified_by="the secret itself, or a Standard Webhooks signature",
    notes="If its names differ from those of the Order Guide, its orders are parked until you map them.",
)
