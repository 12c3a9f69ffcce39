"""Encrypts what the exchange keeps on disk: subjects, names and explanations are somebody's data."""

import base64
import binascii
import hashlib
import hmac
import os

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lgsp_adapters.adapter import Document, UpstreamFailed
from lgsp_problems import CannotStart

_NONCE_BYTES = 12
MIN_KEY_BYTES = 16


class Sealer:
    """Encrypts documents with AES-256-GCM, and makes digests that nobody can guess without the key.

    Args:
        secret: the key of the store: 16 bytes or more in base64, such as `openssl rand -base64 32` prints.

    Raises:
        Refusal: `cannot-start`, where it is no such key.
    """

    def __init__(self, secret: str) -> None:
        try:
            key = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < MIN_KEY_BYTES:
            raise CannotStart(
                vi="Khóa mã hóa kho văn bản phải là base64 của ít nhất 16 byte; hãy tạo bằng openssl rand -base64 32.",
                en="The key of the document store must be 16 bytes or more in base64; make one with openssl rand -base64 32.",
            )
        self._cipher = AESGCM(_derive(key, b"lgsp document store: content"))
        self._digest_key = _derive(key, b"lgsp document store: digests")

    def seal(self, document: Document) -> bytes:
        """Encrypt a document."""
        return self.seal_bytes(orjson.dumps(document))

    def open(self, sealed: bytes) -> Document:
        """Decrypt a document.

        Raises:
            UpstreamFailed: it was encrypted with another key, or is damaged.
        """
        document: Document = orjson.loads(self.open_bytes(sealed))
        return document

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt bytes."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, None)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt bytes; see `open`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag as error:
            raise UpstreamFailed("broken", "the document store was written with another key") from error

    def digest(self, *parts: str) -> str:
        """Return a digest of some texts, in hex."""
        return hmac.new(self._digest_key, orjson.dumps(parts), hashlib.sha256).hexdigest()


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, info).derive(key)
