"""Score the suggestions of a mapping on bodies in the shape of real shops: ``python -m tests.suggestions_score``.

For each shop in ``tests/vectors/shops`` its main body is read without a mapping, and each main field that
``service.json`` lists under ``fields`` is one of:

own      a name of the contract feeds it already; it isn't counted
right    the suggested rule reads one of the parameters in ``from``, with the transform that ``needs`` names, or gives
         the value in ``expect``
wrong    any other suggested rule, also for a field of ``expect`` that isn't under ``fields``
missed   nothing is suggested, though a parameter in ``from`` was sent with a value

    precision = right / (right + wrong)
    recall    = right / (right + missed + wrong for a field that could be said)
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from receiver.orders import Fields, Mapping, decode, explain

SHOPS = Path(__file__).parent / "vectors" / "shops"
#: What ``needs`` names -> the keys of a rule, one of which does it; those left out are in the value's form.
_KEYS = {
    "minor": {"minor"},
    "epoch": {"epoch"},
    "sum": {"sum"},
    "split": {"split"},
    "join": {"join"},
    "divide": {"divide"},
    "presence": {"present"},
    "zone-word": {"date"},
}
_MOST_FIELDS = 20_000


@dataclass(frozen=True)
class Judged:
    """What became of one field of one shop."""

    shop: str
    field: str
    #: ``own``, ``right``, ``wrong`` or ``missed``.
    verdict: str
    rule: object
    could_be_said: bool


def judge(folder: Path) -> Iterator[Judged]:
    """Judge the suggestions for one shop's main body."""
    service = json.loads((folder / "service.json").read_text(encoding="utf-8"))
    case = service["cases"].get(service["main"]) or next(iter(service["cases"].values()))
    body = (folder / case["body"]).read_bytes()
    fields = decode(body, service["content_type"], _MOST_FIELDS).fields
    explained = explain(fields, None)
    own = {re.sub(r"\[[0-9]+\]", "[]", row.field) for row in explained.rows if row.value}
    rules = {one.field: one.rule for one in explained.suggestions}
    values = {row.field: row.value for row in explain(fields, Mapping.from_table(rules)).rows if row.value}
    expected = case["expect"]
    fed_by = dict(service["fields"])
    for path in expected:
        field = re.sub(r"^items\[[0-9]+\]", "items[]", path)
        fed_by.setdefault("items[].options" if field.startswith("items[].options") else field, None)
    for field, known in fed_by.items():
        names = [] if known is None else known["from"]
        can = any(_has_value(fields, name) for name in names)
        rule = rules.get(field)
        if field in own:
            yield Judged(folder.name, field, "own", rule, can)
        elif rule is None:
            if can:
                yield Judged(folder.name, field, "missed", rule, can)
        else:
            right = (known is not None and _reads(rule, names, known.get("needs"))) or _gives(field, values, expected)
            yield Judged(folder.name, field, "right" if right else "wrong", rule, can)


def score(judged: list[Judged]) -> tuple[float, float]:
    """Return precision and recall."""
    count = Counter(one.verdict for one in judged)
    wrong_names = sum(one.verdict == "wrong" and one.could_be_said for one in judged)
    right = count["right"]
    return right / max(right + count["wrong"], 1), right / max(right + count["missed"] + wrong_names, 1)


def _reads(rule: Any, names: list[str], needs: str | None) -> bool:
    keys = rule.keys() if isinstance(rule, dict) else set()
    read = rule.get("from", []) if isinstance(rule, dict) else rule
    read = [_plain(name) for name in ([read] if isinstance(read, str) else read)]
    known = {_plain(name) for name in names}
    return bool(known & set(read)) and (needs is None or bool(_KEYS[needs] & keys))


def _plain(name: str) -> str:
    """Return a name as ``service.json`` writes it: a JSONPath without its root, keys in quotes without quotes."""
    name = re.sub(r"\['([^']*)'\]", r".\1", name)
    return name.removeprefix("$").removeprefix(".").replace("[*]", "[]").replace("[{n}]", "[]")


def _gives(field: str, values: dict[str, str], expected: dict[str, Any]) -> bool:
    """Return whether the values of a field are those expected, of which there is at least one."""
    base = re.escape(field).replace(r"\[\]", r"\[[0-9]+\]")
    paths = [path for path in expected if re.fullmatch(base + (r"\..+" if field.endswith("options") else ""), path)]
    return bool(paths) and all(_same(values.get(path, ""), expected[path]) for path in paths)


def _same(value: str, expected: str | list[str]) -> bool:
    return any(_normal(value) == _normal(one) for one in ([expected] if isinstance(expected, str) else expected))


def _normal(value: str) -> object:
    try:
        return Decimal(value)
    except InvalidOperation:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            return value.lower()


def _has_value(fields: Fields, name: str) -> bool:
    pattern = re.compile(re.escape(name).replace(r"\[\]", r"\[[0-9]+\]").replace(r"\{n\}", "[0-9]+"))
    return any(pattern.fullmatch(sent) and value.strip() for sent, value in fields)


def judge_all() -> list[Judged]:
    """Judge every shop."""
    return [one for folder in sorted(SHOPS.iterdir()) for one in judge(folder)]


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Print each shop's figures, what is wrong or missed, and the goal's two figures."""
    judged = judge_all()
    for shop in dict.fromkeys(one.shop for one in judged):
        mine = [one for one in judged if one.shop == shop]
        count = Counter(one.verdict for one in mine)
        precision, recall = score(mine)
        say(f"{shop:12} {dict(count)}  precision {precision:.2f}, recall {recall:.2f}")
        for one in mine:
            if one.verdict in ("wrong", "missed"):
                say(f"    {one.verdict} {one.field}: {one.rule}")
    precision, recall = score(judged)
    say(f"precision {precision:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    main()
