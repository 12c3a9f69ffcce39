"""One-time values: the `jti` of a client assertion or of a DPoP proof.

This package does not remember what it verifies: a bus has several gateways, and all must know what was used at one of them. So each
verification returns the value that its sender may use once, and a `ReplayGuard` marks it as used.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class OneTimeKind:
    """A kind of one-time value.

    Args:
        name: part of a NATS subject: lower-case letters and hyphens.
        seconds: how long a used value must be remembered, since it would still be valid.
        limit: the most values that one gateway remembers.
        limit_per_owner: the most values of one owner, so that no owner exhausts the limit.
        replayed: creates the refusal of a value that was used before.
        too_many: creates the refusal where a limit is reached.
    """

    name: str
    seconds: int
    limit: int
    limit_per_owner: int
    replayed: Callable[[], Refusal]
    too_many: Callable[[], Refusal]


@dataclass(frozen=True, slots=True)
class OneTimeValue:
    """A value that was verified and may be used once.

    Args:
        owner: who chose the identifier: a system's name, or the thumbprint of a key. It is unique only within its owner.
        identifier: the `jti`.
    """

    kind: OneTimeKind
    owner: str
    identifier: str

    def digest(self) -> bytes:
        """Return a digest of 16 bytes: finding two values with the same one takes 2^64 attempts."""
        return hashlib.sha256(f"{self.owner}\0{self.identifier}".encode("utf-8", "surrogatepass")).digest()[:16]


class ReplayGuard(Protocol):
    """Remembers used values for all gateways."""

    async def use(self, value: OneTimeValue) -> None:
        """Mark a value as used.

        Raises:
            Refusal: that of the value's kind, where it was used before or a limit is reached; `bus-unavailable`, where it cannot be
                determined whether it was used.
        """
