"""Text is folded to what people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("a\x00b\nc\x7fd\x85e", "a b c d e"),
        ("a\x00b\nc\x7fd", "a b c d"),
        ("$5 and €5", "5 and 5"),
        ("$5", "5"),
        ("\u202egnp.evil", "gnp.evil"),
        ("", ""),
    ],
)
def test_a_text_is_folded(text: str, plain: str) -> None:
    assert folded(text) == plain
    assert folded(plain) == plain


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_are_folded_like_any_others(text: str) -> None:
    assert folded(text) == folded(f"{text} ü").removesuffix("u").rstrip()
