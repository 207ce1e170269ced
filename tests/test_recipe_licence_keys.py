"""The recipe that delivers licence keys: each key is given away once, and an order keeps those that it has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from receiver.storage.models import HandlerRow, MailRow
from receiver.testing import HandlerCases, MakeOrder, RunHandler
from tests.served import Served, order_fields
from tests.test_recipes import FOLDER, TEMPLATES

MERCHANT = "merchant@example.com"


class TestDeliverLicenceKey(HandlerCases):
    name = "deliver_licence_key"

    @pytest.fixture
    def handler_settings(self, instance: Path) -> dict[str, Any]:
        """Put the recipe into the instance, with keys for the dummy order's products and for one more."""
        shutil.copy(FOLDER / f"{self.name}.py", instance / "handlers")
        (instance / "templates").mkdir(exist_ok=True)
        shutil.copy(TEMPLATES / "licence_keys.txt", instance / "templates")
        for sku in ("MUG-RED-L", "STK-JP", "PRO"):
            stock(instance, sku, *(f"{sku}-{number:03}" for number in range(60)))
        return {}

    def test_the_dummys_customer_is_mailed_a_key_for_every_piece(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        trial = run_handler(self.name)

        (mail,) = outbox
        assert mail.subject == "Your licence keys for order 1042"
        assert mail.text.splitlines()[2:6] == ["Enamel mug “Łódź”", "    MUG-RED-L-000", "    MUG-RED-L-001", ""]
        assert mail.text.count("    STK-JP-00") == 5
        assert (trial.state, trial.detail) == ("done", "7 licence keys mailed")

    def test_no_key_is_given_away_twice_by_parallel_orders(
        self, serve: Callable[..., Served], handler_settings: dict[str, Any]
    ) -> None:
        shop = serve(HANDLERS=[self.name], WORKER_THREADS=8, **handler_settings)
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: shop.post(bought(quantity=2)).status, range(25))
            assert set(answers) == {202}
        shop.settled()

        assert {row.state for row in shop.rows(HandlerRow)} == {"done"}
        mailed = [key for mail in shop.rows(MailRow) if mail.recipient != MERCHANT for key in keys_in(mail)]
        assert sorted(mailed) == [f"PRO-{number:03}" for number in range(50)]

    def test_an_order_that_is_run_again_has_the_same_keys(self, run_handler: RunHandler, outbox: list[MailRow]) -> None:
        trial = run_handler(self.name, bought(quantity=2))
        run_handler(self.name, bought(quantity=2))
        trial.again()

        first, second, repeated = outbox
        assert keys_in(first) == keys_in(repeated) == ["PRO-000", "PRO-001"]
        assert keys_in(second) == ["PRO-002", "PRO-003"]

    def test_a_test_gives_no_key_away(
        self, run_handler: RunHandler, make_order: MakeOrder, outbox: list[MailRow]
    ) -> None:
        run_handler(self.name, make_order(test=True))
        assert keys_in(outbox[-1]) != []
        run_handler(self.name)

        assert "MUG-RED-L-000" in outbox[-1].text

    def test_too_few_keys_wait_for_more_and_nothing_is_given(
        self, run_handler: RunHandler, instance: Path, outbox: list[MailRow]
    ) -> None:
        stock(instance, "PRO", "only-one")
        trial = run_handler(self.name, bought(quantity=2))
        row = trial.row
        assert row.state == "retrying"
        assert row.detail == "2 keys of PRO are wanted and 1 are left; add lines to licence_keys/PRO.txt"
        assert row.due_at is not None
        assert row.due_at - row.changed_at == timedelta(hours=1)
        assert outbox == []

        stock(instance, "PRO", "only-one", "one more", "", "one more")
        trial.again()
        told, mail = outbox
        assert told.subject == "Example Shop: 0 licence keys of PRO are left"
        assert keys_in(mail) == ["one more", "only-one"]

    def test_the_merchant_is_told_when_few_are_left_and_when_none_is(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        for quantity in (39, 1, 1, 19):
            run_handler(self.name, bought(quantity=quantity))

        told = [mail.subject for mail in outbox if mail.recipient == MERCHANT]
        assert told == ["Example Shop: 20 licence keys of PRO are left", "Example Shop: 0 licence keys of PRO are left"]

    @pytest.mark.usefixtures("handler_settings")
    def test_without_its_folder_it_is_tried_again(
        self, run_handler: RunHandler, instance: Path, outbox: list[MailRow]
    ) -> None:
        """A restore without it must not look as if nothing with a key was bought."""
        shutil.rmtree(instance / "licence_keys")
        trial = run_handler(self.name)
        assert (trial.state, outbox) == ("retrying", [])
        assert "put it back from a backup" in (trial.detail or "")

    def test_a_key_that_stands_in_two_files_is_given_once(self, run_handler: RunHandler, instance: Path) -> None:
        stock(instance, "PRO", "the same", "another")
        stock(instance, "STK-JP", "the same", "a third")
        first, second = (run_handler(self.name, bought(sku=sku)) for sku in ("PRO", "STK-JP"))
        assert (first.state, second.state) == ("done", "done")

        with second.kit.database.read() as session:
            given = session.execute(text("SELECT sku, licence_key FROM given_licence_keys ORDER BY sku")).all()
        assert given == [("PRO", "the same"), ("STK-JP", "a third")]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"item_1_sku": "MUG"}, "nothing with a licence key was bought"),
            ({"item_1_sku": "../../config"}, "nothing with a licence key was bought"),
            ({"item_1_sku": "PRO", "customer_email": ""}, "the order has no email address"),
        ],
    )
    def test_without_a_product_or_an_address_it_is_skipped(
        self, run_handler: RunHandler, fields: dict[str, str], said: str
    ) -> None:
        trial = run_handler(self.name, order_fields(**fields))
        assert (trial.state, trial.detail) == ("skipped", said)


def stock(instance: Path, sku: str, *keys: str) -> None:
    """Write a product's file of keys, with the mark that some editors begin a file with."""
    folder = instance / "licence_keys"
    folder.mkdir(exist_ok=True)
    (folder / f"{sku}.txt").write_text("\n".join(keys), "utf-8-sig")


def bought(*, quantity: int = 1, sku: str = "PRO") -> dict[str, str]:
    return order_fields(item_1_sku=sku, item_1_quantity=str(quantity))


def keys_in(mail: MailRow) -> list[str]:
    return [line.strip() for line in mail.text.splitlines() if line.startswith("    ")]
