"""Any shop that signs by HMAC: ``[sources.NAME.signature]`` in the settings file says how."""

from __future__ import annotations

from receiver.security.schemes import HmacSignature
from receiver.sources.source import Source, source_kind


@source_kind("generic-hmac")
class GenericHmac(Source):
    """An HMAC with SHA-256 over the body, in hex in ``X-Signature``, unless the source's table says otherwise."""

    scheme = HmacSignature("X-Signature")
