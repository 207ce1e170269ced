"""The reference of the handler contract, drawn from docstrings, annotations and the order's models.

``python -m docs.generate.handler_reference`` writes it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from docs.generate.declared import Declared, SourceFile
from receiver.orders.model import Address, Customer, Item, Order

_ROOT = Path(__file__).parents[2]
REFERENCE = _ROOT / "docs" / "handler-reference.md"
CONTRACT = SourceFile(_ROOT / "receiver" / "handlers" / "contract.py")
CONTEXT = SourceFile(_ROOT / "receiver" / "handlers" / "context.py")
TEXT_LAYOUT = SourceFile(_ROOT / "receiver" / "mail" / "text_layout.py")
TESTING = [
    SourceFile(_ROOT / "receiver" / "testing" / name)
    for name in ("__init__.py", "fixtures.py", "trial.py", "battery.py")
]
MODELS: tuple[type[BaseModel], ...] = (Order, Customer, Address, Item)

_PLAIN: dict[Any, str] = {NoneType: "None", Ellipsis: "...", AwareDatetime: "datetime"}

_INTRODUCTION = """\
# Handler reference

What a handler is, what it gets and what it may raise, drawn from the code itself. To start with your own, see [Write
a handler](write-a-handler.md); the [recipes](recipes.md) are whole ones.

```python
from receiver.handlers import Address, Context, Customer, InstancePath, Item, Order, RetryLater, SecretUrl, Skip
from receiver.handlers import handler, plain_line, retry_after
```
"""
_HELPERS = """\
## Helpers

The built-in handlers use these too. Two are types for a handler's settings. `InstancePath` is a path; a relative one
starts at the instance folder. `SecretUrl` is a web address that's as good as a password, such as a chat's incoming
webhook. It's a pydantic `SecretStr`, so it's never shown.
"""
_ORDER = """\
## The order

The order is typed and frozen: you can't set a field. Where the type says `None` the field may be missing, so check
before you use it. Amounts are `Decimal` in major units of `order.currency`, times are in UTC. The [order
guide](order-guide.md) says how each travels in a POST.
"""


def reference() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION, _handler(), _context(), *map(_exception, ("Skip", "RetryLater")), _helpers()]
    return "\n".join([*parts, _ORDER, *map(_model, MODELS), _testing()])


def _handler() -> str:
    *_, overload, marker = [one for one in CONTRACT.functions() if one.name == "handler"]
    options = [one for one in CONTRACT.members("Handler") if one.default]
    rows = [(f"`{one.name}`", f"`{one.type}`", f"`{one.default}`", one.text) for one in options]
    return (
        f"## `@handler`\n\n{_code(f'@{overload.call}')}\n{_prose(marker.text)}\n\n"
        f"{_table(('option', 'type', 'unless given', 'meaning'), rows)}"
    )


def _context() -> str:
    return f"## `Context`\n\n{_prose(_class(CONTEXT, 'Context').text)}\n\n{_members(CONTEXT, 'Context', 'context.')}"


def _exception(name: str) -> str:
    found = _class(CONTRACT, name)
    return f"## `{name}`\n\n{_code(found.call.removesuffix(' -> None'))}\n{_prose(found.text)}\n"


def _helpers() -> str:
    found = {one.name: one for file in (TEXT_LAYOUT, CONTRACT) for one in file.functions()}
    drawn = [f"{_code(found[name].call)}\n{_prose(found[name].text)}\n" for name in ("plain_line", "retry_after")]
    return "\n".join([_HELPERS, *drawn])


def _model(model: type[BaseModel]) -> str:
    rows = [
        (
            f"`{name}`",
            f"`{_plain(info.annotation)}`",
            info.description or "",
            f"`{_example((info.examples or [''])[0])}`",
        )
        for name, info in model.model_fields.items()
    ]
    table = _table(("field", "type", "meaning", "example"), rows)
    return f"### `{model.__name__}`\n\n{_prose(model.__doc__ or '')}\n\n{table}"


def _testing() -> str:
    fixtures = [one for file in TESTING for one in file.functions() if any("fixture" in mark for mark in one.marks)]
    parts = [
        f"## `receiver.testing`\n\n{_prose(TESTING[0].text)}\n",
        _table(("fixture", "gives", "meaning"), [(f"`{one.name}`", f"`{one.type}`", one.text) for one in fixtures]),
    ]
    for file in TESTING:
        for found in file.classes():
            parts.append(f"### `{found.name}`\n\n{_prose(found.text)}\n\n{_members(file, found.name, '')}")
    return "\n".join(parts)


def _members(file: SourceFile, class_name: str, before: str) -> str:
    """Draw a class's attributes as a table, its tests as another, and each further method with its call.

    What says nothing of itself is left out.
    """
    members = [one for one in file.members(class_name) if one.text]
    methods = [one for one in members if one.is_method]
    attributes = [one for one in members if not one.is_method]
    tests = [one for one in methods if one.name.startswith("test_")]
    rows = [(f"`{before}{one.name}`", f"`{one.type}`", one.text) for one in attributes]
    parts = [
        _table(("attribute", "type", "meaning"), rows),
        _table(("test", "what it does"), [(f"`{one.name}`", one.text) for one in tests]),
        *(f"{_code(before + one.call)}\n{_prose(one.text)}\n" for one in methods if one not in tests),
    ]
    return "\n".join(filter(None, parts))


def _class(file: SourceFile, name: str) -> Declared:
    return next(one for one in file.classes() if one.name == name)


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _prose(text: str) -> str:
    return text.replace("``", "`")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(cells) for cells in rows]
    return "\n".join([_row(heads), _row(["---"] * len(heads)), *lines, ""]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(_prose(cell).split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(annotation: Any) -> str:
    """Give a type as a reader writes it, without what pydantic is told beside it."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(inner[0])
    if origin in {Union, UnionType}:
        return " | ".join(map(_plain, inner))
    return f"{origin.__name__}[{', '.join(map(_plain, inner))}]" if origin else str(annotation.__name__)


def _example(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
