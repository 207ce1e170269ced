"""Errors as pages, for the console and the accounts: each kind has its status, its words and its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.web import page_forms, problems

#: Returns the page for a status, a title, a detail and the error.
Page = Callable[[int, str, str, Exception], Response]
#: Title and detail of each kind of error; ``{0}`` stands for the error.
Words = Mapping[type[Exception], tuple[str, str]]

_STATUS = {CSRFError: 400, ConfigurationError: 503, NotPossible: 409, NotThere: 404}


def init_blueprint(blueprint: Blueprint, words: Words, page: Page) -> None:
    """Answer all errors of a blueprint with pages; ``words`` are for errors that HTTP has no words for."""

    def from_ours(error: Exception) -> Response:
        # The nearest class with words of its own.
        kind = next(one for one in type(error).__mro__ if one in words)
        title, detail = (text.format(error) for text in words[kind])
        if isinstance(error, ConfigurationError) and not isinstance(error, NotPossible):
            problems.log_configuration(error)
        elif kind is Exception:
            problems.log_bug(error)
        status = _STATUS.get(kind, getattr(error, "status", 500))
        return page(status, title, detail, error)

    def from_http(error: HTTPException) -> Response:
        if isinstance(error, RequestEntityTooLarge):
            return page(413, "The form is too large", page_forms.too_large(request.endpoint), error)
        return problems.with_headers(page(error.code or 500, error.name, error.description or "", error), error)

    for kind in words:
        blueprint.register_error_handler(kind, from_ours)
    blueprint.register_error_handler(HTTPException, from_http)
