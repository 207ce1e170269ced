"""What a handler's author imports: one line, and the places of older releases, whichever comes first."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from urllib3 import HTTPResponse

from receiver import handlers
from receiver.handlers import Context, Order, RetryLater, SecretUrl, Skip, handler, plain_line, retry_after
from receiver.handlers.contract import MARK
from receiver.handlers.registry import DOOR
from receiver.storage.models import CustomerRow
from receiver.testing import MakeOrder, RunHandler
from tests import unmeasured
from tests.handlers.test_more_handlers import running_chat
from tests.handlers.test_registry import OFF, write


@handler
def mine(order: Order, context: Context) -> str:
    """Use what the one line gives, so that mypy reads it too."""
    if context.attempt > 1:
        raise RetryLater
    if not order.items:
        raise Skip("nothing was bought")
    return order.order_id


def test_one_line_imports_all_that_a_handler_needs() -> None:
    assert getattr(mine, MARK).name == "mine"


@pytest.mark.parametrize(
    "code",
    [
        "from receiver.context import Context",
        "import receiver.context; from receiver.handlers import Context; assert receiver.context.Context is Context",
        "from receiver.handlers import Context as new; from receiver.context import Context as old; assert old is new",
        "from receiver.customers import apply_order; from receiver.registrars import registrations",
        "from receiver.handlers import contract, context; from receiver.handlers.context import Context",
    ],
)
def test_the_former_places_work_in_a_fresh_process(code: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=unmeasured.environment())


#: What built-in handlers import besides, because other parts of the kit write the same.
SHARED = {
    # The console's and the command's exports have the same cells.
    "receiver.handlers.append_csv": {f"receiver.mail.spreadsheet.{name}" for name in ("BOM", "cell", "encoded")},
    # Alerts are posted to the same chats.
    "receiver.handlers.notify_chat": {"receiver.relay.chats"},
}


@pytest.mark.parametrize("module", DOOR.built_in)
def test_a_built_in_handler_imports_of_the_kit_what_anybody_may(module: str) -> None:
    """One that needs more is named above, with the reason."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(importlib.import_module(module)))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    of_the_kit = {name for name in found if name.startswith("receiver")}
    assert of_the_kit
    assert of_the_kit - SHARED.get(module, set()) <= {f"receiver.handlers.{name}" for name in handlers.__all__}


@pytest.mark.parametrize("module", DOOR.built_in)
def test_a_copy_of_a_built_in_handler_in_the_instance_works(
    module: str, instance: Path, run_handler: RunHandler
) -> None:
    name = module.rpartition(".")[2]
    source = inspect.getsource(importlib.import_module(module))
    write(instance, f"my_{name}.py", source.replace(f"\ndef {name}(", f"\ndef my_{name}("))
    with running_chat() as chat:
        table = {"url": chat.url} if name == "notify_chat" else OFF.get(name, {})
        settings = {
            "handlers": {f"my_{name}": table},
            "FORWARD_SECRET": "a-secret-of-both",
            "HTTP_ALLOW": ["127.0.0.1"],
        }
        trial = run_handler(f"my_{name}", **settings)

    assert (trial.state, trial.harm()) == ("done", [])


@pytest.mark.parametrize(("sent", "seconds"), [("120", 120), ("soon", None), (None, None), ("9999999", 86_400)])
def test_an_answer_says_how_long_to_wait(sent: str | None, seconds: int | None) -> None:
    wait = retry_after(HTTPResponse(headers={"Retry-After": sent} if sent else {}))
    assert (wait.total_seconds() if wait else None) == seconds


def test_an_orders_text_is_written_on_one_line() -> None:
    assert plain_line("Ada\r\nLovelace \u202e!") == "Ada Lovelace !"
    assert plain_line("a long name", 6) == "a lon…"


def test_a_secret_url_is_a_web_address_that_is_not_shown() -> None:
    class Own(BaseModel):
        url: SecretUrl

    own = Own.model_validate({"url": "https://chat.example/hooks/sesame"})
    assert own.url.get_secret_value() == "https://chat.example/hooks/sesame"
    assert "sesame" not in repr(own)
    with pytest.raises(ValidationError, match="must be an address such as"):
        Own.model_validate({"url": "chat"})


def test_a_handler_of_ones_own_registers_customers_as_the_built_in_one_does(
    instance: Path, run_handler: RunHandler, make_order: MakeOrder
) -> None:
    code = """
        from receiver.handlers import Context, Order, handler

        @handler
        def mine(order: Order, context: Context) -> str:
            return f"{context.register_customer()} {context.account_url}"
    """
    write(instance, "mine.py", code)
    settings = {"REGISTRAR": "none", "ACCOUNT_URL": "https://shop.example/account"}
    first, second = (run_handler("mine", make_order(), **settings) for _ in range(2))
    order = make_order()
    nobody = order.customer.model_copy(update={"email": None})
    third = run_handler("mine", order.model_copy(update={"customer": nobody}))

    assert [first.detail, second.detail] == [f"{new} https://shop.example/account" for new in (True, False)]
    assert "the order has no email address" in str(third.detail)
    with second.kit.database.read() as session:
        assert len(session.scalars(select(CustomerRow)).all()) == 1
