"""The shop's colour, logo and footer in its mails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from receiver.mail.brand import Brand, contrast
from receiver.mail.templates import MailTemplates, Rendered
from receiver.orders.sample import dummy_order
from tests.mail_pages import Page

ORDER = dummy_order(now=datetime(2026, 11, 23, tzinfo=UTC), nonce="1")
FOOTER = "Zoë's Corner Shop <Berlin>\nOranienstraße 14"


def confirmation(tmp_path: Path, **brand: str) -> Rendered:
    templates = MailTemplates(tmp_path, "en", UTC, shop_name="Zoë's Shop", brand=Brand(**brand))
    return templates.render("order_confirmation", order=ORDER)


def page(rendered: Rendered) -> Page:
    assert rendered.html is not None
    return Page(rendered.html)


@pytest.mark.parametrize(("colour", "text"), [("#1f5f8b", "#ffffff"), ("#FFEB3B", "#000000"), ("#777777", "#000000")])
def test_text_on_the_colour_is_black_or_white_whichever_can_be_read(colour: str, text: str, tmp_path: Path) -> None:
    assert Brand(colour=colour).text_colour == text
    assert f"background-color:{colour}; color:{text};" in str(confirmation(tmp_path, colour=colour).html)


@pytest.mark.parametrize("red", range(0, 256, 51))
@pytest.mark.parametrize("green", range(0, 256, 51))
def test_text_has_enough_contrast_on_every_colour(red: int, green: int) -> None:
    for blue in range(0, 256, 15):
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        assert contrast(Brand(colour=colour).text_colour, colour) >= 4.5


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == 1


def test_without_a_brand_the_mail_has_no_head_of_its_own(tmp_path: Path) -> None:
    html = str(confirmation(tmp_path).html)
    assert "bgcolor" not in html
    assert "<img" not in html


def test_with_a_colour_the_shops_name_is_at_the_top(tmp_path: Path) -> None:
    text = page(confirmation(tmp_path, colour="#1f5f8b")).text
    assert text.index("Zoë's Shop") < text.index("TEST:") < text.index("Thank you")


def test_a_logo_says_the_shops_name_where_pictures_are_not_shown(tmp_path: Path) -> None:
    attributes = page(confirmation(tmp_path, logo_url="https://laden.de/logo.png")).attributes
    assert ("src", "https://laden.de/logo.png") in attributes
    assert ("alt", "Zoë's Shop") in attributes


def test_the_footer_is_at_the_end_as_text(tmp_path: Path) -> None:
    rendered = confirmation(tmp_path, footer=FOOTER)
    assert rendered.text.endswith(f"\n{FOOTER}\n")
    seen = page(rendered)
    assert seen.text.strip().endswith("Oranienstraße 14")
    assert "berlin" not in seen.tags


def test_the_settings_reach_the_mails(make_app: Callable[..., Flask]) -> None:
    app = make_app(MAIL_COLOUR="#1f5f8b", MAIL_LOGO_URL="https://laden.de/l.png", MAIL_FOOTER=f"{FOOTER}\n")
    rendered = app.extensions["receiver"].own_mails.preview("order_notice")
    for words in ("#1f5f8b", "https://laden.de/l.png", "Oranienstraße 14"):
        assert words in rendered.html
