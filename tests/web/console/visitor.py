"""A person at the console without a browser: keeps the cookie, fills in forms, follows redirects."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin

import urllib3

from tests.served import FORM

PASSWORD = "the admin's password"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_TAG = re.compile(r"<[^>]+>")


class Page:
    """One answer of the console."""

    def __init__(self, url: str, answer: urllib3.BaseHTTPResponse) -> None:
        self.url = url
        self.status = answer.status
        self.headers = answer.headers
        self.html = answer.data.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """Return the words of the page, as a person reads them."""
        return " ".join(html.unescape(_TAG.sub(" ", self.html)).split())

    @property
    def token(self) -> str:
        """Return the page's CSRF token."""
        found = _TOKEN.search(self.html)
        assert found, f"no form stands on {self.url}"
        return html.unescape(found[1])


class Visitor:
    """A visitor of the console at an address."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies: dict[str, str] = {}
        self._pool = urllib3.PoolManager(retries=False)

    def request(self, method: str, path: str, *, follow: bool = True, **options: object) -> Page:
        """Make a request with the cookies had, and follow where it leads."""
        url = urljoin(self.base, path)
        headers = dict(options.pop("headers", {}))  # type: ignore[call-overload]
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._pool.request(method, url, headers=headers, redirect=False, **options)  # type: ignore[arg-type]
        for line in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
        if follow and answer.status in {301, 302, 303}:
            return self.request("GET", urljoin(url, answer.headers["Location"]))
        return Page(url, answer)

    def get(self, path: str, **options: object) -> Page:
        """Load a page."""
        return self.request("GET", path, **options)  # type: ignore[arg-type]

    def post(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        token: str | None = None,
        **options: object,
    ) -> Page:
        """Send a form as its page would; the CSRF token is this sign-in's unless another is given."""
        token = self.get("/admin/password").token if token is None else token
        body = urlencode({"csrf_token": token, **(fields or {})}, doseq=True)
        headers = {"Content-Type": FORM, **dict(options.pop("headers", {}))}  # type: ignore[call-overload]
        return self.request("POST", path, body=body, headers=headers, **options)  # type: ignore[arg-type]

    def sign_in(self, password: str = PASSWORD, path: str = "/admin/sign-in", *, follow: bool = True) -> Page:
        """Fill the sign-in page in."""
        return self.post(path, {"password": password}, token=self.get(path, follow=False).token, follow=follow)
