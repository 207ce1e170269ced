"""What commands print of an order steers no terminal."""

from __future__ import annotations

import json
import re

import pytest

from receiver.app.commands.printing import print_json, print_rows, say

#: CSI as one character, an escape, marks that turn what follows round.
HOSTILE = "Ada\u009b31m\x1b[2J\u202eevil\u2066\u200f\u061c\x7f\u0085"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def test_json_escapes_what_steers_a_terminal_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({HOSTILE: [HOSTILE, "Zoë"]})
    print_rows([{"name": HOSTILE}], as_json=True, empty="")

    printed = capsys.readouterr().out
    assert STEERING.search(printed) is None
    assert "Zoë" in printed
    first, _, second = printed.partition("}\n")
    assert (json.loads(f"{first}}}"), json.loads(second)) == ({HOSTILE: [HOSTILE, "Zoë"]}, [{"name": HOSTILE}])


def test_a_table_and_a_line_hold_nothing_that_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"name": HOSTILE}], as_json=False, empty="")
    say(HOSTILE.replace("\u200f", "").replace("\u061c", ""))

    printed = capsys.readouterr().out
    assert STEERING.search(printed) is None
    assert printed.count("evil") == 2
