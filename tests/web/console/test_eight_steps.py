"""The service's eight steps, by the words that the console shows, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.served import Served
from tests.web.console.browsing import Browsing
from tests.web.console.foreign_receiver import ForeignReceiver, foreign_receiver

ENABLE = "Enable HTTP POST of Completed Order Data to Your Own Server URL"
SAVE = "Save All Order Control Changes"
TEST = "Test HTTP POST of Dummy Customer Data to Your Server URL"


class ByMouse:
    """Works the page by clicking; needs no script."""

    def __init__(self, browsing: Browsing) -> None:
        self.page = browsing.page

    def press(self, what: Locator) -> None:
        """Press a link, a button, a box or a section's heading."""
        what.click()

    def write(self, what: Locator, text: str) -> None:
        """Fill a field in."""
        what.fill(text)


class ByKeyboard(ByMouse):
    """Works the page by Tab, Enter, Space and typing alone."""

    def press(self, what: Locator) -> None:
        """Go there and press the key that activates it."""
        self._go_to(what)
        self.page.keyboard.press("Space" if what.get_attribute("type") == "checkbox" else "Enter")

    def write(self, what: Locator, text: str) -> None:
        """Go to a field and type over what it holds."""
        self._go_to(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def _go_to(self, what: Locator) -> None:
        for _ in range(80):
            if what.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {what}")


def walk(hand: ByMouse, url: str, *, tick_secret_field: bool, take_secret: Callable[[str], None]) -> Locator:
    """Walk steps (i) to (viii) and give the result of the test transmission."""
    page = hand.page
    controls = page.locator("summary").filter(has_text="Show Order Controls")

    hand.press(page.locator("summary").filter(has_text="Customer"))
    hand.press(page.get_by_role("link", name="Order Manager"))
    expect(page.get_by_label("Your own server URL", exact=True)).to_be_hidden()
    hand.press(controls)  # (i)
    expect(page.get_by_text("Card details are never part of the data.")).to_be_visible()
    hand.press(page.get_by_role("checkbox", name=ENABLE))  # (ii)
    hand.write(page.get_by_label("Your own server URL", exact=True), url)  # (iii)
    if tick_secret_field:
        hand.press(page.get_by_label("Also send the secret as the field shared_secret"))
    hand.press(page.get_by_role("button", name=SAVE))  # (iv)
    expect(page.get_by_role("status").first).to_contain_text("All Order Control changes saved.")
    shown = page.get_by_label("Shared secret", exact=True).inner_text()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", shown)
    take_secret(shown)  # (v)
    hand.press(controls)  # (vi)
    hand.press(page.get_by_role("button", name=TEST))  # (vii)
    result = page.get_by_role("region", name="Result of the test transmission")
    expect(result).to_be_visible()  # (viii)
    assert shown not in page.content()
    return result


@pytest.fixture
def receiver(serve: Callable[..., Served]) -> Served:
    """Return a receiver, with the console in it, that may post to itself."""
    return serve(RELAY_ALLOW_PRIVATE=True)


@pytest.mark.parametrize("hand", [ByKeyboard, ByMouse])
def test_the_eight_steps_against_this_very_receiver(
    receiver: Served, browse: Callable[..., Browsing], hand: type[ByMouse]
) -> None:
    """By mouse it is walked without JavaScript."""
    browsing = browse(receiver.base, java_script_enabled=hand is ByKeyboard)
    browsing.sign_in()
    give = browsing.page.get_by_role("button", name="Give the secret to this receiver")
    hands = hand(browsing)
    result = walk(hands, receiver.url, tick_secret_field=False, take_secret=lambda _: hands.press(give))
    for word in ("delivered", "127.0.0.1", "200", "register_customer", "webhook-signature", "tested"):
        expect(result).to_contain_text(word)
    assert {row.test for row in receiver.rows()} == {True}


def test_the_eight_steps_against_a_foreign_receiver(receiver: Served, browse: Callable[..., Browsing]) -> None:
    with foreign_receiver() as foreign:
        browsing = browse(receiver.base)
        browsing.sign_in()

        def take(secret: str) -> None:
            expect(browsing.page.get_by_label("Command for the receiver")).to_have_text(
                f".venv/bin/flask secret add '{secret}'"
            )
            foreign.secret = secret

        result = walk(ByKeyboard(browsing), foreign.url, tick_secret_field=True, take_secret=take)
        for word in ("delivered", "127.0.0.1", "200", "thank you"):
            expect(result).to_contain_text(word)
        assert [one.startswith("TEST-") for one in foreign.taken] == [True]


def test_a_receiver_with_another_secret_is_told_apart(receiver: Served, browse: Callable[..., Browsing]) -> None:
    with foreign_receiver() as foreign:
        browsing = browse(receiver.base)
        browsing.sign_in()
        result = walk(ByMouse(browsing), foreign.url, tick_secret_field=True, take_secret=_lose(foreign))
        expect(result).to_contain_text("The receiver couldn't verify the POST (401)")
        expect(result).to_contain_text("Copy this secret to the receiver again")
        expect(result).to_contain_text("who are you?")


def _lose(foreign: ForeignReceiver) -> Callable[[str], None]:
    def lose(_secret: str) -> None:
        foreign.secret = "another"

    return lose
