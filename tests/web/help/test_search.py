"""The search in the help finds sections by all their words, and shows the place."""

from __future__ import annotations

import pytest

from receiver.web.help.pages import search


@pytest.mark.parametrize(
    ("words", "page", "heading"),
    [
        ("lost key", "backup-and-upgrade", "When the key is lost"),
        ("wordpress", "registering", "http: your website's API, such as WordPress"),
        ("gunicorn", "deploy", "The service"),
        ("csv", "built-in-handlers", "A CSV file of all orders"),
    ],
)
def test_the_place_that_a_reader_means_is_among_the_first(words: str, page: str, heading: str) -> None:
    assert (page, heading) in [(result.page.name, result.section.heading) for result in search(words)[:3]]


def test_a_snippet_alternates_between_text_and_the_words_found() -> None:
    snippet = search("gunicorn")[0].snippet
    assert len(snippet) % 2 == 1
    assert {part.lower() for part in snippet[1::2]} == {"gunicorn"}


@pytest.mark.parametrize("words", ["", "   ", "no-such-word-anywhere", ".*", "((("])
def test_what_is_nowhere_finds_nothing(words: str) -> None:
    assert search(words) == []
