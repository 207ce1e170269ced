"""The whole description: what each route of the machine's interface takes and answers, as the code knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from werkzeug.exceptions import HTTPException, NotFound, Unauthorized
from werkzeug.routing import Rule

from receiver.errors import Unavailable, UnknownSource
from receiver.settings.model import Settings
from receiver.web.openapi import answers, deliveries

#: How a rule of the routes writes a variable, and how OpenAPI does.
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
#: Methods that need no word: what's allowed, a route answers by itself.
_UNSAID = frozenset({"OPTIONS"})

Operation = dict[str, Any]


def description(rules: Iterable[Rule], settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of those of an app's routes that are for machines."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in rules:
        if rule.endpoint in _OPERATIONS:
            paths.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), {}).update(_operations(rule, settings))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Order receiver",
            "version": "1",  # of this interface, as in format_version
            "description": "Takes the completed orders of a shop. Any answer but 2xx means that the order isn't kept; "
            "send it again.",
        },
        "servers": [{"url": settings.PUBLIC_URL.rstrip("/")}],
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": deliveries.schemes(), "schemas": deliveries.models()},
    }


def _operations(rule: Rule, settings: Settings) -> Iterator[tuple[str, Operation]]:
    """Yield the methods of a route, and what each takes and answers."""
    for method in sorted((rule.methods or set()) - _UNSAID):
        operation = _OPERATIONS[rule.endpoint](settings, rule)
        if method == "HEAD":
            operation["responses"] = {status: _without_content(one) for status, one in operation["responses"].items()}
        name = rule.endpoint.rpartition(".")[2]
        operation["operationId"] = "_".join([method.lower(), name, *sorted(rule.arguments)])
        if rule.arguments:
            operation["parameters"] = [_variable(one) for one in sorted(rule.arguments)]
        yield method.lower(), operation


def _without_content(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in answer.items() if name != "content"}


def _variable(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _receive(settings: Settings, rule: Rule) -> Operation:
    """Describe a delivery; only where the URL names a source can there be none of the name."""
    kinds = [kind for kind in answers.problems() if rule.arguments or kind is not UnknownSource]
    return {
        "summary": "Send a completed order.",
        "security": deliveries.proofs(settings),
        "requestBody": deliveries.body(settings),
        "responses": answers.of_deliveries() | answers.of_problems(kinds, *_of_names(rule)),
    }


def _of_names(rule: Rule) -> list[type[HTTPException]]:
    """Return what a name in the URL may end in before any view: it can't begin with a slash or hold a line feed."""
    return [NotFound] if rule.arguments else []


def _look(_settings: Settings, rule: Rule) -> Operation:
    text = answers.of_text("Always the same: it tells nothing and keeps nothing.", "text/plain", "text/html")
    return {
        "summary": "Look whether somebody is here.",
        "responses": {"200": text} | answers.of_problems([], *_of_names(rule)),
    }


def _healthz(_settings: Settings, _rule: Rule) -> Operation:
    alive = answers.of_json("The process answers", answers.word("alive"))
    return {"summary": "Ask whether the process is alive.", "responses": {"200": alive}}


def _readyz(_settings: Settings, _rule: Rule) -> Operation:
    ready = answers.of_json("An order could be stored now", answers.word("ready"))
    return {
        "summary": "Ask whether an order could be stored now.",
        "responses": {"200": ready} | answers.of_problems([Unavailable]),
    }


def _metrics(_settings: Settings, _rule: Rule) -> Operation:
    problems = answers.of_problems([], NotFound, Unauthorized)
    challenge = {"WWW-Authenticate": {"description": "Asks for the token.", "schema": {"type": "string"}}}
    problems[str(Unauthorized.code)]["headers"] = challenge
    return {
        "summary": "Read the figures for Prometheus; there are none while METRICS_TOKEN isn't set.",
        "security": [{deliveries.METRICS_TOKEN: []}],
        "responses": {"200": answers.of_text("The figures.", "text/plain")} | problems,
    }


def _openapi(_settings: Settings, _rule: Rule) -> Operation:
    same = {"description": "It's what If-None-Match names."}
    return {
        "summary": "Read this description.",
        "responses": {"200": answers.of_json("This description", {"type": "object"}), "304": same},
    }


#: What each view takes and answers; the routes say at which path and by which methods.
_OPERATIONS: dict[str, Callable[[Settings, Rule], Operation]] = {
    "orders.receive": _receive,
    "orders.look": _look,
    "health.healthz": _healthz,
    "health.readyz": _readyz,
    "metrics.metrics": _metrics,
    "openapi.openapi": _openapi,
}
