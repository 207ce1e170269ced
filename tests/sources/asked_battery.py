"""What every built-in kind must do whose shop is asked: mean what SourceBattery asks, and believe its shop alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from receiver.errors import ConfigurationError
from receiver.security.fixed_hosts import AskLater, FixedHosts
from receiver.security.keyring import Keyring
from receiver.security.signing import SignatureProblem
from receiver.sources import Confirmed, NotConfirmed, Question, Unverified
from receiver.sources.kinds import Kinds
from receiver.sources.registry import Sources
from tests.asked_shops import Answers, Asked, AskedShop, Said
from tests.sources.battery import KINDS, SourceBattery

Ask = Callable[[str, Answers], AskedShop]
#: Tests of what the request itself proves, which is nothing here.
_OF_SCHEMES = [
    "the_shop_is_verified_with_either_secret_of_a_rotation",
    "another_key_is_refused",
    "a_changed_byte_is_refused_where_all_is_signed",
    "a_beginning_of_the_proof_is_none",
    "a_missing_proof_is_refused_whatever_else_is_sent",
    "an_old_signature_is_refused_where_a_time_is_signed",
    "only_what_signs_all_fulfils_a_required_signature",
    "a_token_is_not_kept",
]


class AskedBattery(SourceBattery):
    """Inherit from it for each kind that asks; ``answers`` is the shop that knows ``sent``."""

    secrets: ClassVar[tuple[str, str]] = ("live_first_key_of_the_shop", "live_second_key_of_the_shop")
    #: Status of the shop's answer to a POST that it doesn't know.
    unknown: ClassVar[int] = 404
    #: Bodies of such answers.
    unknown_bodies: ClassVar[tuple[bytes, ...]] = (b"", b"no", b"[]", b"{}")

    def __init_subclass__(cls) -> None:
        """Take away what's about schemes."""
        super().__init_subclass__()
        for test in _OF_SCHEMES:
            setattr(cls, f"test_{test}", None)

    @property
    def question(self) -> Question:
        found = self.source.asks
        assert found is not None
        return found

    def notice(self) -> Unverified:
        """Return the POST that the shop knows."""
        raise NotImplementedError

    def answers(self, asked: Asked) -> Said:
        """Answer as the shop does, about the POST that it knows, to its second key."""
        raise NotImplementedError

    def ask(self, ask_shop: Ask, answers: Answers | None = None, sent: Unverified | None = None) -> Confirmed:
        sent = sent or self.notice()
        self.question.check(sent, self.secrets)
        ring = Keyring({secret: secret.encode() for secret in self.secrets}, {})
        sent = sent._replace(fields=ring.redact(sent.fields))  # as it's kept
        shop = ask_shop(self.question.hosts[0], answers or self.answers)
        try:
            return self.question.ask(sent, FixedHosts(shop.pool, self.question.hosts), self.secrets)
        finally:
            self.asked = shop.questions

    def test_its_shop_confirms_it(self, ask_shop: Ask) -> None:
        said = self.ask(ask_shop)
        assert said.secret == self.secrets[1]
        assert all(one.headers["host"] == self.question.hosts[0] for one in self.asked)

    def test_what_the_shop_does_not_know_is_not_confirmed(self, ask_shop: Ask) -> None:
        for body in self.unknown_bodies:
            with pytest.raises(NotConfirmed) as caught:
                self.ask(ask_shop, lambda _asked, body=body: Said(self.unknown, body))  # type: ignore[misc]
            assert not any(secret in str(caught.value) for secret in self.secrets)

    def test_no_answer_is_no_judgement(self, ask_shop: Ask) -> None:
        with pytest.raises(AskLater):
            self.ask(ask_shop, lambda _asked: Said(503))

    def test_a_key_that_is_refused_is_no_judgement(self, ask_shop: Ask) -> None:
        with pytest.raises(AskLater, match="refused each secret"):
            self.ask(ask_shop, lambda _asked: Said(401))
        assert len(self.asked) == 2

    def test_a_post_without_what_names_it_is_refused_at_once(self) -> None:
        with pytest.raises(SignatureProblem):
            self.question.check(self.notice()._replace(headers={}, fields=[]), self.secrets)

    def test_a_key_has_a_length(self) -> None:
        with pytest.raises(ConfigurationError):
            self.question.check_secret("short")

    def test_no_other_way_to_verify_it_is_taken(self, tmp_path: Path) -> None:
        table = {"kind": self.kind, "secrets": [*self.secrets]}
        assert Sources(tmp_path, {"a": table}, None, Kinds(KINDS)).problems == []
        (problem,) = Sources(tmp_path, {"a": {**table, "token": {"header": "X-T"}}}, None, Kinds(KINDS)).problems
        assert "this kind asks its shop" in problem
