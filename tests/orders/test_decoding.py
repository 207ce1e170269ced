"""Bytes and Content-Type to fields."""

from __future__ import annotations

import encodings

import pytest

from receiver.errors import TooLarge, Undecodable, UnsupportedEncoding
from receiver.orders import decode
from tests.served import SECRET

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"order_id=1&x=2", FORM),
        (b"order_id=1&x=2", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
        (b'{"order_id": 1, "x": "2"}', "application/json; charset=utf-8"),
        (
            (
                b'--B\r\nContent-Disposition: form-data; name="order_id"\r\n\r\n1\r\n'
                b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n2\r\n--B--'
            ),
            'multipart/form-data; boundary="B"',
        ),
    ],
)
def test_each_encoding_gives_the_same_fields(body: bytes, content_type: str) -> None:
    assert decode(body, content_type, 9) == [("order_id", "1"), ("x", "2")]


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/xml", ";", "application/jsonx"])
def test_another_content_type_is_refused_with_the_three_named(content_type: str | None) -> None:
    with pytest.raises(UnsupportedEncoding, match=r"urlencoded, multipart/form-data or application/json"):
        decode(b"order_id=1", content_type, 9)


@pytest.mark.parametrize("charset", ["latin1", "ISO-8859-15", "windows-1252", "Shift_JIS", "gb18030", "big5", "koi8-r"])
def test_the_charsets_of_the_web_are_known(charset: str) -> None:
    assert decode(b"order_id=1", f"{FORM}; charset={charset}", 9) == [("order_id", "1")]


@pytest.mark.parametrize(
    "charset", ["utf-7", "utf-16", "rot13", "idna", "unicode_escape", "base64", "nonsense", "x" * 99]
)
def test_a_charset_that_is_no_text_of_the_web_is_refused(charset: str) -> None:
    with pytest.raises(Undecodable, match="charset"):
        decode(b"order_id=1", f"{FORM}; charset={charset}", 9)


def test_an_unknown_charset_is_neither_repeated_nor_remembered() -> None:
    """It may be a secret, and Python keeps every name that it is asked for."""
    before = len(encodings._cache)
    for name in (SECRET, *map(str, range(50))):
        with pytest.raises(Undecodable, match="The charset of the Content-Type is not known") as caught:
            decode(b"", f'{FORM}; charset="{name}"', 9)
        assert SECRET not in str(caught.value)
    assert len(encodings._cache) == before


def test_an_options_name_that_is_given_twice_is_not_repeated() -> None:
    body = f'{{"items": [{{"options": {{"{SECRET}": 1, "{SECRET}": 2}}}}]}}'.encode()
    with pytest.raises(Undecodable, match=r"^The field items\[0\].options is given twice; send it once.$"):
        decode(body, "application/json", 9)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"total=1&total=999", FORM),
        (b"item_1_name=a&item_01_name=b", FORM),
        (b"shared_secret=a&shared_secret=b", FORM),
        (b"customer_email=a&customer.email=b", FORM),
        (b'{"total": 1, "total": 999}', "application/json"),
        (b'{"items": [{"options": {"a": 1, "a": 2}}]}', "application/json"),
        (b'{"customer_email": "a", "customer": {"email": "b"}}', "application/json"),
    ],
)
def test_a_contract_name_given_twice_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(Undecodable, match="given twice"):
        decode(body, content_type, 9)


def test_other_names_and_the_shops_own_fields_may_repeat() -> None:
    assert len(decode(b"x=1&x=2&custom_gift=1&custom_gift=2", FORM, 9)) == 4


def test_the_limit_of_fields_holds_in_every_encoding() -> None:
    with pytest.raises(TooLarge):
        decode(b"a&b", FORM, 1)
    with pytest.raises(TooLarge):
        decode(b'{"a": 1, "b": 2}', "application/json", 1)
