"""What a handler does to its order, its session, its threads harms no other handler and no other order."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from receiver.storage.models import HandlerRow
from receiver.storage.relay_models import TransmissionRow
from tests.served import Served, order_fields

Post = Callable[[str], Served]
HEAD = "from sqlalchemy import text\nfrom receiver.handlers import handler\n"


@pytest.fixture
def post(instance: Path, serve: Callable[..., Served]) -> Post:
    """Serve with only the handlers of this code, post one order, and run what is due once."""

    def start(code: str) -> Served:
        (instance / "handlers" / "mine.py").write_text(HEAD + textwrap.dedent(code))
        shop = serve(work=False, HANDLERS=re.findall(r"def (\w+)\(order, context\)", code))
        with shop.kit.database.write() as session:
            session.execute(text("CREATE TABLE work (note TEXT)"))
        assert shop.post(order_fields(order_id="A-1", gift="yes")).status == 202
        shop.kit.processor.run_next()
        return shop

    return start


def ends(shop: Served) -> dict[str, tuple[str, str | None]]:
    """Give state and detail of each handler by its name."""
    return {row.name: (row.state, row.detail) for row in shop.rows(HandlerRow)}


@pytest.mark.parametrize(
    "change",
    [
        "object.__setattr__(order, 'order_id', 'changed')",
        "object.__setattr__(order.customer, 'email', 'changed')",
        "order.items[0].options['Colour'] = 'changed'",
        "order.extra['gift'] = 'changed'",
        "order.__dict__.clear()",
    ],
)
def test_a_handler_that_changes_its_order_changes_no_other_handlers(post: Post, change: str) -> None:
    shop = post(f"""
        def seen(order):
            return str([order.order_id, order.customer.email, order.items[0].options, order.extra])

        @handler
        def changes(order, context):
            {change}
            raise RuntimeError

        @handler
        def sees(order, context):
            assert order is context.order
            return seen(order)
    """)

    assert ends(shop)["sees"] == ("done", "['A-1', 'ada@shop.example', {}, {'gift': 'yes'}]")
    assert json.loads(shop.rows()[0].order)["order_id"] == "A-1"


def test_a_handler_that_changes_its_order_forwards_it_as_it_came(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "mine.py").write_text(
        HEAD
        + textwrap.dedent("""
        @handler
        def sends(order, context):
            object.__setattr__(order, "total", None)
            context.forward("https://example.com/orders")
    """)
    )
    shop = serve(work=False, HANDLERS=["sends"], FORWARD_SECRET="whsec_" + "A" * 32)
    shop.post(order_fields())
    shop.kit.processor.run_next()

    (sent,) = shop.rows(TransmissionRow)
    assert json.loads(sent.order)["total"] == "19.99"


def test_a_handler_cannot_change_the_settings_of_the_others(post: Post) -> None:
    shop = post("""
        @handler
        def changes(order, context):
            context.settings["RETRY_SCHEDULE"].clear()
    """)

    state, detail = ends(shop)["changes"]
    assert (state, (detail or "").partition(":")[0]) == ("retrying", "AttributeError")


ENDINGS = {
    "context.session.execute(text('COMMIT'))": "leave COMMIT out",
    "context.session.execute(text('  -- now\\n/* and here */ end transaction'))": "leave END out",
    "context.session.execute(text('ROLLBACK'))": "leave ROLLBACK out",
    "context.session.execute(text('begin immediate'))": "leave BEGIN out",
    "context.session.connection().commit()": "leave COMMIT out",
    "context.session.connection().rollback()": "leave ROLLBACK out",
    "context.session.connection().get_transaction().commit()": "leave COMMIT out",
    "raw(context).commit()": "leave COMMIT out",
    "raw(context).execute('COMMIT')": "leave COMMIT out",
    "raw(context).executescript('SELECT 1')": "leave COMMIT out",
    "raw(context).cursor().executescript('SELECT 1')": "leave COMMIT out",
    "raw(context).__enter__()": "leave COMMIT out",
    "context.session.connection().close()": "leave ROLLBACK out",
    "refused(context.session.connection().commit); context.session.connection().close()": "could not be committed",
    "context.session.close()": "do not close it, nor use it in a with block",
    "context.session.__enter__().__exit__(None, None, None)": "do not close it, nor use it in a with block",
    "context.session.reset()": "do not close it",
    "context.session.invalidate()": "do not close it",
    "raw(context).close()": "could not be committed",
    "context.session.connection().invalidate()": "could not be committed",
    "context.session.execute(text('INSERT OR ROLLBACK INTO kept VALUES (1)'))": "UNIQUE constraint failed",
}
WORK = """
    def raw(context):
        return context.session.connection().connection.dbapi_connection

    def refused(call, error=RuntimeError):
        try:
            call()
        except error:
            pass

    def note(context, words):
        context.session.execute(text("INSERT INTO work VALUES (:note)"), {"note": words})

    def meet_a_conflict(context):
        context.session.execute(text("CREATE TABLE kept (n INTEGER UNIQUE)"))
        context.session.execute(text("INSERT INTO kept VALUES (1)"))
"""


def work(shop: Served) -> list[str]:
    with shop.kit.database.read() as session:
        return list(session.scalars(text("SELECT note FROM work")))


def _of_sqlite(code: str) -> Any:
    """Mark what other databases don't know."""
    return pytest.param(code, marks=pytest.mark.sqlite) if "executescript" in code or "INSERT OR" in code else code


@pytest.mark.parametrize("ending", [*map(_of_sqlite, ENDINGS)])
def test_a_handler_cannot_end_the_transaction_of_its_done(post: Post, ending: str) -> None:
    """Neither does what it did stay when it fails later, nor is it lost while it is done."""
    shop = post(f"""{WORK}
    @handler
    def ends(order, context):
        meet_a_conflict(context)
        note(context, "before")
        {ending}

    @handler
    def swallows(order, context):
        meet_a_conflict(context)
        note(context, "before")
        try:
            {ending}
        except Exception:
            pass
        try:
            note(context, "behind")
        except Exception:
            pass
        raise RuntimeError

    @handler
    def tame(order, context):
        note(context, "tame")
    """)

    state, detail = ends(shop)["ends"]
    assert state == "retrying"
    assert ENDINGS[ending] in (detail or "")
    assert ends(shop)["tame"] == ("done", None)
    assert work(shop) == ["tame"]


@pytest.mark.parametrize("ending", [*map(_of_sqlite, ENDINGS)])
def test_a_handler_that_swallows_the_refusal_is_done_with_all_its_work_or_not_at_all(post: Post, ending: str) -> None:
    shop = post(f"""{WORK}
    @handler
    def swallows(order, context):
        meet_a_conflict(context)
        note(context, "before")
        try:
            {ending}
        except Exception:
            pass
        note(context, "behind")
    """)

    assert work(shop) == (["before", "behind"] if ends(shop)["swallows"][0] == "done" else [])


def test_a_handler_may_commit_and_nest_as_far_as_a_savepoint_reaches(post: Post) -> None:
    shop = post(f"""{WORK}
    @handler
    def nests(order, context):
        note(context, "first")
        context.session.commit()
        with context.session.begin_nested():
            note(context, "second")
        with context.session.begin_nested() as savepoint:
            note(context, "third")
            savepoint.rollback()
        context.session.commit()
        with context.session.begin():
            note(context, "in a block")
        context.session.execute(text("SAVEPOINT mine"))
        note(context, "fourth")
        context.session.execute(text("ROLLBACK TRANSACTION TO mine"))
        context.session.execute(text("RELEASE mine"))
        context.session.begin_nested()
        note(context, "left open")

    @handler
    def fails(order, context):
        note(context, "lost")
        context.session.commit()
        raise RuntimeError
    """)

    assert [state for state, _ in ends(shop).values()] == ["done", "retrying"]
    assert work(shop) == ["first", "second", "in a block", "left open"]


@pytest.mark.sqlite
def test_a_transaction_that_sqlite_rolled_back_behind_a_handlers_back_is_no_done(post: Post) -> None:
    shop = post(f"""{WORK}
    @handler
    def swallows(order, context):
        meet_a_conflict(context)
        context.session.commit()
        refused(lambda: raw(context).execute("INSERT OR ROLLBACK INTO kept VALUES (1)"), Exception)
    """)

    state, detail = ends(shop)["swallows"]
    assert state == "retrying"
    assert "SQLite has rolled the transaction back" in (detail or "")


def test_what_keeps_the_done_from_being_written_is_said_and_not_taken_for_the_handlers(post: Post) -> None:
    shop = post("""
        @handler
        def forgets(order, context):
            context.session.execute(text("DELETE FROM order_handlers"))
    """)

    state, detail = ends(shop)["forgets"]
    assert state == "retrying"
    assert "its work could not be committed: IntegrityError" in (detail or "")


POSTGRESQL_ENDINGS = {
    "raw(context).cursor().execute('SELECT 1; COMMIT')": "could not be committed",
    "raw(context).execute(b'commit')": "could not be committed",
    "context.session.execute(text('START TRANSACTION'))": "leave START out",
    "context.session.execute(text('abort'))": "leave ABORT out",
    "refused(lambda: raw(context).execute('INSERT INTO kept VALUES (1)'), Exception)": "could not be committed",
}


@pytest.mark.postgresql
@pytest.mark.parametrize("ending", POSTGRESQL_ENDINGS)
def test_no_transaction_that_was_ended_or_has_failed_is_done(post: Post, ending: str) -> None:
    shop = post(f"""{WORK}
    @handler
    def ends(order, context):
        meet_a_conflict(context)
        {ending}

    @handler
    def tame(order, context):
        note(context, "tame")
    """)

    state, detail = ends(shop)["ends"]
    assert state == "retrying"
    assert POSTGRESQL_ENDINGS[ending] in (detail or "")
    assert ends(shop)["tame"] == ("done", None)


@pytest.mark.postgresql
def test_what_may_fail_in_a_savepoint_leaves_the_rest(post: Post) -> None:
    shop = post(f"""{WORK}
    @handler
    def goes_on(order, context):
        meet_a_conflict(context)
        try:
            with context.session.begin_nested():
                context.session.execute(text("INSERT INTO kept VALUES (1)"))
        except Exception:
            note(context, "was there")
    """)

    assert ends(shop)["goes_on"] == ("done", None)
    assert work(shop) == ["was there"]


@pytest.mark.postgresql
@pytest.mark.parametrize("statement", ["SET statement_timeout = 1", "set search_path to nowhere"])
def test_what_a_handler_sets_on_its_session_holds_for_nobody_else(post: Post, statement: str) -> None:
    shop = post(f"""
        @handler
        def sets(order, context):
            context.session.execute(text("{statement}"))

        @handler
        def sees(order, context):
            names = ("statement_timeout", "search_path")
            return str([context.session.scalar(text("SHOW " + name)) for name in names])
    """)

    assert ends(shop)["sees"] == ("done", """['0', '"$user", public']""")
    assert shop.post(order_fields()).status == 202


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "statement",
    ["PRAGMA query_only=ON", "pragma busy_timeout(1)", "ATTACH ':memory:' AS other", "CREATE TEMP TABLE mine (n)"],
)
def test_what_a_handler_sets_on_its_connection_holds_for_nobody_else(post: Post, statement: str) -> None:
    shop = post(f"""
        def raw(context):
            return context.session.connection().connection.dbapi_connection

        @handler
        def sets(order, context):
            context.session.execute(text("{statement}"))

        @handler
        def sees(order, context):
            context.session.execute(text("CREATE TEMP TABLE mine (n)"))
            context.session.execute(text("DROP TABLE temp.mine"))
            schemas = len(context.session.execute(text("PRAGMA database_list")).all())
            return str([schemas, context.session.scalar(text("PRAGMA busy_timeout")) > 1])
    """)

    assert ends(shop)["sees"] == ("done", "[2, True]")
    assert shop.post(order_fields()).status == 202


def test_a_cursor_that_a_handler_kept_writes_nothing_once_its_attempt_is_over(post: Post) -> None:
    shop = post("""
        kept = []

        @handler
        def keeps(order, context):
            kept.append(context.session.connection().connection.cursor())
            kept[0].execute("UPDATE orders SET total = '1.00'")
            return "kept"

        @handler
        def tries(order, context):
            context.session.execute(text("SELECT 1"))
            try:
                kept[0].execute("UPDATE orders SET total = '2.00'")
            except RuntimeError as error:
                return str(error)
    """)

    assert ends(shop) == {
        "keeps": ("done", "kept"),
        "tries": ("done", "This attempt is over; its cursor can no longer be used."),
    }
    assert shop.rows()[0].total == "1.00"


@pytest.mark.parametrize("kind", ["coroutine", "generator"])
def test_a_handler_whose_work_would_never_be_done_is_not_done(post: Post, kind: str) -> None:
    shop = post(f"""
        def a_generator():
            yield

        async def a_coroutine():
            pass

        @handler
        def forgets(order, context):
            return a_{kind}()
    """)

    state, detail = ends(shop)["forgets"]
    assert state == "retrying"
    assert (detail or "").startswith(f"TypeError: it returned a {kind}, whose work nobody does")
