"""The import rule: who may know whom, read from the imports themselves, those inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Parts that know nothing of the rest: bytes, values and rules. ``orders`` is the package with all its files.
LEAVES = {"errors", "signing", "addresses", "orders"}
MAIL = {"mail", "mail_message", "mail_templates", "smtp", "smtp_failures"}
RENDERING = {
    "brand",
    "faults",
    "formatting",
    "mail_blocks",
    "mail_environment",
    "mail_language",
    "text_layout",
    "time_limit",
}
STORE = {"database", "models", "group_commit"}

#: What each part may import, by its own name or its package's; no other import of ours is allowed.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "faults": LEAVES,
    "signing": LEAVES,
    "secret_strength": {"errors"},
    "addresses": LEAVES,
    "orders": LEAVES,
    # Its example is the dummy order, which is the relay's.
    "orders.guide": LEAVES | {"relay.dummy"},
    "examples": set(),
    "deadline_sockets": set(),
    "http_client": {"addresses", "deadline_sockets"},
    "formatting": set(),
    "text_layout": set(),
    "outcome": {"faults"},
    "sqlite": set(),
    "columns": set(),
    "forking": set(),
    "write_lock": {"errors", "forking"},
    "reloading": set(),
    "ownership": set(),
    "group_commit": {"errors", "write_lock"},
    "database_errors": {"errors", "sqlite"},
    "write_transaction": {"database_errors", "sqlite", "write_lock"},
    "database": {"database_errors", "errors", "forking", "sqlite", "write_lock", "write_transaction"},
    "models": {"columns"},
    "account.tables": {"columns"},
    "account.links": STORE | {"account.tables", "customers"},
    "migrations": {
        "account.tables",
        "clock_tables",
        "columns",
        "migrations",
        "models",
        "processes",
        "registrars.tables",
        "relay.tables",
        "console.tables",
    }
    | {"identity", "orders"},
    "private_files": set(),
    "secret_key": {"checks", "errors", "private_files"},
    "devices": set(),
    "sealed": STORE | {"database_errors", "encryption", "relay.tables"},
    "checks": LEAVES | {"mail_addresses"},
    "setting": {"errors"},
    "config": LEAVES | {"checks", "setting"},
    "settings": LEAVES | {"config", "secret_key", "setting"},
    "config_example": {"config", "setting"},
    "mail_addresses": set(),
    "mail_message": {"mail_addresses"},
    "smtp": MAIL | {"deadline_sockets"},
    "smtp_failures": {"deadline_sockets", "mail_message"},
    "mail": MAIL,
    "brand": set(),
    "time_limit": set(),
    "mail_language": {"formatting"},
    "mail_environment": RENDERING | {"orders"},
    "mail_blocks": {"faults"},
    "mail_templates": RENDERING | {"orders"},
    "identity": LEAVES,
    "copies": {"columns"},
    "inbox": STORE | {"columns", "copies", "database_errors", "errors", "identity", "shared_secrets"},
    "readiness": STORE | {"database_errors", "errors", "inbox"},
    "encryption": {"errors"},
    "jobs": {"columns", "database", "errors"},
    "leases": {"columns", "database", "jobs"},
    "outbox": STORE | {"jobs", "leases", "mail"},
    "customers": LEAVES | STORE,
    "once": STORE,
    "authoring": {"errors"},
    # They read source as text; nothing of what they describe is imported but the models.
    "declared": set(),
    "handler_reference": {"declared", "orders"},
    "shown_files": set(),
    "attempt_work": STORE | {"outbox", "write_transaction"},
    "context": LEAVES | STORE | MAIL | {"account.links", "attempt_work", "once", "outbox", "relay.forwarding"},
    "handlers": {"orders", "customers", "context", "handlers", "registrars", "text_layout"},
    "handler_files": set(),
    "handler_checks": {"handlers"},
    "handler_loading": {"faults", "handler_checks", "handler_files", "handlers"},
    "processes": {"columns", "database", "errors"},
    "handler_changes": {"database", "errors", "handler_files", "handler_loading", "processes"},
    "attempts": {"attempt_work", "context", "faults", "handlers", "orders", "outcome"},
    "progress": LEAVES
    | STORE
    | {"attempt_work", "handler_loading", "handlers", "jobs", "outbox", "outcome", "relay.forwarding"},
    "processing": LEAVES
    | STORE
    | {
        "attempt_work",
        "attempts",
        "context",
        "faults",
        "handler_loading",
        "handlers",
        "jobs",
        "leases",
        "outcome",
        "progress",
    },
    "engine": {"faults"},
    "far_off": STORE | {"columns", "progress", "registrars.tables", "relay.tables", "relay.transmissions"},
    "stray_errors": {"faults"},
    "notices": STORE | MAIL | {"columns", "outbox", "same_id"},
    "own_mails": LEAVES | RENDERING | {"mail_templates", "notices", "relay.dummy"},
    "alarms": STORE | {"columns", "notices"},
    "card_data_notice": STORE | {"notices"},
    "mapped_fields": LEAVES | STORE | {"sqlite"},
    "source": LEAVES,
    "source_options": STORE | {"errors", "sqlite"},
    "sources": LEAVES | STORE | {"config", "mapped_fields", "settings", "source", "source_options"},
    "shared_secrets": LEAVES | STORE | {"columns", "database_errors", "encryption", "write_lock", "secret_strength"},
    "authentication": LEAVES | {"shared_secrets"},
    "refusals": LEAVES | STORE | {"shared_secrets"},
    "order_row": LEAVES | {"authentication", "customers", "identity", "jobs", "shared_secrets", "source"},
    "reception": LEAVES | {"authentication", "inbox", "order_row", "refusals", "shared_secrets", "source", "sources"},
    "refusal_advice": set(),
    "mail_ledger": LEAVES | STORE | {"columns", "mail_addresses"},
    "same_id": STORE,
    "ledger": LEAVES | STORE | {"columns", "customers", "same_id"},
    "held_back": LEAVES | STORE | {"columns"},
    "held_back_notice": STORE | {"held_back", "notices"},
    "rereading": LEAVES | STORE | {"columns", "copies", "held_back", "identity", "order_row", "sources"},
    "replay": LEAVES | STORE | {"handler_loading", "jobs", "ledger", "progress", "rereading", "sources"},
    "row_changes": {"columns", "database"},
    "purging": STORE | MAIL | {"relay.tables"},
    "clock_tables": {"columns"},
    "clock": STORE | {"clock_tables", "columns", "relay.tables"},
    "ages": STORE | {"clock", "clock_tables"},
    "clock_advice": STORE | {"clock", "notices"},
    "retention": STORE | MAIL | {"ages", "clock", "purging", "relay.tables"},
    "figures": STORE | {"columns", "refusals", "relay.tables"},
    "export_rows": STORE | {"relay.tables"},
    "csv_erasure": {"customers", "errors"},
    "unread_orders": STORE | {"customers", "purging"},
    "privacy": LEAVES
    | STORE
    | MAIL
    | {"csv_erasure", "customers", "export_rows", "purging", "relay.tables", "unread_orders"},
    "parked": LEAVES | STORE | {"columns", "sources"},
    "order_files": LEAVES,
    "explanation": LEAVES | {"ledger", "order_files", "shared_secrets", "source", "sources", "text_layout"},
    "registrars": LEAVES | STORE | {"columns", "customers", "http_client", "jobs", "leases", "notices", "registrars"},
    "console.tables": {"columns"},
    "console.guesses": {"console.tables", "devices"},
    "relay": LEAVES
    | STORE
    | {"columns", "encryption", "http_client", "identity", "jobs", "leases", "notices", "relay", "shared_secrets"},
}
#: What sits on top: it may import everything but the other tops, unless named here.
TOPS: dict[str, set[str]] = {
    "kit": set(),
    "wiring": {"kit"},
    "routes": {"kit"},
    "health": {"kit"},
    "body_deadlines": set(),
    "page_forms": set(),
    "problems": set(),
    "serving": {"kit"},
    "instance": {"kit"},
    "self_test": {"kit", "self_test_steps"},
    "self_test_steps": {"kit"},
    "handler_trial": {"kit", "instance"},
    # What a merchant's tests are given.
    "testing": {"", "kit", "instance", "handler_trial", "testing"},
    "diagnosis": {"kit", "serving", "diagnosis"},
    "account": {"kit", "page_forms", "problems", "console", "account"},
    "console": {"kit", "instance", "diagnosis", "page_forms", "problems", "serving", "console"},
    "commands": {
        "kit",
        "serving",
        "instance",
        "self_test",
        "self_test_steps",
        "handler_trial",
        "diagnosis",
        "commands",
    },
    # The app's factory.
    "": {"body_deadlines", "wiring", "routes", "health", "page_forms", "problems", "console", "account", "commands"},
}
#: Who may know Flask; mail because Flask-Mail wants an app, which it is given as its own; relay.recording for the
#: current app.
MAY_KNOW_FLASK = {*TOPS, "mail", "mail_message", "smtp", "relay.recording"} - {
    "wiring",
    "instance",
    "diagnosis",
    "handler_trial",
}


@cache
def modules() -> list[str]:
    """Name every file of ours by its dotted path inside the package; the package itself is empty text."""
    paths = (path.relative_to(ROOT / "receiver") for path in (ROOT / "receiver").rglob("*.py"))
    return sorted(".".join(path.with_suffix("").parts).removesuffix("__init__").rstrip(".") for path in paths)


@cache
def tree(module: str) -> ast.Module:
    place = ROOT.joinpath("receiver", *module.split("."))
    return ast.parse((place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text("utf-8"))


def imported(module: str) -> Iterator[str]:
    """Give the full dotted name of everything imported anywhere in a file."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(module: str) -> set[str]:
    """Give the modules of ours that a file imports."""
    names = {name.removeprefix("receiver").lstrip(".") for name in imported(module) if _is_ours(name)}
    return {name if name in modules() else name.rpartition(".")[0] for name in names}


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "receiver"


def part(module: str, known: set[str]) -> str:
    """Give the name under which a module stands in a table: its own or its package's."""
    return module if module in known else module.partition(".")[0]


def allowed(module: str) -> set[str]:
    if (name := part(module, set(TOPS))) in TOPS:
        return set(MAY_IMPORT) | TOPS[name]
    return MAY_IMPORT[part(module, set(MAY_IMPORT))]


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_it_may_know(module: str) -> None:
    may = allowed(module)
    strangers = {name for name in ours(module) if name not in may and name.partition(".")[0] not in may}
    assert strangers == set()


@pytest.mark.parametrize("module", modules())
def test_only_the_outer_modules_know_flask(module: str) -> None:
    words = {name.partition(".")[0] for name in imported(module)}
    assert not words & {"flask", "flask_mail"} or part(module, MAY_KNOW_FLASK) in MAY_KNOW_FLASK


def test_no_import_goes_in_a_circle() -> None:
    graph = {module: ours(module) - {module} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_module_stands_in_the_table_and_the_table_names_no_other() -> None:
    tables = {*MAY_IMPORT, *TOPS}
    found = {part(module, tables) for module in modules()}
    assert found == tables


def test_the_app_is_made_inside_a_function_alone() -> None:
    """Importing the package stays cheap, and whoever imports a leaf pulls nothing else in."""
    body = [node for node in tree("").body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in body for alias in node.names} | {getattr(node, "module", "") for node in body}
    assert not any(str(name).startswith("receiver") for name in names)
