"""A handler's own settings: read into the model that it declares, and handed to it as context.own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.errors import Unavailable
from receiver.handlers import Context, Order, handler
from receiver.handlers.registry import Registry, load
from receiver.storage.models import HandlerRow
from receiver.testing import RunHandler
from tests.handlers.test_registry import write
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

COURIER = '''
from pydantic import BaseModel, Field, SecretStr, field_validator
from receiver.handlers import Context, InstancePath, Order, handler

class CourierSettings(BaseModel):
    token: SecretStr
    parcels: int = 1
    is_fast: bool = Field(False, description="tomorrow, not the day after")
    countries: tuple[str, ...] = ("GB",)
    labels: InstancePath | None = None

    @field_validator("parcels")
    @classmethod
    def some(cls, value: int) -> int:
        if value == 13:
            raise RuntimeError("an unlucky one")
        if value < 1:
            raise ValueError("must be 1 or more")
        return value

@handler(settings=CourierSettings)
def courier(order: Order, context: Context[CourierSettings]) -> str:
    """Book a courier."""
    own = context.own
    return f"{own.token.get_secret_value()} {own.parcels} {own.is_fast} {own.countries} {own.labels}"
'''


@pytest.fixture
def courier(instance: Path) -> Path:
    (instance / "handlers" / "courier.py").write_text(COURIER)
    return instance


def loaded(instance: Path, **table: Any) -> Registry:
    return load(instance, [], {"courier": table})


def test_a_handler_is_given_its_table_typed_and_with_defaults(courier: Path, run_handler: RunHandler) -> None:
    (courier / "config.toml").write_text('[handlers.courier]\ntoken = "sesame"\nlabels = "labels.pdf"\n')
    trial = run_handler("courier", order_fields())
    assert trial.detail == f"sesame 1 False ('GB',) {courier}/labels.pdf"


def test_its_settings_come_from_the_environment_too(
    courier: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, text in {"TOKEN": "sesame", "PARCELS": "2", "IS_FAST": "yes", "COUNTRIES": "GB, IE"}.items():
        monkeypatch.setenv(f"RECEIVER_HANDLERS__COURIER__{key}", text)
    shop = serve(work=False, HANDLERS=["courier"])
    shop.post(order_fields())
    shop.kit.processor.run_next()
    assert shop.kit.registry.own["courier"].values is not None
    assert shop.handler_states() == {"courier": "done"}
    assert shop.rows(HandlerRow)[0].detail == "sesame 2 True ('GB', 'IE') None"


def test_a_handler_whose_needed_settings_are_not_given_is_off_and_says_which(courier: Path) -> None:
    registry = loaded(courier, parcels=2)
    assert "courier" in {one.name for one in registry.left_out}
    assert registry.own["courier"].switch == "[handlers.courier] token"
    assert registry.setting_problems == ()


def test_one_that_is_chosen_all_the_same_is_skipped(courier: Path, run_handler: RunHandler) -> None:
    trial = run_handler("courier")
    assert (trial.state, trial.detail) == ("skipped", "[handlers.courier] token is not set")


def test_everything_wrong_with_a_table_is_said_at_once_without_its_values(courier: Path) -> None:
    registry = loaded(courier, token=1234567, parcels=0, is_fast="perhaps")
    (said,) = registry.setting_problems
    assert said == (
        "[handlers.courier] token: Input should be a valid string; parcels: must be 1 or more; "
        "is_fast: Input should be a valid boolean, unable to interpret input. "
        "Orders are taken; courier is tried again until it's fixed."
    )


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (3, "handlers in config.toml must be tables such as [handlers.append_csv]."),
        ({"courier": 3}, "[handlers.courier] in config.toml must be a table."),
        ({"courier": {"token": "t", "parcels": 13}}, "[handlers.courier] its check failed: RuntimeError."),
        ({"append_csv": {"file": "a.csv", "rows": "all"}}, "[handlers.append_csv] rows (CSV_ROWS): Input should be "),
        ({"append_csv": {"file": "."}}, "[handlers.append_csv] file (CSV_FILE): must name a file."),
        ({"notify_chat": {"url": "chat"}}, "[handlers.notify_chat] url (CHAT_URL): must be an address such as"),
    ],
)
def test_what_is_wrong_is_named_with_its_table_and_stops_no_other(courier: Path, tables: Any, said: str) -> None:
    registry = load(courier, [], tables)
    assert len(registry.setting_problems) == 1
    assert registry.setting_problems[0].startswith(said)
    assert registry.get("notify_merchant")


def test_while_its_settings_are_wrong_it_is_tried_again_and_the_others_run(
    courier: Path, serve: Callable[..., Served]
) -> None:
    shop = serve(work=False, HANDLERS=["courier", "register_customer"], handlers={"courier": {"token": 1}})
    assert shop.post(order_fields()).status == 202
    shop.kit.processor.run_next()
    assert shop.handler_states() == {"courier": "retrying", "register_customer": "done"}
    assert shop.kit.problems == []
    assert any("[handlers.courier] token: " in finding.text for finding in diagnose(shop.kit, quickly=True))


def test_what_has_no_effect_is_told_with_what_may_be_meant(make_app: Callable[..., Flask], courier: Path) -> None:
    tables = {"courier": {"token": "t", "parcel": 2}, "append_cvs": {"file": "a.csv"}, "notify_merchant": {"x": 1}}
    kit: Kit = make_app(handlers=tables).extensions["receiver"]
    assert list(kit.setting_warnings) == [
        "[handlers] in config.toml has 'append_cvs', which is no setting and has no effect; is append_csv meant?",
        "[handlers.notify_merchant] in config.toml has no effect: that handler has no settings of its own.",
        "[handlers.courier] in config.toml has 'parcel', which is no setting and has no effect; is parcels meant?",
    ]


def test_the_console_shows_them_and_no_secret(courier: Path, serve: Callable[..., Served]) -> None:
    person = Visitor(serve(work=False, handlers={"courier": {"token": "sesame"}}).base)
    person.sign_in()
    page = person.get("/admin/handlers")
    for shown in ("token set", "parcels 1", "is_fast false tomorrow, not the day after", "countries GB"):
        assert shown in page.text, shown
    assert "sesame" not in page.html


def test_a_handler_that_declares_none_has_none(instance: Path, run_handler: RunHandler) -> None:
    text = "from receiver.handlers import handler\n\n@handler\ndef mine(order, context):\n    context.own\n"
    (instance / "handlers" / "mine.py").write_text(text)
    assert "this handler declares no settings" in (run_handler("mine").detail or "")


def test_settings_that_are_no_model_are_refused_when_the_handler_is_loaded() -> None:
    with pytest.raises(ValueError, match=r"settings must be a class derived from pydantic\.BaseModel"):

        @handler(settings=dict)  # type: ignore[arg-type]
        def mine(order: Order, context: Context) -> None: ...


def test_nobody_is_erased_while_it_is_not_known_which_csv_file_to_look_in(make_app: Callable[..., Flask]) -> None:
    kit: Kit = make_app(CSV_FILE="orders.csv", CSV_ROWS="all").extensions["receiver"]
    with pytest.raises(Unavailable, match="CSV_ROWS"):
        _ = kit.csv_file
    kit = make_app(CSV_FILE="orders.csv").extensions["receiver"]
    assert kit.csv_file == str(kit.instance / "orders.csv")


def test_former_settings_are_shown_to_every_handler_but_the_secret_one(instance: Path, run_handler: RunHandler) -> None:
    """Handlers of merchants may have read them before they became the built-in handlers' own."""
    code = """
        from receiver.handlers import handler

        @handler
        def mine(order, context):
            names = ("CSV_FILE", "CSV_ROWS", "CSV_BOM", "CHAT_KIND", "CHAT_NAMES_CUSTOMER", "FORWARD_URLS")
            return f"{[context.settings[name] for name in names]} {'CHAT_URL' in context.settings}"
    """
    write(instance, "mine.py", code)
    tables = {"append_csv": {"file": "orders.csv", "rows": "items"}, "notify_chat": {"url": "https://chat.example/s"}}
    trial = run_handler("mine", handlers=tables)
    assert trial.detail == f"[{instance / 'orders.csv'!r}, 'items', True, 'auto', False, None] False"
