"""Any shop that signs by HMAC: ``[sources.NAME.signature]`` in the settings file says how."""

from __future__ import annotations

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.source import Source, source_kind


@source_kind("generic-hmac")
class GenericHmac(Source):
    """An HMAC with SHA-256 over the body, in hex in ``X-Signature``, unless the source's table says otherwise."""

    guide = Guide(
        "Any other shop",
        (
            "Enter the address where the shop asks for a webhook or a callback.",
            "Enter the secret there, or copy it from there.",
            "Look up how the shop signs. Unless you say otherwise, it's an HMAC with SHA-256 in hex, in `X-Signature`.",
        ),
        is_chosen=True,
        verified_by="an HMAC as you describe it",
        replay="as you describe it",
    )
    scheme = HmacSignature("X-Signature")
