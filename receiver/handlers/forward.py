"""Send every order on to further servers: switched on by the setting FORWARD_URLS."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handler
def forward(order: Order, context: Context) -> str:  # noqa: ARG001 - the context knows its order
    """Send the order on to each of FORWARD_URLS, signed with FORWARD_SECRET.

    Each is a transmission of its own, tried until it has arrived, so no server waits for another. On a test
    transmission nothing is sent.
    """
    urls = list(dict.fromkeys(context.settings["FORWARD_URLS"]))
    if not urls:
        raise Skip("FORWARD_URLS names no server")
    for url in urls:
        context.forward(url)
    servers = f"{len(urls)} server{'s'[: len(urls) != 1]}"
    return f"a test, not sent to {servers}" if context.test else f"on its way to {servers}"
