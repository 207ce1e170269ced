"""Every reason of a refusal has its meaning and its next step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from receiver import errors
from receiver.intake.refusal_advice import ADVICE, advice

#: Errors that are never kept as refusals, or are kept by a word of their own.
_NOT_KEPT = {"internal", "unauthenticated", "unavailable"}


def reasons() -> set[str]:
    """Read the words of an Unauthenticated from the code that raises it, and the slugs of the other errors."""
    package = Path(errors.__file__).parent
    schemes = sorted((package / "security" / "schemes").glob("*.py"))
    others = ["intake/authentication", "intake/asking", "security/signing", "sources/paypal_ipn", "sources/proofs"]
    others += ["sources/mollie", "sources/bigcommerce", "sources/ecwid_api"]
    files = [*(package / f"{name}.py" for name in others), *schemes]
    code = "".join(path.read_text("utf-8") for path in files)
    words = set(re.findall(r'(?:Unauthenticated|SignatureProblem)\(\s*"([a-z_]+)"', code))
    family = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ReceiverError)]
    return words | {one.slug.replace("-", "_") for one in family if one.slug not in _NOT_KEPT}


def test_every_reason_is_advised_on_and_no_other() -> None:
    assert set(ADVICE) == reasons()


@pytest.mark.parametrize("reason", sorted(ADVICE))
def test_advice_is_a_few_words_and_a_step(reason: str) -> None:
    found = advice(reason)
    assert len(found.meaning) < 40
    assert len(found.next_step) > 20


def test_what_a_source_has_of_its_own_is_not_fixed_by_what_all_share() -> None:
    own = ("unknown_secret_of_source", "no_secret_of_source", "signature_differs", "other_account", "nothing_to_ask")
    assert not [reason for reason in own if "flask secret add" in advice(reason).next_step]
    assert "MAX_BODY_BYTES" not in advice("too_large_to_ask").next_step
    assert advice("nothing_to_ask").meaning == "Names no order"


def test_no_two_reasons_look_the_same() -> None:
    assert len({one.meaning for one in ADVICE.values()}) == len(ADVICE)


def test_a_reason_of_another_version_is_named_by_its_word() -> None:
    assert advice("too_blue").meaning == "Too blue"
