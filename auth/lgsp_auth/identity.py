"""Identities: the systems and persons that verified tokens name."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Identity:
    """The holder of a verified token.

    Args:
        system: the name of the system in the registry.
        token: the token's `jti`, which may be empty where another issuer signed it.
        issuer: the token's exact `iss`.
        key: the thumbprint of the key that signed it (RFC 7638).
        expires: seconds since 1970.
        bound: the thumbprint of the key that the token is bound to (RFC 9449), empty for a bearer token.
        own: whether the bus itself issued it; its `generation` is then set by the token.
        generation: the generation of the system's tokens that it belongs to.
        issued: seconds since 1970.
    """

    system: str
    token: str
    issuer: str
    key: str
    expires: float
    bound: str = ""
    own: bool = True
    generation: int = 0
    issued: float = 0.0


class Generation(NamedTuple):
    """The valid tokens of a system: those of the bus with this number, and those that other issuers have issued since a time
    (seconds since 1970)."""

    number: int
    since: float

    def includes(self, identity: Identity) -> bool:
        """Tell whether a token belongs to this generation."""
        return identity.generation == self.number if identity.own else identity.issued >= self.since


FIRST = Generation(0, 0.0)
"""The generation of a system none of whose tokens were revoked."""


@dataclass(frozen=True, slots=True)
class Person:
    """The person whom a verified token names.

    Args:
        number: the personal identification number.
        kind: `citizen` or `officer`.
        bound: the thumbprint of the key that the token is bound to; empty for a bearer token.
    """

    number: str
    kind: str
    bound: str = ""
