"""Values that count once: the `jti` of a client assertion and of a DPoP proof.

What this package verifies it does not remember: a bus has several gateways, and what was used at one must be known at all of
them. So each verification names the value that its sender may use once, and a `ReplayGuard` uses it.
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
        seconds: for how long after its use a value could be shown again and still be valid.
        limit: how many values one gateway remembers at a time.
        limit_per_owner: how many of them belong to one owner, so that nobody uses up what there is for all.
        replayed: makes the refusal of a value that was used before.
        too_many: makes the refusal of a value that cannot be remembered, since there are too many.
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
        owner: who chose the value: a system's name, or the thumbprint of a key. Two owners may choose the same value.
        identifier: the `jti`.
    """

    kind: OneTimeKind
    owner: str
    identifier: str

    def digest(self) -> bytes:
        """Return 16 bytes that stand for the value: two values with the same ones take 2^64 tries."""
        return hashlib.sha256(f"{self.owner}\0{self.identifier}".encode("utf-8", "surrogatepass")).digest()[:16]


class ReplayGuard(Protocol):
    """Remembers one-time values where every gateway sees them."""

    async def use(self, value: OneTimeValue) -> None:
        """Use a value, once.

        Raises:
            Refusal: that of the value's kind, where it was used before or there are too many; `bus-unavailable`, where nobody
                can say whether it was used.
        """
