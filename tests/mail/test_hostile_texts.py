"""Hundreds of hostile names, subjects and addresses, as an SMTP server gets them; `make fuzz` tries 10,000."""

from __future__ import annotations

import pytest

from tests.fuzz import mails


@pytest.mark.unmeasured
def test_no_text_adds_a_header_or_a_recipient() -> None:
    delivered, refused = mails.deliver(600, 20261123)
    assert delivered > 320, "every other address is right, and some of the others"
    assert refused > 150
