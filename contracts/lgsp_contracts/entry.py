"""The entry of the evidence, version 1: its kinds, their schemas, and the salted digests in it.

Entries are signed and kept for years, so what they say is fixed here and in `docs/protocol/entry-1.md`, not where they are written.
Whoever reads them takes the kinds and versions that it knows and passes over all others.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import jsonschema_rs
import orjson

from lgsp_problems import Refusal

VERSION = 1
"""Of the entries that are written. Those of before November 2026 have no version: they are calls, with digests without a salt."""

Kind = Literal["call", "accepted", "delivery", "event", "file", "registry", "peer"]
WRITTEN: tuple[Kind, ...] = ("call",)
"""The kinds that are written today."""
RESERVED: tuple[Kind, ...] = ("accepted", "delivery", "event", "file", "registry", "peer")
"""The kinds whose names are taken, and whose schemas may still gain fields."""

SALT_BYTES = 16
"""128 random bits for each entry, the least that RFC 9901 recommends for a salted digest."""
SALT_HEADER = "Lgsp-Digest-Salt"
"""Where a caller gets the salt of the entry that its call left, in hex."""

Document = Literal["request", "answer"]
"""The two documents of a call whose digests an entry holds."""


def is_call(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry speaks of a call in a version that this module knows."""
    return bool(entry.get("v", VERSION) == VERSION and entry.get("kind", "call") == "call")


def digest(salt: bytes, content: bytes) -> str:
    """Compute the digest of a document: SHA-256 of the salt followed by the document, in hex.

    The salt has always `SALT_BYTES`, so no two pairs of salt and document run together into the same bytes. HMAC would add nothing:
    who shows the salt shows the document too, and nobody extends a digest that a Merkle tree holds; and this one any machine
    computes with `sha256sum`.
    """
    hashed = hashlib.sha256(salt)
    hashed.update(content)
    return hashed.hexdigest()


def parse_salt(text: str) -> bytes:
    """Read a salt in hex.

    Raises:
        Refusal: `malformed`.
    """
    try:
        salt = bytes.fromhex(text)
    except ValueError:  # only that it is none matters
        salt = b""
    if len(salt) != SALT_BYTES:
        raise Refusal(
            "malformed",
            vi=f"Muối phải là {2 * SALT_BYTES} ký tự hex như trong tiêu đề {SALT_HEADER}; hãy chép lại nguyên vẹn.",
            en=f"A salt is {2 * SALT_BYTES} characters of hex, as in the header {SALT_HEADER}; copy it whole.",
        )
    return salt


def holds(entry: Mapping[str, Any], document: Document, content: bytes, salt: bytes | None) -> bool:
    """Tell whether an entry holds the digest of a document.

    Args:
        entry: an entry of a call, of any version.
        salt: the salt of the entry; not needed for an entry that has no version.

    Raises:
        Refusal: `malformed`, when the entry's digests are salted and there is no salt.
    """
    if "v" not in entry:
        return _equal(hashlib.sha256(content).hexdigest(), entry.get(f"{document}Sha256"))
    if salt is None:
        raise Refusal(
            "malformed",
            vi=f"Mã băm trong mục này có muối; hãy thêm --salt với giá trị của tiêu đề {SALT_HEADER} mà bên gọi đã nhận.",
            en=f"The digests of this entry are salted; add --salt with what the caller got in the header {SALT_HEADER}.",
        )
    # A salt of another length could move the border between salt and document.
    return len(salt) == SALT_BYTES and _equal(digest(salt, content), entry.get(f"{document}Digest"))


def _equal(computed: str, written: Any) -> bool:
    return isinstance(written, str) and hmac.compare_digest(computed, written)


@cache
def schema(kind: Kind) -> dict[str, Any]:
    """Read the JSON Schema of a kind."""
    file = resources.files("lgsp_contracts") / "entries" / f"{kind}.schema.json"
    found: dict[str, Any] = orjson.loads(file.read_bytes())
    return found


@cache
def _validator(kind: Kind) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(kind))


def faults(entry: Mapping[str, Any]) -> list[str]:
    """List what an entry breaks of the schema of its kind: nothing where it keeps all, or is of a kind or version unknown here."""
    kind = entry.get("kind")
    if entry.get("v") != VERSION or kind not in (*WRITTEN, *RESERVED):
        return []
    return [f"/{'/'.join(map(str, one.instance_path))}: {one.message}" for one in _validator(kind).iter_errors(entry)]
