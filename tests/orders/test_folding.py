"""Text is folded to what people type."""

from __future__ import annotations

import pytest

from receiver.orders.folding import folded


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zoë  Müller-Łukasz", "zoe muller-lukasz"),
        ("STRASSE straße", "strasse strasse"),
        ("Ærø Þór", "aero thor"),
        ("İstanbul ıssız", "istanbul issiz"),
        ("#2117", "2117"),
        ("£1,234,567.50 12,5", "1234567.50 12,5"),
        ("１２３", "123"),
        ("a_b%c\\d", "a-b-c-d"),
        ("a\x00b\nc", "a b c"),
        ("\u202egnp.evil", "gnp.evil"),
        ("", ""),
    ],
)
def test_a_text_is_folded(text: str, plain: str) -> None:
    assert folded(text) == plain
    assert folded(plain) == plain
