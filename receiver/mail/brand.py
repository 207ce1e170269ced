"""The shop's look in its emails: a colour with text that's readable on it, a logo, a footer."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Brand:
    """The values of MAIL_COLOUR, MAIL_LOGO_URL and MAIL_FOOTER; each may be empty."""

    colour: str = ""
    logo_url: str = ""
    footer: str = ""

    @property
    def text_colour(self) -> str:
        """Return black or white, whichever has more contrast with the colour: at least 4.5 to 1 (WCAG 2.2 AA)."""
        return max("#000000", "#ffffff", key=lambda text: contrast(text, self.colour))


def from_settings(settings: Settings) -> Brand:
    """Read the brand from the settings."""
    return Brand(colour=settings.MAIL_COLOUR, logo_url=settings.MAIL_LOGO_URL, footer=settings.MAIL_FOOTER.strip())


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours such as #1f5f8b, from 1 to 21 (WCAG)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
