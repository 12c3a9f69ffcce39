"""Trusted issuers of access tokens: their names, algorithms, keys and claims."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from lgsp_auth.public_jwk import VerificationKey

AUDIENCE = "lgsp"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
GENERATION_CLAIM = "gen"
"""The claim with the generation of a system's tokens; absent for the first one."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens are accepted.

    Args:
        name: its exact `iss`.
        algorithms: those it may use, whatever its tokens name.
        find_key: returns the key of a `kid`, None where the issuer does not use it (any more).
        refresh: fetches the issuer's keys; None for the bus itself.
        audience, types: the required `aud` and `typ` of its tokens.
        system_claim: the claim that names a system, empty where its tokens name no systems.
        systems: maps the claim's values to names in the registry; other values are names themselves.
        person_claim: the claim that holds a personal identification number, empty where its tokens name no persons. A token with
            it names a person and no system, whichever program it was issued to.
        person_kind: `citizen` or `officer`.
    """

    name: str
    algorithms: tuple[str, ...]
    find_key: Callable[[str], VerificationKey | None]
    refresh: Callable[[], Awaitable[bool]] | None = None
    audience: str = AUDIENCE
    types: tuple[str, ...] = (TOKEN_TYPE,)
    system_claim: str = "sub"
    systems: Mapping[str, str] = field(default_factory=dict)
    person_claim: str = ""
    person_kind: str = "citizen"

    @property
    def is_own(self) -> bool:
        """Tell whether this is the bus itself, whose keys are not fetched."""
        return self.refresh is None
