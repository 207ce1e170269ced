"""The recipe that mails a packing slip: the PDF is read as its reader would."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from receiver.orders import Order
from receiver.storage.models import MailRow
from receiver.testing import HandlerCases, RunHandler
from tests.served import order_fields
from tests.test_recipes import FOLDER, PARCEL, TEMPLATES

FONTS = re.findall(r'"(/usr/share/fonts/.*)"', (FOLDER / "attach_packing_slip.py").read_text("utf-8"))


@pytest.mark.unmeasured
class TestAttachPackingSlip(HandlerCases):
    name = "attach_packing_slip"

    @pytest.fixture
    def handler_settings(self, instance: Path) -> dict[str, Any]:
        shutil.copy(FOLDER / f"{self.name}.py", instance / "handlers")
        (instance / "templates").mkdir(exist_ok=True)
        shutil.copy(TEMPLATES / "packing_slip.txt", instance / "templates")
        return {}

    @pytest.mark.skipif(not all(map(os.path.exists, FONTS)), reason="the fonts of the packing slip are not installed")
    def test_the_warehouse_gets_what_is_to_be_packed_in_the_letters_of_its_names(
        self, run_handler: RunHandler, order: Order, outbox: list[MailRow]
    ) -> None:
        assert run_handler(self.name, order).state == "done"

        (mail,) = outbox
        assert (mail.recipient, mail.subject) == ("warehouse@your-shop.example", "Pack order 1042")
        (page,) = slip_of(mail, name=f"packing-slip-{order.order_id}.pdf").pages
        shown = page.extract_text()
        for words in (
            "Jan Łukasz",
            "ul. Świętego Jana 7/3",
            "Enamel mug “Łódź”",
            "日本 sticker",
            "Colour: red, Size: L",
        ):
            assert words in shown
        assert "Please ring twice – danke!" in shown
        assert "page 1 of 1" in shown
        assert not re.search(r"18[.,]50|67[.,]35", shown), "a price stands on it"
        embedded = sorted(str(font.get_object()["/BaseFont"]).partition("+")[2] for font in fonts_of(page))
        assert embedded == ["DejaVuSansBook", "DroidSansFallback"]

    def test_a_long_order_goes_on_over_pages_with_the_heading_on_each(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        items = {
            f"item_{n}_{part}": value
            for n in range(1, 41)
            for part, value in (("name", f"Thing {n}"), ("quantity", "3"))
        }
        trial = run_handler(self.name, order_fields(**PARCEL, **items))

        pages = [page.extract_text() for page in slip_of(outbox[0]).pages]
        assert len(pages) >= 2
        assert (trial.state, trial.detail) == ("done", f"{len(pages)} pages")
        assert all("Qty" in page and f"of {len(pages)}" in page for page in pages)
        assert "Thing 40" in pages[-1]

    def test_without_fonts_other_letters_are_question_marks(
        self, run_handler: RunHandler, instance: Path, outbox: list[MailRow]
    ) -> None:
        recipe = instance / "handlers" / f"{self.name}.py"
        recipe.write_text(recipe.read_text("utf-8").replace("/usr/share/fonts/", "/nowhere/"), "utf-8")
        assert run_handler(self.name).state == "done"

        (page,) = slip_of(outbox[0]).pages
        shown = page.extract_text()
        assert "Jan ?ukasz" in shown
        assert "Zoë" not in shown
        assert "Crème T-shirt" in shown

    def test_what_is_not_shipped_has_no_slip(self, run_handler: RunHandler, outbox: list[MailRow]) -> None:
        assert run_handler(self.name, order_fields()).state == "skipped"
        assert outbox == []


def slip_of(mail: MailRow, name: str = "") -> PdfReader:
    ((file_name, media_type, content),) = json.loads(mail.attachments)
    assert media_type == "application/pdf"
    assert not name or file_name == name
    return PdfReader(io.BytesIO(base64.b64decode(content)))


def fonts_of(page: Any) -> list[Any]:
    return list(page["/Resources"]["/Font"].values())
