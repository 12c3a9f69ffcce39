"""The entry of the evidence, version 1: its kinds, their schemas, and its salted digests.

Entries are signed and kept for years, so their content is fixed here and in `docs/protocol/entry-1.md`, not where they are written.
Readers process the kinds and versions that they know and ignore all others.
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
"""The version of new entries. Those from before November 2026 have no version: they are calls, with unsalted digests."""

Kind = Literal["call", "accepted", "delivery", "event", "file", "registry", "peer"]
SEARCHED: tuple[Kind, ...] = ("call", "accepted", "delivery", "event", "file")
"""The kinds that the search index holds."""
WRITTEN: tuple[Kind, ...] = (*SEARCHED, "registry")
"""The kinds that are written today."""
RESERVED: tuple[Kind, ...] = ("peer",)
"""The kinds whose names are taken, and whose schemas may still gain fields."""

ENDINGS = frozenset({"answered", "replayed", "settled"})
"""The outcomes of a call whose caller got a document: the provider's, the stored one of an earlier call, or the one that an operator supplied for
a call whose outcome was unknown. Every other outcome of a call is the code of a problem."""

OUTCOMES = ENDINGS | {"accepted", "repeated", "delivered", "done"}
"""The outcomes of entries of all kinds that are no code of a problem; no contract declares one of them as such."""

SALT_BYTES = 16
"""128 random bits for each entry, the least that RFC 9901 recommends for a salted digest."""
SALT_HEADER = "Lgsp-Digest-Salt"
"""The response header with the salt of the call's entry, in hex."""

Document = Literal["request", "answer"]
"""The two documents of a call whose digests an entry holds."""


def is_call(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry records a call, in a version that this module knows."""
    return bool(entry.get("v", VERSION) == VERSION and entry.get("kind", "call") == "call")


def known_kind(entry: Mapping[str, Any]) -> Kind | None:
    """Return the kind of an entry; None where it is none that can be searched for, or of another version."""
    if entry.get("v", VERSION) != VERSION:
        return None
    kind = entry.get("kind", "call")
    return next((one for one in SEARCHED if one == kind), None)


def digest(salt: bytes, content: bytes) -> str:
    """Compute the digest of a document: SHA-256 of the salt followed by the document, in hex.

    The salt always has `SALT_BYTES`, so no two pairs of salt and document give the same concatenation. HMAC would add nothing:
    whoever reveals the salt reveals the document too, and a digest in a Merkle tree cannot be extended; and this one can be
    computed with `sha256sum`.
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
    except ValueError:  # refused below, like one of another length
        salt = b""
    if len(salt) != SALT_BYTES:
        raise Refusal(
            "malformed",
            vi=f"Muối phải là {2 * SALT_BYTES} ký tự hex như trong tiêu đề {SALT_HEADER}; hãy chép lại nguyên vẹn.",
            en=f"A salt has {2 * SALT_BYTES} hexadecimal digits, as in the header {SALT_HEADER}; copy it in full.",
        )
    return salt


def holds(entry: Mapping[str, Any], document: Document, content: bytes, salt: bytes | None) -> bool:
    """Tell whether an entry has the digest of a document.

    Args:
        entry: an entry of a call, of any version.
        salt: the salt of the entry; not needed for an entry that has no version.

    Raises:
        Refusal: `malformed`, when the entry's digests are salted and no salt is given.
    """
    if "v" not in entry:
        return _equal(hashlib.sha256(content).hexdigest(), entry.get(f"{document}Sha256"))
    if salt is None:
        raise Refusal(
            "malformed",
            vi=f"Mã băm trong mục này có muối; hãy thêm --salt với giá trị của tiêu đề {SALT_HEADER} mà bên gọi đã nhận.",
            en=f"The digests of this entry are salted; add --salt with the value that the caller received in the header {SALT_HEADER}.",
        )
    # With a salt of another length, part of the document could pass for salt.
    return len(salt) == SALT_BYTES and _equal(digest(salt, content), entry.get(f"{document}Digest"))


def _equal(computed: str, written: Any) -> bool:
    return isinstance(written, str) and hmac.compare_digest(computed, written)


@cache
def schema(kind: Kind) -> dict[str, Any]:
    """Read the JSON Schema of a kind."""
    file = resources.files("lgsp_contracts") / "entries" / f"{kind}.schema.json"
    document_schema: dict[str, Any] = orjson.loads(file.read_bytes())
    return document_schema


@cache
def _validator(kind: Kind) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(kind))


def faults(entry: Mapping[str, Any]) -> list[str]:
    """List the violations of an entry's schema; empty where it is valid, or of a kind or version unknown here."""
    kind = entry.get("kind")
    if entry.get("v") != VERSION or kind not in (*WRITTEN, *RESERVED):
        return []
    return [
        f"/{'/'.join(map(str, violation.instance_path))}: {violation.message}"
        for violation in _validator(kind).iter_errors(entry)
    ]
