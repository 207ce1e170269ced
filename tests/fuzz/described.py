"""Requests made by Schemathesis from /openapi.json, and their answers compared with what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, GenerationMode, checks
from schemathesis.core.result import Ok

from receiver.sources.source import DEFAULT
from tests.fuzz.judge import Judge
from tests.served import SECRET

Operation = APIOperation[Any, Any, Any, Any]
_SECONDS = 60
_RECEIVES = {"POST", "PUT"}
_CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


def operations(base: str) -> Iterator[Operation]:
    """Yield what a served app says that it can be asked."""
    for one in schemathesis.openapi.from_url(f"{base}/openapi.json", timeout=_SECONDS).get_all_operations():
        assert isinstance(one, Ok)
        yield one.ok()


def ask(operation: Operation, base: str, judge: Judge, *, examples: int, number: int) -> int:
    """Ask for one operation in many ways, and return how many there were: few, where there's nothing to say.

    Every other delivery is proven by the secret, and only those may leave a row.
    """
    asked = 0

    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_cases(operation))
    def is_answered(case: Any) -> None:
        nonlocal asked
        asked += 1
        is_proven = asked % 2 == 0
        headers: dict[str, Any] = {"X-Shared-Secret": SECRET} if is_proven else {}
        answer = case.call(base_url=base, headers=headers, session=session, timeout=_SECONDS, allow_redirects=False)
        case.validate_response(answer, checks=_CHECKS)
        if operation.method.upper() in _RECEIVES:
            what, content_type = case.as_curl_command(), answer.headers["content-type"][0]
            judge.look(answer.status_code, content_type, answer.content, what, is_unproven=not is_proven)

    with requests.Session() as session:
        is_answered()
    return asked


def _cases(operation: Operation) -> SearchStrategy[Any]:
    """Make requests as described and, where there's a body, others; half of those to a source find one."""
    there = [{"source": DEFAULT}, None] if "{source}" in operation.path else [None]
    modes = [*GenerationMode] if operation.method.upper() in _RECEIVES else [GenerationMode.POSITIVE]
    return st.one_of(
        [operation.as_strategy(generation_mode=mode, path_parameters=names) for mode in modes for names in there]
    )
