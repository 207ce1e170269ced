"""Send every order on to further servers: switched on by ``urls`` in ``[handlers.forward]``."""

from __future__ import annotations

from pydantic import BaseModel, Field

from receiver.handlers import Context, Order, handler


class ForwardSettings(BaseModel):
    """What ``[handlers.forward]`` may hold."""

    urls: tuple[str, ...] = Field(
        min_length=1, description="servers that every order is sent on to, signed with FORWARD_SECRET"
    )


@handler(settings=ForwardSettings)
def forward(order: Order, context: Context[ForwardSettings]) -> str:  # noqa: ARG001 - the context knows its order
    """Send the order on to each of ``urls``, signed with FORWARD_SECRET.

    Each is a transmission of its own, tried until it has arrived, so no server waits for another. On a test
    transmission nothing is sent.
    """
    urls = list(dict.fromkeys(context.own.urls))
    for url in urls:
        context.forward(url)
    servers = f"{len(urls)} server{'s'[: len(urls) != 1]}"
    return f"a test, not sent to {servers}" if context.test else f"on its way to {servers}"
