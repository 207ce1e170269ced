"""The multipart encoding."""

from __future__ import annotations

from random import Random

import pytest
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.multipart import decode_multipart


def body(*parts: str, end: str = "--B--\r\n") -> bytes:
    return ("".join(f"--B\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end).encode()


def test_fields_come_in_order_in_their_charset() -> None:
    whole = body('name="a"\r\n\r\nZoë', 'name="b"\r\n\r\n', 'name="a"\r\n\r\n2\x00')
    assert decode_multipart(whole, "B", "utf-8", 9)[0] == [("a", "Zoë"), ("b", ""), ("a", "2\ufffd")]


def test_a_value_may_have_line_breaks_and_look_like_a_boundary() -> None:
    whole = body('name="a"\r\n\r\n1\r\n--Bx\r\n2\r\n')
    assert decode_multipart(whole, "B", "utf-8", 9)[0] == [("a", "1\r\n--Bx\r\n2\r\n")]


@pytest.mark.parametrize(
    ("whole", "fields"),
    [
        (body('name="a"; filename="x.json"\r\n\r\n{}'), [("a", "{}")]),
        (body('x="a"\r\n\r\n1'), [("", "1")]),
        (b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--B--\r\n', [("a", "ÿ")]),
    ],
)
def test_parts_are_read_leniently(whole: bytes, fields: list[tuple[str, str]]) -> None:
    assert decode_multipart(whole, "B", "utf-8", 9)[0] == fields


def test_bytes_that_the_charset_does_not_have_are_noted() -> None:
    whole = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--B--\r\n'
    assert ["not utf-8" in note for note in decode_multipart(whole, "B", None, 9)[1]] == [True]


@pytest.mark.parametrize(
    ("whole", "error", "reason"),
    [
        (body('name="a"\r\n\r\n1', end=""), BrokenOff, "broke off"),
        (body('name="a"', end=""), BrokenOff, "broke off"),
        (b"", BrokenOff, "broke off"),
        (b"--B\r\nX-Other: 1\r\n\r\n1\r\n--B--\r\n", Undecodable, "not a well-formed"),
        (b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--B--\r\n', Undecodable, "not a well-formed"),
        (
            b'--B\r\nContent-Disposition: form-data; name="a"; filename="x"\r\n\r\n\xff\r\n--B--\r\n',
            Undecodable,
            "file that is no text",
        ),
    ],
)
def test_what_cannot_be_read_says_why(whole: bytes, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason) as raised:
        decode_multipart(whole, "B", "utf-8", 9)
    assert type(raised.value) is error


@pytest.mark.parametrize("boundary", ["", "b" * 71, "ü", "a\nb"])
def test_an_unusable_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(Undecodable, match="boundary"):
        decode_multipart(b"", boundary, "utf-8", 9)


def test_a_boundary_that_the_content_type_leaves_out_is_the_first_line() -> None:
    assert decode_multipart(body('name="a"\r\n\r\n1'), "", None, 9)[0] == [("a", "1")]


def test_too_many_parts_are_refused() -> None:
    parts = ['name="a"\r\n\r\n1'] * 9
    assert len(decode_multipart(body(*parts), "B", "utf-8", 9)[0]) == 9
    with pytest.raises(TooLarge, match="more than 8 fields"):
        decode_multipart(body(*parts), "B", "utf-8", 8)[0]


def as_werkzeug_reads(whole: bytes) -> list[tuple[str, str]] | None:
    """Return the fields that werkzeug finds; None if it says that the body isn't well-formed."""
    decoder = MultipartDecoder(b"B")
    decoder.receive_data(whole)
    decoder.receive_data(None)
    fields: list[tuple[str, str]] = []
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, File | Field):
                fields.append((event.name or "", ""))
            elif isinstance(event, Data):
                fields[-1] = (fields[-1][0], fields[-1][1] + event.data.decode())
    except ValueError:
        return None
    return fields


def test_parts_are_those_that_werkzeug_finds() -> None:
    random = Random(2)
    start, name = b"--B", b'Content-Disposition: form-data; name="a"'
    pieces = [
        *(b"\r\n--B\r\n" + name + b"\r\n\r\n1", b"\r\n--B--", b"--B \t", b"--Bx", b"\r\n", b"\n", b"\r", b"\r\n\r\n"),
        *(
            start,
            name,
            b"Content-Disposition: form-data; name=b",
            b'content-disposition:form-data;\r\n name="c"; x="y"',
        ),
        *(b"Content-Type: text/plain; charset=utf-8\r\n", b"X: y\r\n", b"\n\n", b"--", b" ", b"v", b'name="q\\"r"'),
    ]
    found = 0
    for _ in range(20_000):
        whole = start + b"\r\n" + name + b"".join(random.choices(pieces, k=random.randrange(9))) + b"\r\n--B--\r\n"
        expected = as_werkzeug_reads(whole)
        try:
            assert decode_multipart(whole, "B", None, 99)[0] == expected, whole
        except (Undecodable, BrokenOff):
            assert expected is None, whole
        found += expected is not None
    assert found > 5_000


def test_long_heads_are_refused() -> None:
    part = 'x="' + "y" * 1_000 + '"; name="a"\r\n\r\n1'
    assert len(decode_multipart(body(*[part] * 100), "B", None, 999)[0]) == 100
    with pytest.raises(Undecodable, match="heads"):
        decode_multipart(body(*[part] * 200), "B", None, 999)
