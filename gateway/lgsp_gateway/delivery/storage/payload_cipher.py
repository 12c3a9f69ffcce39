"""Encrypts what waits for delivery before it is stored in a stream.

Why not by JetStream's own cipher: nats-server 2.15.1 with it deletes a stream whose last block was emptied just before the server was
killed ("corrupt state file"): 7 of 30 kills of a work queue, and none of 30 without the cipher (measured). What is accepted must not be
lost, so the server stores bytes that it cannot read.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NUMBER_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _NUMBER_BYTES + _NONCE_BYTES
SETTLING_SECONDS = 60.0
"""How old a key must be before it encrypts: the time to copy it to all gateways."""
OVERHEAD_BYTES = _HEAD_BYTES + 16
"""Bytes by which an encrypted payload is larger."""


class UnreadablePayloadError(Exception):
    """A stored payload is not what was written: damaged, moved to another subject, or encrypted by a key that the bus does not have."""


class UnknownKeyError(UnreadablePayloadError):
    """A stored payload is encrypted by a key that the bus does not have, or does not have yet: it can be read once the key is there."""

    CODE: Final = "key-missing"


class PayloadCipher:
    """Encrypts payloads by AES-256-GCM, each bound to the subject that it is stored under.

    Args:
        keys: returns the keys of the bus by number, each of 32 bytes; the highest one encrypts. It is called again where a payload names an
            unknown number, such as one that another gateway has just begun to use.
        made_at: returns when each of them was made, in seconds since 1970; None where a new one is used at once.
    """

    def __init__(
        self, keys: Callable[[], Mapping[int, bytes]], made_at: Callable[[], Mapping[int, float]] | None = None
    ) -> None:
        self._keys = keys
        self._made_at = made_at
        self._ciphers: dict[int, AESGCM] = {}
        self._load()

    async def refresh(self) -> None:
        """Encrypt by a key that has been added, once it is a minute old: until then it can be copied to the other gateways."""
        self._load()

    def encrypt(self, subject: str, payload: bytes) -> bytes:
        """Encrypt a payload; an empty one stays empty."""
        if not payload:
            return payload
        nonce = secrets.token_bytes(_NONCE_BYTES)
        encrypted = self._ciphers[self._newest].encrypt(nonce, payload, subject.encode())
        return b"".join((_VERSION, self._newest.to_bytes(_NUMBER_BYTES, "big"), nonce, encrypted))

    def decrypt(self, subject: str, stored: bytes) -> bytes:
        """Decrypt what `encrypt` returned.

        Raises:
            UnknownKeyError: there is no such key.
            UnreadablePayloadError: it is something else.
        """
        if not stored:
            return stored
        if not stored.startswith(_VERSION) or len(stored) < OVERHEAD_BYTES:
            raise UnreadablePayloadError("it is not encrypted as this version does it")
        number = int.from_bytes(stored[len(_VERSION) : len(_VERSION) + _NUMBER_BYTES], "big")
        try:
            if number not in self._ciphers:
                self._load()
            cipher = self._ciphers[number]
            return cipher.decrypt(
                stored[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES], stored[_HEAD_BYTES:], subject.encode()
            )
        except KeyError as error:
            raise UnknownKeyError(f"there is no key {number}") from error
        except ValueError as error:  # of a file that is being written
            raise UnknownKeyError(f"there is no whole key {number}") from error
        except InvalidTag as error:
            raise UnreadablePayloadError("it was changed, or stored under another subject") from error

    def _load(self) -> None:
        keys = self._keys()
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._newest = max(self._usable(keys))

    def _usable(self, keys: Mapping[int, bytes]) -> Iterable[int]:
        """Return the keys that other gateways have had the time to read; the first one in any case."""
        if self._made_at is None:
            return keys
        made, now = self._made_at(), time.time()
        return [number for number in keys if number == min(keys) or now - made.get(number, now) >= SETTLING_SECONDS]
