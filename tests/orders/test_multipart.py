"""The multipart encoding."""

from __future__ import annotations

import pytest

from receiver.errors import TooLarge, Undecodable
from receiver.orders.multipart import decode_multipart


def body(*parts: str, end: str = "--B--\r\n") -> bytes:
    return ("".join(f"--B\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end).encode()


def test_fields_come_in_order_in_their_charset() -> None:
    whole = body('name="a"\r\n\r\nZoë', 'name="b"\r\n\r\n', 'name="a"\r\n\r\n2\x00')
    assert decode_multipart(whole, "B", "utf-8", 9) == [("a", "Zoë"), ("b", ""), ("a", "2\ufffd")]


def test_a_value_may_have_line_breaks_and_look_like_a_boundary() -> None:
    whole = body('name="a"\r\n\r\n1\r\n--Bx\r\n2\r\n')
    assert decode_multipart(whole, "B", "utf-8", 9) == [("a", "1\r\n--Bx\r\n2\r\n")]


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (body('name="a"; filename="x.txt"\r\n\r\n1'), "is a file"),
        (body('x="a"\r\n\r\n1'), "no name"),
        (b"--B\r\nX-Other: 1\r\n\r\n1\r\n--B--\r\n", "not a whole multipart"),
        (body('name="a"\r\n\r\n1', end=""), "not a whole multipart"),
        (body('name="a"', end=""), "not a whole multipart"),
        (b"", "not a whole multipart"),
        (b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--B--\r\n', "not a whole multipart"),
        (b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--B--\r\n', "not utf-8"),
    ],
)
def test_what_is_not_whole_fields_is_refused(whole: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode_multipart(whole, "B", "utf-8", 9)


@pytest.mark.parametrize("boundary", ["", "b" * 71, "ü", "a\nb"])
def test_an_unusable_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(Undecodable, match="boundary"):
        decode_multipart(b"", boundary, "utf-8", 9)


def test_too_many_parts_are_refused() -> None:
    parts = ['name="a"\r\n\r\n1'] * 9
    assert len(decode_multipart(body(*parts), "B", "utf-8", 9)) == 9
    with pytest.raises(TooLarge, match="more than 8 fields"):
        decode_multipart(body(*parts), "B", "utf-8", 8)
