"""The handlers that a setting switches on: the whole battery, and what each does of its own."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from receiver.handlers.append_csv import COLUMNS
from receiver.relay import chats
from receiver.testing import HandlerCases, MakeOrder, RunHandler
from tests.hostile_servers import flood, serving
from tests.served import Served, order_fields
from tests.smtp_servers import free_port


class TestAppendCsv(HandlerCases):
    name = "append_csv"

    @pytest.fixture
    def handler_settings(self) -> dict[str, Any]:
        return {"CSV_FILE": "orders.csv"}

    @pytest.fixture
    def file(self, instance: Path) -> Path:
        return instance / "orders.csv"

    def test_the_order_is_a_row_under_the_heading_in_a_file_of_its_owner_alone(
        self, run_handler: RunHandler, file: Path
    ) -> None:
        assert run_handler(self.name, order_fields(order_id="A-1")).detail == "1 row appended"

        assert file.read_bytes().startswith(b"\xef\xbb\xbfsource,event_id,order_id,")
        (row,) = rows_of(file)
        assert (row["order_id"], row["total"], row["email"], row["source"]) == (
            "A-1",
            "19.99",
            "ada@shop.example",
            "shopintegrator",
        )
        assert row["item_name"] == ""
        assert file.stat().st_mode & 0o777 == 0o600

    def test_each_item_is_a_row_when_items_are_asked_for(self, run_handler: RunHandler, file: Path) -> None:
        second = {"item_2_name": "Spoon", "item_2_quantity": "3", "item_2_unit_price": "1.00"}
        trial = run_handler(self.name, order_fields(**second), CSV_FILE=str(file), CSV_ROWS="items", CSV_BOM=False)

        assert trial.detail == "2 rows appended"
        assert file.read_bytes().startswith(b"source,")
        assert [(row["item_name"], row["item_quantity"]) for row in rows_of(file)] == [
            ("Enamel mug", "1"),
            ("Spoon", "3"),
        ]

    @pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t=", "\r="])
    def test_no_cell_begins_as_a_formula_does(self, run_handler: RunHandler, file: Path, begin: str) -> None:
        names = {"customer_first_name": f"{begin}HYPERLINK(1)", "customer_last_name": f'x;"{begin}1'}
        run_handler(self.name, order_fields(**names))

        (row,) = rows_of(file)
        assert row["first_name"] == f"'{begin.strip()}HYPERLINK(1)"
        assert row["last_name"].startswith('x;"')
        assert "'" in row["last_name"]

    def test_an_order_that_stands_there_is_not_written_again(self, run_handler: RunHandler, file: Path) -> None:
        trial = run_handler(self.name)
        before = file.read_bytes()
        trial.again()

        assert trial.detail == "already in the file"
        assert file.read_bytes() == before

    def test_the_same_event_of_another_source_is_another_row(self, serve: Callable[..., Served], file: Path) -> None:
        shop = serve(work=False, HANDLERS=[self.name], CSV_FILE="orders.csv", sources={"market": {}})
        for path in ("/orders", "/orders/market"):
            assert shop.post(order_fields(order_id="A-1", event_id="evt_1"), path=path).status == 202
            assert shop.kit.processor.run_next()

        assert [row["source"] for row in rows_of(file)] == ["shopintegrator", "market"]

    @pytest.mark.parametrize("lost", [1, 5, 40])
    def test_a_row_that_was_cut_off_is_written_whole_at_the_next_attempt(
        self, run_handler: RunHandler, file: Path, lost: int
    ) -> None:
        trial = run_handler(self.name, order_fields())
        whole = file.read_bytes()
        file.write_bytes(whole[:-lost])
        trial.again()

        assert file.read_bytes() == whole

    def test_another_orders_row_that_was_cut_off_leaves_no_half_row_behind(
        self, run_handler: RunHandler, file: Path
    ) -> None:
        run_handler(self.name, order_fields(order_id="A-1"))
        file.write_bytes(file.read_bytes() + b"shopintegrator,evt_torn,A-9")
        run_handler(self.name, order_fields(order_id="A-2"))

        assert [row["order_id"] for row in rows_of(file)] == ["A-1", "A-2"]

    def test_a_last_line_that_an_editor_left_without_its_end_is_kept(self, run_handler: RunHandler, file: Path) -> None:
        run_handler(self.name, order_fields(order_id="A-1"))
        file.write_bytes(file.read_bytes().rstrip())
        run_handler(self.name, order_fields(order_id="A-2"))

        assert [row["order_id"] for row in rows_of(file)] == ["A-1", "A-2"]

    def test_a_disk_that_takes_nothing_fails_the_attempt_and_leaves_the_file_as_it_was(
        self, run_handler: RunHandler, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_handler(self.name, order_fields())
        before = file.read_bytes()

        def full(_descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert run_handler(self.name, order_fields()).state == "retrying"
        assert file.read_bytes() == before

    def test_a_file_of_many_orders_costs_no_memory_and_is_looked_through_whole(
        self, run_handler: RunHandler, file: Path
    ) -> None:
        trial = run_handler(self.name, order_fields(order_id="A-1"))
        heading, row = file.read_bytes().splitlines(keepends=True)
        _source, _event, rest = row.split(b",", 2)
        others = (b"shopintegrator,evt_%d,%s" % (number, rest) for number in range(100_000))
        file.write_bytes(b"".join((heading, *others, row)))
        size = file.stat().st_size
        assert size > 10_000_000

        tracemalloc.start()
        trial.again()
        run_handler(self.name, order_fields(order_id="A-2"))
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert trial.detail == "already in the file"
        assert file.read_bytes()[:size].endswith(row)
        assert file.read_bytes()[size:].count(b"A-2") == file.read_bytes()[size:].count(b"\r\n") == 1
        assert most < 4_000_000

    @pytest.mark.parametrize("shift", [-3, -1, 0, 1, 40])
    def test_a_row_across_two_blocks_of_the_file_is_found(
        self, run_handler: RunHandler, file: Path, shift: int
    ) -> None:
        trial = run_handler(self.name, order_fields(order_id="A-1"))
        heading, row = file.read_bytes().splitlines(keepends=True)
        filling = 256 * 1024 - len(heading) + shift - 2
        file.write_bytes(heading + b"x" * filling + b"\r\n" + row)
        trial.again()

        assert trial.detail == "already in the file"

    def test_without_a_file_it_is_skipped(self, run_handler: RunHandler) -> None:
        assert run_handler(self.name, CSV_FILE="").detail == "[handlers.append_csv] file is not set"


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return rows


class Chat(ThreadingHTTPServer):
    """Is a chat's incoming webhook that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Webhook)
        self.status, self.headers = 200, dict[str, str]()
        self.messages: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/the-webhook's-secret"


class _Webhook(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        for name, value in {**self.server.headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def chat() -> Iterator[Chat]:
    with running_chat() as server:
        yield server


class TestNotifyChat(HandlerCases):
    name = "notify_chat"

    @pytest.fixture
    def handler_settings(self, chat: Chat) -> dict[str, Any]:
        return {"CHAT_URL": chat.url, "HTTP_ALLOW": ["127.0.0.1"]}

    def test_the_chat_is_told_number_total_and_items_and_nothing_of_the_customer(
        self, run_handler: RunHandler, chat: Chat
    ) -> None:
        fields = order_fields(order_number="1042", item_1_quantity="2")
        assert run_handler(self.name, fields).detail == "posted to slack"

        (message,) = chat.messages
        assert message == {
            "text": "New order 1042, 19.99 GBP, 2 items",
            "parse": "none",
            "mrkdwn": False,
            "link_names": False,
            "unfurl_links": False,
        }

    def test_a_test_transmission_is_told_as_one(
        self, run_handler: RunHandler, make_order: MakeOrder, chat: Chat
    ) -> None:
        run_handler(self.name, make_order(test=True))

        assert chat.messages[0]["text"].startswith("Test: order ")

    def test_an_order_of_an_id_alone_is_told(self, run_handler: RunHandler, chat: Chat) -> None:
        run_handler(self.name, {"order_id": "A-1"})

        assert chat.messages[0]["text"] == "New order A-1, 0 items"

    def test_of_the_chats_answer_only_the_status_counts(self, run_handler: RunHandler) -> None:
        sent: list[int] = []
        with serving(flood(b"HTTP/1.1 200 OK\r\n\r\n", size=200_000_000, sent=sent)) as server:
            assert run_handler(self.name, order_fields(), CHAT_URL=server.url()).detail == "posted to slack"
        assert sum(sent) < 20_000_000

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("slack", "New order &lt;\u200b!channel&gt; *&amp;*, 19.99 GBP, 1 item, from Ada"),
            ("discord", "New order \\<\u200b!channel\\> \\*&\\*, 19.99 GBP, 1 item, from Ada"),
            ("teams", "New order <\u200b!channel> *&*, 19.99 GBP, 1 item, from Ada"),
        ],
    )
    def test_each_kind_gets_its_own_shape_in_which_no_mark_means_anything(
        self, run_handler: RunHandler, chat: Chat, kind: str, said: str
    ) -> None:
        fields = order_fields(order_number="<!channel>\n*&*")
        run_handler(self.name, fields, CHAT_KIND=kind, CHAT_NAMES_CUSTOMER=True)

        (message,) = chat.messages
        if kind == "teams":
            assert message["type"] == "message"
            ((line,),) = [one["content"]["body"] for one in message["attachments"]]
            assert line == {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": said}]}
        elif kind == "discord":
            assert message["allowed_mentions"] == {"parse": []}
            assert message["content"].replace(r"\.", ".") == said
        else:
            assert message["text"] == said

    @pytest.mark.parametrize("kind", ["slack", "discord", "teams"])
    @pytest.mark.parametrize(
        "mark",
        [
            *("<!channel>", "<!here|here>", "<@U024BE7LH>", "<#C024BE7LR>", "<https://evil.example|your shop>"),
            *("@everyone", "@here", "@channel", "@all", "<@&165511591545143296>", "<at>Ada</at>", "ada@evil.example"),
            *("[your shop](https://evil.example)", "[x](/evil)", "[x][1]", "<https://evil.example>"),
            *(
                "https://evil.example",
                "HTTPS://EVIL.EXAMPLE",
                "www.evil.example",
                "evil.example",
                "mailto:a@evil.example",
            ),
        ],
    )
    def test_no_text_of_the_order_mentions_anybody_or_becomes_a_link(
        self, run_handler: RunHandler, chat: Chat, handler_settings: dict[str, Any], kind: str, mark: str
    ) -> None:
        fields = order_fields(order_number=f"7 {mark}", customer_first_name=mark)
        run_handler(self.name, fields, **handler_settings, CHAT_KIND=kind, CHAT_NAMES_CUSTOMER=True)

        (message,) = chat.messages
        assert _LIVE.findall(_text_of(message).replace("\\", "")) == []
        if kind == "slack":
            assert (message["parse"], message["link_names"], message["mrkdwn"]) == ("none", False, False)
        elif kind == "discord":
            assert message["allowed_mentions"] == {"parse": []}
        else:
            assert "entities" not in json.dumps(message)

    def test_the_marks_that_are_made_harmless_are_still_seen(self, run_handler: RunHandler, chat: Chat) -> None:
        run_handler(self.name, order_fields(order_number="ada@shop.example, 10.50, https://shop.example/?a=1&b"))

        assert (
            chat.messages[0]["text"]
            .replace("\u200b", "")
            .startswith("New order ada@shop.example, 10.50, https://shop.example/?a=1&amp;b, ")
        )
        assert "10.50" in chat.messages[0]["text"]

    def test_a_long_number_is_cut(self, run_handler: RunHandler, chat: Chat) -> None:
        run_handler(self.name, order_fields(order_number="9" * 300))

        assert len(chat.messages[0]["text"]) < 120

    def test_a_chat_that_asks_for_time_gets_it(self, run_handler: RunHandler, chat: Chat) -> None:
        chat.status, chat.headers = 429, {"Retry-After": "7200"}
        trial = run_handler(self.name)

        assert (trial.state, trial.detail) == ("retrying", "the chat takes no more messages now")
        row = trial.row
        assert row.due_at is not None
        assert row.due_at - row.changed_at == timedelta(hours=2)

    @pytest.mark.parametrize("asked", ["", "soon", "-1"])
    def test_a_wait_that_is_no_number_leaves_it_to_the_schedule(
        self, run_handler: RunHandler, chat: Chat, asked: str
    ) -> None:
        chat.status, chat.headers = 429, {"Retry-After": asked}
        row = run_handler(self.name).row

        assert row.due_at is not None
        assert row.due_at - row.changed_at == timedelta(seconds=60)

    def test_a_chat_that_refuses_fails_the_attempt(self, run_handler: RunHandler, chat: Chat) -> None:
        chat.status = 404
        trial = run_handler(self.name)

        assert trial.state == "retrying"
        assert "the chat answered 404; is its url still right?" in (trial.detail or "")

    def test_a_chat_that_cannot_be_reached_fails_the_attempt_without_showing_its_address(
        self, run_handler: RunHandler
    ) -> None:
        url = f"http://127.0.0.1:{free_port()}/services/the-webhook's-secret"
        trial = run_handler(self.name, CHAT_URL=url)

        assert trial.state == "retrying"
        assert "the chat was not reached: NewConnectionError" in (trial.detail or "")
        assert "services" not in (trial.detail or "")

    def test_without_an_address_it_is_skipped(self, run_handler: RunHandler) -> None:
        assert run_handler(self.name, CHAT_URL="").detail == "[handlers.notify_chat] url is not set"


#: What one chat or another reads as a mention or a link.
_LIVE = re.compile(r"<[!@#/\w]|@[&\w]|:[/\w]|\]\(|\]\[|\w\.[a-z]", re.IGNORECASE)


def _text_of(message: dict[str, Any]) -> str:
    """Give the text that a message shows; an attachment's is that of its only run."""
    if "attachments" not in message:
        return str(message.get("text") or message.get("content"))
    (attachment,) = message["attachments"]
    ((run_of_text,),) = [line["inlines"] for line in attachment["content"]["body"]]
    return str(run_of_text["text"])


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://hooks.slack.com/services/T/B/x", "slack"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/1", "teams"),
        ("https://shop.webhook.office.com/webhookb2/1", "teams"),
        ("https://notdiscord.com/x", "slack"),
        ("https://chat.shop.example/hooks/1", "slack"),
    ],
)
def test_an_address_tells_the_kind_of_chat(url: str, kind: str) -> None:
    assert (chats.kind_of(url) or "slack") == kind
