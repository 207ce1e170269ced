"""The ways in which shops prove what they send; a source declares one.

The kit's own scheme, Standard Webhooks, is in ``security.signing``.
"""

from receiver.security.schemes.contract import Scheme, Sent, Verified
from receiver.security.schemes.hmac_signature import HmacSignature
from receiver.security.schemes.public_keys import PublicKeySignature
from receiver.security.schemes.tokens import BasicAuth, Token

__all__ = ["BasicAuth", "HmacSignature", "PublicKeySignature", "Scheme", "Sent", "Token", "Verified"]
