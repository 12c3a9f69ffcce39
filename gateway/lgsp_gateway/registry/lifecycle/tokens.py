"""Which tokens of a system count: those of its present generation.

Who holds a token keeps it until it expires, an hour or so, whatever becomes of the key that it was taken with. To end tokens
at once the registry counts a system's generation on: tokens of the bus name the generation they were issued in, so no clock
decides, and those of other issuers are told by when they were issued.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from lgsp_auth.identity import Generation
from lgsp_auth.issuing import DEFAULT_LIFE
from lgsp_auth.public_jwk import EXPIRY, has_expired
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry.documents import DocumentSpec, is_same_json

KEYS = ("jwks", "secretSha256")


def replaced(before: Mapping[str, Any] | None, after: Mapping[str, Any], now: float) -> bool:
    """Do tokens taken with a key or secret of before outlive it?

    A key that stays beside a new one, or that is given a time at which it ends, takes tokens until then.
    """
    if before is None:
        return False
    secret = before.get("secretSha256")
    staying = [_without_expiry(jwk) for jwk in after.get("jwks", ()) if not has_expired(jwk, now)]
    gone = any(
        not any(is_same_json(_without_expiry(jwk), other) for other in staying)
        for jwk in before.get("jwks", ())
        if not has_expired(jwk, now)
    )
    return gone or bool(secret and secret != after.get("secretSha256"))


def _without_expiry(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != EXPIRY}


def has_keys(spec: Mapping[str, Any]) -> bool:
    """Can a system take tokens of the bus?"""
    return any(spec.get(part) for part in KEYS)


def ended(status: Mapping[str, Any], now: float) -> DocumentSpec:
    """Return the status of a system whose tokens were ended."""
    return {**status, "tokens": {"generation": generation_of(status).number + 1, "issuedSince": now}}


def outlived(status: Mapping[str, Any], now: float) -> DocumentSpec:
    """Return the status of a system whose keys were replaced and whose old tokens are valid until they expire."""
    until = datetime.datetime.fromtimestamp(now + DEFAULT_LIFE, VIETNAM).isoformat(timespec="seconds")
    return {**status, "tokens": {**status.get("tokens", {}), "oldCountUntil": until}}


def generation_of(status: Mapping[str, Any]) -> Generation:
    """Return the generation in a system's status; the first where none was ended."""
    tokens = status.get("tokens", {})
    return Generation(tokens.get("generation", 0), tokens.get("issuedSince", 0.0))
