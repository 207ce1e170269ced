"""Find the kinds of source: classes that say what the POSTs of one sort of shop mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from receiver.settings import extensions
from receiver.settings.instance_files import InstanceFiles
from receiver.sources import source as contract
from receiver.sources.source import MARK, Source

#: The files of the built-in kinds; some hold two.
BUILT_IN = tuple(
    f"receiver.sources.{name}"
    for name in (
        "shopify",
        "woocommerce",
        "stripe",
        "paddle",
        "squarespace",
        "ecwid",
        "foxy",
        "kofi",
        "generic_hmac",
        "gumroad",
        "lemonsqueezy",
        "thrivecart",
        "hotmart",
        "digistore24",
        "snipcart",
        "mollie",
        "paypal_ipn",
        "paypal_webhooks",
        "bigcommerce",
        "ecwid_api",
    )
)
DOOR = extensions.Door("sources", built_in=BUILT_IN, decorator="@source_kind", mark=MARK, file=contract.__file__)


@dataclass(frozen=True)
class Kinds:
    """The kinds that were found, and a sentence for each that couldn't be taken."""

    types: Mapping[str, type[Source]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    #: The merchant's files; their modules live as long as this.
    files: InstanceFiles | None = None


def load(instance: Path) -> Kinds:
    """Find all kinds; a broken one is reported and stops no other."""
    files = InstanceFiles(instance / DOOR.name)
    found, problems = extensions.by_name(DOOR, files)
    return Kinds({name: kind.type for name, kind in found.items()}, tuple(problems), files)
