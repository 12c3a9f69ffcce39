"""Encrypts the secrets of endpoints before they are stored: a copy of NATS's data, whose own cipher is another one, signs nothing."""

import base64
import binascii
import contextlib
import secrets
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE = 12


class SealedSecrets:
    """Seals secrets for storing, and opens them again.

    A sealed secret does not say by which key; the few there are are tried, since a wrong one is refused by its authentication.

    Args:
        keys: returns the keys, 32 bytes each, the same in all gateways: the one that seals first. They are read again for each sealing, and
            where none of the known ones opens a secret.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys
        self._ciphers: list[ChaCha20Poly1305] = []

    def seal(self, value: str, endpoint: str, secret: str) -> str:
        """Return a secret in a form that only the key opens, and only for this endpoint.

        Args:
            value: the secret.
            endpoint: the id of its endpoint.
            secret: its own id.
        """
        nonce = secrets.token_bytes(_NONCE)
        self._read_keys()
        sealed = self._ciphers[0].encrypt(nonce, value.encode(), _context(endpoint, secret))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, endpoint: str, secret: str) -> str | None:
        """Return a secret that was sealed; None where no key opens it, or it was sealed for another endpoint."""
        try:
            content = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return None
        opened = self._opened(content, _context(endpoint, secret))
        if opened is None:
            self._read_keys()
            opened = self._opened(content, _context(endpoint, secret))
        return opened

    def _opened(self, content: bytes, context: bytes) -> str | None:
        for cipher in self._ciphers:
            with contextlib.suppress(InvalidTag, ValueError):
                return cipher.decrypt(content[:_NONCE], content[_NONCE:], context).decode()
        return None

    def _read_keys(self) -> None:
        self._ciphers = [ChaCha20Poly1305(key) for key in self._keys()]


def _context(endpoint: str, secret: str) -> bytes:
    return f"webhook secret/{endpoint}/{secret}".encode()
