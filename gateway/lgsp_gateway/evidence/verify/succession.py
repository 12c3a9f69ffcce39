"""Successions of keys: how a log goes on under another key, so that whoever trusts the old one can tell that the new one is its own.

The old key signs the new one once, at the rotation, and may be destroyed then. Each checkpoint from then on has an extension line for
each rotation, so that one checkpoint alone tells which key follows which:

    successor 1zhy19re2hNq8hkic3ka… rT+RgyD57M98nk2d06p2… pXbWqAvBl9o0FvU…
              the old public key    the new public key   the signature of the old one

A checkpoint that names a succession must be signed by the newest key: the old one signs nothing any more.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WORD = "successor"


@dataclass(frozen=True, slots=True)
class Succession:
    """One rotation.

    Args:
        old, new: Ed25519 public keys, 32 bytes each.
        signature: of the old key over the text of `signed_text`.
    """

    old: bytes
    new: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> "Succession":
        """Read an extension line; the signature is not checked.

        Raises:
            ValueError: it is none.
        """
        word, *encoded = line.split(" ")
        parts = [base64.b64decode(part, validate=True) for part in encoded]
        if word != WORD or [len(part) for part in parts] != [32, 32, 64]:
            raise ValueError("not a succession")
        return cls(*parts)

    def line(self) -> str:
        """Return the extension line, with its line feed."""
        parts = " ".join(base64.b64encode(part).decode() for part in (self.old, self.new, self.signature))
        return f"{WORD} {parts}\n"

    def is_signed(self) -> bool:
        """Tell whether the old key has signed the new one."""
        try:
            Ed25519PublicKey.from_public_bytes(self.old).verify(self.signature, signed_text(self.old, self.new))
        except (InvalidSignature, ValueError):
            return False
        return True


def signed_text(old: bytes, new: bytes) -> bytes:
    """Return what the old key signs."""
    keys = "\n".join(base64.b64encode(key).decode() for key in (old, new))
    return f"lgsp log key succession\n{keys}\n".encode()


def newest_of(public: bytes, successions: Iterable[Succession]) -> bytes:
    """Follow the successions of a key, in their order, and return the key that signs now: this one where it has no successor."""
    for one in successions:
        if one.old == public and one.is_signed():
            public = one.new
    return public


def newest_of_all(successions: Sequence[Succession]) -> bytes | None:
    """Return the key that signs after all rotations; None where there was none."""
    return newest_of(successions[0].old, successions) if successions else None


def trusted_publics(publics: Iterable[bytes], successions: Sequence[Succession]) -> frozenset[bytes]:
    """Return keys and those that follow them: what is signed now by whoever once had one of these keys."""
    known = tuple(publics)
    return frozenset((*known, *(newest_of(public, successions) for public in known)))


def leading_to(public: bytes, successions: Sequence[Succession]) -> tuple[Succession, ...]:
    """Return the successions that lead to a key, the oldest first."""
    chain: list[Succession] = []
    for one in reversed(successions):
        if one.new == public and one.is_signed():
            chain.insert(0, one)
            public = one.old
    return tuple(chain)
