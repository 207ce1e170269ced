"""Figures that commands write into pages."""

from __future__ import annotations

import pytest

from docs.generate.figures import END, mark, replaced

BENCH, GROWTH = mark("make bench"), mark("make bench-growth")


def test_a_page_keeps_what_is_around_the_figures() -> None:
    text = f"before\n{BENCH}\nold\n{END}\nbetween\n{GROWTH}\nold\n{END}\nafter\n"
    once = replaced(text, GROWTH, "new\n")
    assert once == f"before\n{BENCH}\nold\n{END}\nbetween\n{GROWTH}\n\nnew\n\n{END}\nafter\n"
    assert replaced(once, GROWTH, "new") == once
    with pytest.raises(ValueError, match="marks"):
        replaced("before\nafter", BENCH, "new")
