"""Encrypts the content of files, chunk by chunk, before a store sees it: partial uploads too, whichever store it is.

Each file has a key of its own (AES-256-GCM), which its record holds encrypted by a key of the bus. So a copy of a store tells nothing,
and a deleted record makes what backups may still hold of its file unreadable. A chunk is bound to its file and its place: chunks cannot be
exchanged or put in another order.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError

KEY_BYTES = 32
_NONCE_BYTES = 12
OVERHEAD_BYTES = _NONCE_BYTES + 16
"""Bytes by which an encrypted chunk is larger."""


class DamagedChunkError(Exception):
    """A chunk is not what was stored: damaged, exchanged, or encrypted by a key that the bus does not have."""


def new_wrapped_key(file: str, keys: PayloadCipher) -> bytes:
    """Make the key of a new file, and return it encrypted by the newest key of the bus.

    Args:
        keys: encrypts it.
    """
    return keys.encrypt(file, secrets.token_bytes(KEY_BYTES))


class ChunkCipher:
    """Encrypts and decrypts the chunks of one file.

    Args:
        file: its id.
        wrapped_key: as `new_wrapped_key` made it.
        keys: decrypts it.

    Raises:
        DamagedChunkError: the bus no longer has the key that the file's key is encrypted by.
    """

    def __init__(self, file: str, wrapped_key: bytes, keys: PayloadCipher) -> None:
        self._file = file
        try:
            self._cipher = AESGCM(keys.decrypt(file, wrapped_key))
        except UnreadablePayloadError as error:
            raise DamagedChunkError("the key of the file cannot be read") from error

    def encrypt(self, chunk: str, content: bytes | bytearray | memoryview) -> bytes:
        """Encrypt the content of a chunk.

        Args:
            chunk: its name, unique within the file.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, self._bound_to(chunk))

    def decrypt(self, chunk: str, stored: bytes) -> bytes:
        """Decrypt a chunk.

        Raises:
            DamagedChunkError: it is not what was stored under this name.
        """
        nonce, content = _split(stored)
        try:
            return self._cipher.decrypt(nonce, content, self._bound_to(chunk))
        except (InvalidTag, ValueError) as error:
            raise DamagedChunkError("a chunk cannot be decrypted") from error

    def _bound_to(self, chunk: str) -> bytes:
        return f"{self._file}/{chunk}".encode()


def _split(data: bytes) -> tuple[bytes, bytes]:
    return data[:_NONCE_BYTES], data[_NONCE_BYTES:]
