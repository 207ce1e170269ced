"""Certificates that a shop signs with, checked as those of its website are: chain, name and dates."""

from __future__ import annotations

import ssl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import DNSName, load_der_x509_certificate, load_pem_x509_certificates
from cryptography.x509.verification import PolicyBuilder, ServerVerifier, Store, VerificationError


def trusted_key(pem: bytes, name: str) -> RSAPublicKey:
    """Return the RSA key of a certificate with this host name, which those after it lead to a root of the machine.

    The order is that of a TLS server (RFC 8446, 4.4.2): its own certificate first. Raises ValueError with the reason.
    """
    try:
        own, *others = load_pem_x509_certificates(pem)
        _verifier(name).verify(own, others)
    except VerificationError as error:
        raise ValueError(f"Nobody vouches for the certificate of {name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"This is no certificate of {name}.") from error
    key = own.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"The key of {name} is no RSA key.")
    return key


def _verifier(name: str) -> ServerVerifier:
    roots = ssl.create_default_context().get_ca_certs(binary_form=True)
    store = Store([load_der_x509_certificate(root) for root in roots])
    return PolicyBuilder().store(store).build_server_verifier(DNSName(name))
