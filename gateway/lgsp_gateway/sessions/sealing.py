"""Seals what a gateway must find again unchanged and unread, where others hold it: in a browser's cookie, or on the disk of NATS.

So whichever gateway a browser reaches next can go on, and whoever is not signed in makes no gateway store anything.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Sealer:
    """Seals and opens documents of one purpose; what was sealed for another one cannot be opened.

    Args:
        keys: returns the storage keys of the bus by number, each of 32 bytes; the highest one seals.
        purpose: such as `passkey`.
    """

    def __init__(self, keys: Callable[[], Mapping[int, bytes]], purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose

    def seal(self, document: Mapping[str, Any], now: float) -> str:
        """Seal a document.

        Args:
            document: of JSON.
            now: seconds since 1970.
        """
        return self._fernet().encrypt_at_time(json.dumps(document).encode(), int(now)).decode()

    def open(self, sealed: str, now: float, seconds: int | None = None) -> dict[str, Any] | None:
        """Open a sealed document; None where it is none, was changed, or is too old.

        Args:
            now: seconds since 1970.
            seconds: how long ago it may have been sealed; None for ever.
        """
        fernet = self._fernet()
        try:
            if seconds is None:
                content = fernet.decrypt(sealed.encode())
            else:
                content = fernet.decrypt_at_time(sealed.encode(), seconds, int(now))
        except (InvalidToken, ValueError):
            return None
        document: dict[str, Any] = json.loads(content)
        return document

    def _fernet(self) -> MultiFernet:
        keys = self._keys()
        return MultiFernet([Fernet(self._derived(keys[number])) for number in sorted(keys, reverse=True)])

    def _derived(self, key: bytes) -> bytes:
        info = f"lgsp sealed {self._purpose}".encode()
        return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=info).derive(key))
