"""What pydantic finds wrong with a table or a setting, without the value, which may be secret."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def by_key(errors: ValidationError) -> dict[str, ErrorDetails]:
    """Return the first error of each key, in order; of the table as a whole, that's the empty key."""
    found: dict[str, ErrorDetails] = {}
    for error in errors.errors(include_input=False, include_url=False):
        found.setdefault(str(error["loc"][0]) if error["loc"] else "", error)
    return found


def sentence(error: ErrorDetails, key: str = "") -> str:
    """Return ``key: what is wrong`` without a full stop; the key is the path to the value unless one is given."""
    where = key or ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg'].removeprefix('Value error, ')}".removeprefix(": ")
