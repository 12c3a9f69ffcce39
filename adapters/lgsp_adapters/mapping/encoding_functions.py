"""Functions of mappings that encode, decode and sign texts: base64, digests, HMAC."""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from jmespath import functions

from lgsp_adapters.mapping.unmappable import MappingError

DIGESTS = ("sha256", "sha512", "sha1")
"""Digests of an HMAC. SHA-1 is for systems that know no other: as the hash of an HMAC it is not broken (RFC 6194)."""

ENCODINGS = ("hex", "base64")

_TEXT = ["string", "null"]


class EncodingFunctions(functions.Functions):
    """`base64`, `from_base64`, `sha256`, `md5` and `hmac`; each returns null for null."""

    @functions.signature({"types": _TEXT})
    def _func_base64(self, value: str | None) -> Any:
        return None if value is None else base64.b64encode(value.encode()).decode()

    @functions.signature({"types": _TEXT})
    def _func_from_base64(self, value: str | None) -> Any:
        if value is None:
            return None
        text = "".join(value.split()).translate(_URL_SAFE)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise MappingError("a text is not base64 of a text in UTF-8") from error

    @functions.signature({"types": _TEXT})
    def _func_sha256(self, value: str | None) -> Any:
        return None if value is None else hashlib.sha256(value.encode()).hexdigest()

    @functions.signature({"types": _TEXT})
    def _func_md5(self, value: str | None) -> Any:
        return None if value is None else hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()

    @functions.signature({"types": _TEXT}, {"types": ["string"], "variadic": True})
    def _func_hmac(self, value: str | None, key: str, digest: Any = "sha256", encoding: Any = "hex") -> Any:
        check_hmac(digest, encoding)
        if value is None:
            return None
        signature = hmac.digest(key.encode(), value.encode(), digest)
        return signature.hex() if encoding == "hex" else base64.b64encode(signature).decode()


def check_hmac(digest: Any, encoding: Any = "hex") -> None:
    """Check the digest and the encoding of an HMAC.

    Raises:
        MappingError: one of them does not exist.
    """
    for value, known in ((digest, DIGESTS), (encoding, ENCODINGS)):
        if value not in known:
            raise MappingError(f"hmac knows {', '.join(known)}, and nothing else there")


_URL_SAFE = str.maketrans("-_", "+/")
