"""Encrypts the secrets of endpoints before they are stored: a copy of NATS's data, whose own cipher is another one, signs nothing."""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE = 12


class SealedSecrets:
    """Seals secrets for storing, and opens them again.

    Args:
        key: 32 bytes, the same in all gateways.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, value: str, endpoint: str, secret: str) -> str:
        """Return a secret in a form that only the key opens, and only for this endpoint.

        Args:
            value: the secret.
            endpoint: the id of its endpoint.
            secret: its own id.
        """
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, value.encode(), _context(endpoint, secret))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, endpoint: str, secret: str) -> str | None:
        """Return a secret that was sealed; None where the key is another one, or it was sealed for another endpoint."""
        try:
            content = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(content[:_NONCE], content[_NONCE:], _context(endpoint, secret)).decode()
        except (InvalidTag, binascii.Error, ValueError):
            return None


def _context(endpoint: str, secret: str) -> bytes:
    return f"webhook secret/{endpoint}/{secret}".encode()
