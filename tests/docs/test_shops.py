"""The page of the shops is what the guides of the kinds say."""

from __future__ import annotations

from pathlib import Path

from docs.generate.shops import PAGE, drawn
from receiver.sources import Source, kinds
from receiver.sources.guide import Guide

TYPES = kinds.load(Path("nowhere")).types


def test_the_tracked_page_is_what_the_guides_make() -> None:
    """Run ``python -m docs.generate.shops`` after a change of a guide."""
    page = PAGE.read_text("utf-8")
    assert drawn(page) == page


def test_every_shop_says_where_to_click_and_what_its_secret_is() -> None:
    own = {name: kind.__dict__.get("guide") for name, kind in TYPES.items()}
    assert [name for name, guide in own.items() if guide is None] == []
    assert [name for name, guide in own.items() if guide and (len(guide.clicks) < 2 or not guide.verified_by)] == []


def test_a_changed_guide_changes_table_and_steps() -> None:
    class Mine(Source):
        guide = Guide("My Shop", ("Click.",), verified_by="a token", missing="Names.", is_untried=True)

    class Yours(Source):
        guide = Guide("Your Shop", ("Press.",), notes="Paid.", is_untried=True)

    page = drawn(PAGE.read_text("utf-8"), {"mine": Mine, "yours": Yours, "silent": Source})
    assert "| [My Shop](#my-shop) | `mine` | a token | the order's id |" in page
    assert "## My Shop\n\n1. Click.\n\nWhat isn't sent: names.\n\n## Your Shop\n\n1. Press.\n\nPaid.\n" in page
    assert "My Shop and Your Shop are *untried*" in page
    assert "Shopify](" not in page
