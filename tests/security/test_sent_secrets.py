"""Where a secret in a header is looked for, and where it never is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import ConfigurationError
from receiver.security.sent_secrets import in_headers, refuse_untrusted

SECRET = "Kq3vT8mZr2WnYx7LpB4d"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-secret-key", SECRET),
        ("x-hotmart-hottok", SECRET),
        ("authorization", SECRET),
        ("authorization", f"Bearer {SECRET}"),
        ("x-auth", f"bearer  {SECRET}"),
        ("authorization", basic(f"shop:{SECRET}")),
        ("authorization", basic(f"{SECRET}:")),
        ("x-shared-secret", f"another,{SECRET}"),
    ],
)
def test_it_may_be_in_any_header(name: str, value: str) -> None:
    assert SECRET.encode() in list(in_headers({"accept": "*/*", name: value}))


@pytest.mark.parametrize(
    "name", ["cookie", "host", "referer", "forwarded", "x-forwarded-for", "x-forwarded-host", "user-agent"]
)
def test_it_is_not_looked_for_where_others_write(name: str) -> None:
    assert list(in_headers({name: SECRET})) == []
    with pytest.raises(ConfigurationError, match="proves nothing"):
        refuse_untrusted(name.title())


@pytest.mark.parametrize(
    "value", [f"x{SECRET}", f"{SECRET} ", f"token={SECRET}", basic(SECRET), f"Digest {SECRET}", f"Basic {SECRET}!"]
)
def test_only_the_whole_value_counts(value: str) -> None:
    assert SECRET.encode() not in list(in_headers({"authorization": value}))


@given(st.dictionaries(st.sampled_from(["authorization", "x-any", "x-shared-secret"]), st.text()))
def test_any_header_can_be_looked_at(headers: dict[str, str]) -> None:
    assert all(isinstance(value, bytes) for value in in_headers(headers))


def test_a_trusted_header_may_be_named() -> None:
    refuse_untrusted("X-Token")
