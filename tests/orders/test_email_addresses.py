"""An email address and the one that its emails go to are the same key."""

from __future__ import annotations

from hypothesis import assume, example, given
from hypothesis import strategies as st

from receiver.orders.email_addresses import deliverable, normalised

LABELS = st.text(
    st.sampled_from("aZ0-\u00df\u1e9e\u03a3\u03c3\u03c2\u039f\u0130\u0131IK\u00c5\u00e9\u3042\u4e2d"),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from(["ada", "Ada.L"]), LABELS, LABELS)
@example("Ada", "\u039f\u0394\u039f\u03a3", "\u4e2d\u56fd")
@example("Ada", "shop", "\u039f\u0394\u039f\u03a3")
def test_an_address_as_it_came_and_as_emails_go_to_it_is_one_key(local_part: str, first: str, last: str) -> None:
    """In lower case, a sigma at a word's end is another letter, and by IDNA it isn't."""
    address = f"{local_part}@{first}.{last}"
    try:
        sent_to = deliverable(address)
    except ValueError:
        assume(False)
    assert normalised(sent_to) == normalised(address) == normalised(normalised(address))
