"""Requests that Hypothesis makes: any body, proven or with any headers in the proof's place."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.requests import Request
from tests.fuzz.words import JSON, MULTIPART, NAMES
from tests.served import FORM, SECRET, signed

HEADER_VALUES = st.text(st.characters(codec="latin-1"), max_size=60)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), LEAVES, max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner | st.lists(inner, max_size=3), max_size=3),
    max_leaves=8,
)
FORMS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=10), st.text(max_size=30)), max_size=8)
BODIES = st.one_of(
    st.tuples(DOCUMENTS.map(lambda document: json.dumps(document).encode()), st.just(JSON)),
    st.tuples(FORMS.map(lambda fields: urlencode(fields, errors="surrogatepass").encode()), st.just(FORM)),
    st.tuples(st.binary(max_size=300), st.sampled_from([FORM, JSON, MULTIPART]) | HEADER_VALUES),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Make a request of any body, proven or with any headers in the proof's place."""
    body, content_type = draw(BODIES)
    proof = draw(st.sampled_from(["secret", "signature", "any"]))
    headers = {"x-shared-secret": SECRET} if proof == "secret" else signed(body, webhook_id=draw(st.just("evt_1")))
    if proof == "any":
        headers |= draw(st.dictionaries(st.sampled_from([*headers, "x-shared-secret"]), HEADER_VALUES, max_size=3))
    return Request({**headers, "content-type": content_type}, body)


def each(send: Callable[[Request], None], *, examples: int, number: int) -> None:
    """Send so many requests, which follow from a number."""

    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def is_answered(request: Request) -> None:
        send(request)

    is_answered()
