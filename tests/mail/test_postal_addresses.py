"""Postal addresses in the order of their country."""

from __future__ import annotations

import pytest
from babel import Locale

from receiver.mail.postal_addresses import lines
from receiver.orders import Address

ENGLISH = Locale("en")
COUNTRIES = sorted(code for code in map(str, ENGLISH.territories) if len(code) == 2 and code.isalpha())


def written(place: Address) -> str:
    return " / ".join(lines(place, ENGLISH))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (
            Address(name="Ada L", line1="1 High St", city="Leeds", region="ENG", postcode="LS2 7EY", country="GB"),
            "Ada L / 1 High St / Leeds / LS2 7EY / United Kingdom",
        ),
        (
            Address(line1="1 High St", city="Leeds", region="West Yorkshire", postcode="LS2 7EY", country="GB"),
            "1 High St / Leeds / West Yorkshire / LS2 7EY / United Kingdom",
        ),
        (
            Address(line1="1 Main St", line2="Apt 4", city="Davis", region="CA", postcode="95616", country="US"),
            "1 Main St / Apt 4 / Davis, CA 95616 / United States",
        ),
        (
            Address(name="Zoë", company="Töchter", line1="Allee 1", city="Bonn", postcode="53111", country="DE"),
            "Zoë / Töchter / Allee 1 / 53111 Bonn / Germany",
        ),
        (
            Address(name="Jan", line1="Długa 1", city="Kraków", region="MA", postcode="31-147", country="PL"),
            "Jan / Długa 1 / 31-147 Kraków / Poland",
        ),
        (
            Address(name="山田", line1="1-1", city="千代田区", region="東京都", postcode="100-0001", country="JP"),
            "〒100-0001 / 東京都 / 千代田区 / 1-1 / 山田 / Japan",
        ),
        (
            Address(line1="Gasse 1", city="Bern", postcode="CH-3011", country="CH"),
            "Gasse 1 / CH-3011 Bern / Switzerland",
        ),
        (
            Address(line1="1 Bay Rd", city="Singapore", postcode="018956", country="SG"),
            "1 Bay Rd / SINGAPORE 018956 / Singapore",
        ),
        (Address(city="Leeds", postcode="LS2"), "LS2 Leeds"),
        (Address(postcode="95616", country="US"), "95616 / United States"),
        (Address(country="US"), "United States"),
        (Address(), ""),
    ],
)
def test_an_address_is_written_as_its_country_does(place: Address, expected: str) -> None:
    assert written(place) == expected


@pytest.mark.parametrize("country", COUNTRIES)
def test_nothing_of_an_address_is_lost_or_written_twice(country: str) -> None:
    names = ("name", "company", "line1", "line2", "city", "region", "postcode")
    parts = dict(zip(names, ("Nnn", "Ooo", "Aaa", "Bbb", "Ccc", "Sss", "Zzz"), strict=True))
    place = Address.model_construct(None, **parts, country=country)
    text = written(place)
    assert {part: text.count(part) for part in parts.values()} == dict.fromkeys(parts.values(), 1)
    assert lines(place, ENGLISH)[-1] == ENGLISH.territories[country]


def test_the_country_is_named_in_the_readers_language() -> None:
    assert lines(Address(city="Bonn", country="DE"), Locale("fr")) == ["Bonn", "Allemagne"]
