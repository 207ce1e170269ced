"""A certificate counts if it is the shop's and a root of the machine vouches for it, as for a website."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.security.certificates import trusted_key
from tests.certificates import Issued, issue

NAME = "certs.shop.example"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issued:
    """Give the one root that this machine trusts."""
    found = issue("Root", is_ca=True)
    (tmp_path / "roots.pem").write_bytes(found.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    return found


def test_a_chain_to_a_root_gives_the_key(root: Issued) -> None:
    between = issue("Between", root, is_ca=True)
    own = issue(NAME, between)
    assert trusted_key(own.pem + between.pem, NAME) == own.key.public_key()
    assert trusted_key(own.pem + between.pem + root.pem, NAME) == own.key.public_key()
    with pytest.raises(ValueError, match="Nobody vouches for the certificate of"):
        trusted_key(own.pem, NAME)  # without what's between


def test_another_root_another_name_and_another_time_are_refused(root: Issued) -> None:
    stranger = issue("Root", is_ca=True)
    for pem in (
        issue(NAME, stranger).pem + stranger.pem,
        issue(NAME).pem,
        issue("evil.example", root).pem,
        issue(f"{NAME}.evil.example", root).pem,
        issue(NAME, root, days=-1).pem,
        issue(NAME, root, is_ca=True).pem,
    ):
        with pytest.raises(ValueError, match="Nobody vouches for the certificate of"):
            trusted_key(pem, NAME)


@pytest.mark.parametrize("pem", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_says_so(root: Issued, pem: bytes) -> None:
    assert root
    with pytest.raises(ValueError, match="This is no certificate of"):
        trusted_key(pem, NAME)


def test_a_key_of_another_kind_is_refused(root: Issued) -> None:
    with pytest.raises(ValueError, match="is no RSA key"):
        trusted_key(issue(NAME, root, is_rsa=False).pem, NAME)
