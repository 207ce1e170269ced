"""The settings file that `flask init` writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from receiver.handlers.registry import load
from receiver.settings import reading
from receiver.settings.example import example
from receiver.settings.model import EXAMPLES, SETTINGS, plain
from receiver.sources import kinds
from receiver.sources.registry import Sources


def test_as_written_it_holds_the_three_names_to_change() -> None:
    assert tomllib.loads(example()) == {
        "SHOP_NAME": "Example Shop",
        "MERCHANT_EMAIL": "merchant@example.com",
        "MAIL_DEFAULT_SENDER": "shop@example.com",
    }


def test_as_written_it_is_read_without_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(example(), "utf-8")
    assert reading.read(tmp_path, {}).problems == ()


def test_every_setting_stands_in_it_but_the_secret_key() -> None:
    """The key has a file of its own, so that nobody copies it with the settings."""
    named = re.findall(r"^(?:# )?([A-Z_]+) = ", example(), re.MULTILINE)
    assert named == [name for name in SETTINGS if name != "SECRET_KEY"]


def test_each_commented_line_holds_its_default() -> None:
    text = re.sub(r"^# (?=[A-Z_]+ = )", "", example(), flags=re.MULTILINE)
    assert tomllib.loads(text) == {
        name: plain(field.default) for name, field in SETTINGS.items() if name != "SECRET_KEY"
    }


def test_the_example_sources_are_right_once_uncommented(tmp_path: Path) -> None:
    tables = example()[example().index("# [sources.shopintegrator.fields]") :]
    lines = [line.removeprefix("# ") for line in tables.splitlines() if " = " in line or line.startswith("# [")]
    text = "\n".join(lines).replace("whsec_…", "whsec_" + "QUJD" * 8).replace("…", "a secret of the shop")
    sources = Sources(tmp_path, tomllib.loads(text)["sources"], None, kinds.load(tmp_path))
    assert sources.problems == []
    assert sources.get("shopintegrator").mapping is not None
    assert len(sources.get("otherplace").secrets) == 1


def test_the_example_tables_of_handlers_are_their_defaults_once_uncommented(tmp_path: Path) -> None:
    text = example()
    section = text[text.index("# [handlers.append_csv]") : text.index("# [registrar]")]
    lines = [line.removeprefix("# ") for line in section.splitlines() if re.match(r"# (\[|[a-z_]+ = )", line)]
    tables = tomllib.loads("\n".join(lines))["handlers"]
    registry = load(tmp_path, [], tables)
    assert (registry.setting_problems, registry.setting_warnings) == ((), ())
    for name, table in tables.items():
        model = registry.own[name].values
        assert model is not None
        assert set(table) == set(type(model).model_fields)


def test_no_line_is_longer_than_a_screen() -> None:
    assert max(len(line) for line in example().splitlines()) <= 115


def test_the_examples_are_settings() -> None:
    assert set(EXAMPLES) <= set(SETTINGS)
