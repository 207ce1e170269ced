"""Bytes and Content-Type to fields."""

from __future__ import annotations

import encodings

import pytest

from receiver.errors import TooLarge, Undecodable
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
    assert decode(body, content_type, 9).fields == [("order_id", "1"), ("x", "2")]


@pytest.mark.parametrize(
    "content_type",
    [None, "", ";", "text/plain", "application/xml", "application/jsonx", "application/json", "application/hal+json"],
)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"order_id=1", "form"),
        (b'{"order_id": 1}', "json"),
        (b' \r\n{"order_id": 1}', "json"),
        (b'\xef\xbb\xbf{"order_id": 1}', "json"),
        (b"<order_id>1</order_id>", "xml"),
    ],
)
def test_a_body_is_read_as_what_it_is(body: bytes, kind: str, content_type: str | None) -> None:
    decoded = decode(body, content_type, 9)
    assert (decoded.fields, decoded.kind) == ([("order_id", "1")], kind)


@pytest.mark.parametrize(
    "body", [b'{"order_id": "a=b&c"}', b'{"order_id": "a=b&c"}=', b"%7B%22order_id%22%3A%22a%3Db%26c%22%7D"]
)
def test_json_that_was_sent_as_a_form_is_json(body: bytes) -> None:
    decoded = decode(body, FORM, 9)
    assert decoded.fields == [("order_id", "a=b&c")]
    assert decoded.notes == ("The body is not what its Content-Type says: it was read as json.",)


@pytest.mark.parametrize("body", [b"{n}=1&a[b]=2", b"[c]=2&d=3"])
def test_a_form_may_begin_with_a_bracket(body: bytes) -> None:
    assert decode(body, FORM, 9).kind == "form"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"hello", None), (b"\x00\x01", "application/octet-stream"), (b"hello", "application/json"), (b"<a>", "text/xml")],
)
def test_what_is_none_of_these_says_so(body: bytes, content_type: str | None) -> None:
    with pytest.raises(Undecodable):
        decode(body, content_type, 9)


@pytest.mark.parametrize(
    "content_type", [FORM, "application/json", "text/xml", None, 'multipart/form-data; boundary="B"']
)
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_has_no_fields(body: bytes, content_type: str | None) -> None:
    assert decode(body, content_type, 9).fields == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"data=%7b%22a%22%3a%7b%22b%22%3a2%7d%7d&c=3", [("data.a.b", "2"), ("c", "3")]),
        (b"data=[{%22a%22:1}]", [("data[0].a", "1")]),
        (b"FoxyData=<o><id>5</id></o>", [("FoxyData.o.id", "5")]),
        # Only one level deep, and only what is a document.
        (b"data=%7B%22a%22%3A%22%7B%5C%22b%5C%22%3A1%7D%22%7D", [("data.a", '{"b":1}')]),
        (b"a={nonsense&b=[x]&c=<3", [("a", "{nonsense"), ("b", "[x]"), ("c", "<3")]),
        # A field of the contract is what it is.
        (b"customer_note={%22a%22:1}", [("customer_note", '{"a":1}')]),
    ],
)
def test_a_field_that_holds_a_document_is_opened(body: bytes, fields: list[tuple[str, str]]) -> None:
    assert decode(body, FORM, 9).fields == fields


@pytest.mark.parametrize("charset", ["latin1", "ISO-8859-15", "windows-1252", "Shift_JIS", "gb18030", "big5", "koi8-r"])
def test_the_charsets_of_the_web_are_known(charset: str) -> None:
    assert decode(b"order_id=1", f"{FORM}; charset={charset}", 9).fields == [("order_id", "1")]


def test_an_unknown_charset_is_neither_repeated_nor_remembered() -> None:
    """It may be a secret, and Python keeps every name that it is asked for."""
    before = len(encodings._cache)
    for name in (SECRET, *map(str, range(50))):
        with pytest.raises(Undecodable, match="charset is not known") as caught:
            decode(b"a=%FF", f'{FORM}; charset="{name}"', 9)
        assert SECRET not in str(caught.value)
    assert len(encodings._cache) == before


@pytest.mark.parametrize(
    ("body", "content_type", "left"),
    [
        (b"total=1&total=1", FORM, [("total", "1")]),
        (b"total=1&total=+1+", FORM, [("total", "1")]),
        (b"customer_email=a&customer.email=a", FORM, [("customer_email", "a")]),
        (b"total=1&total=999", FORM, [("total", "1"), ("total", "999")]),
        (b'{"customer_id": "7", "customer": {"id": "7"}}', "application/json", [("customer_id", "7")]),
        (b"x=1&x=1", FORM, [("x", "1"), ("x", "1")]),
    ],
)
def test_a_contract_name_given_twice_with_equal_values_is_one(
    body: bytes, content_type: str, left: list[tuple[str, str]]
) -> None:
    assert decode(body, content_type, 9).fields == left


def test_other_names_and_the_shops_own_fields_may_repeat() -> None:
    assert len(decode(b"x=1&x=2&custom_gift=1&custom_gift=2", FORM, 9).fields) == 4


def test_the_limit_of_fields_holds_in_every_encoding() -> None:
    with pytest.raises(TooLarge):
        decode(b"a&b", FORM, 1)
    with pytest.raises(TooLarge):
        decode(b'{"a": 1, "b": 2}', "application/json", 1)
