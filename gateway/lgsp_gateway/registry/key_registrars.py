"""Who registered each key of a system: they may know its private half, so what the system approves may be theirs.

Each key and the secret keep their registrars for as long as they are there, also while somebody else changes the other keys,
and across a deletion of the system. A key that somebody registers again who is no person, or through a system, adds nobody
new and removes nobody.
"""

import json
from collections.abc import Mapping
from typing import Any

from lgsp_auth import public_jwk
from lgsp_auth.principal import Principal

_STATUS = "keyRegistrars"
_STATUS_OF_ALL = "keysRegisteredBy"
"""The member of statuses before November 2026: one person for all keys."""


def with_registrars(
    status: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any], caller: Principal
) -> dict[str, Any]:
    """Return the status of a system with the registrars of each key that it has after a change.

    Args:
        status: the status before, as far as it is to stay.
        before: the spec of the last version, also of one that was deleted; None where there never was one.
        after: the spec that the caller writes.
        caller: who registers the keys that were not there before.
    """
    new = sorted({caller.person} if caller.person else caller.keys_registered_by)
    known = _registrars_by_key(status, before or {})
    registrars = {key: known.get(key, new) for key in _keys(after)}
    kept = {name: value for name, value in status.items() if name not in (_STATUS, _STATUS_OF_ALL)}
    named = {key: persons for key, persons in registrars.items() if persons}
    return kept | ({_STATUS: named} if named else {})


def registrars_of(status: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of all persons who registered a key that a system has, from its status."""
    of_all = status.get(_STATUS_OF_ALL)
    by_key = status.get(_STATUS, {}).values()
    return frozenset(person for persons in by_key for person in persons) | ({of_all} if of_all else frozenset())


def _registrars_by_key(status: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, list[str]]:
    of_all = status.get(_STATUS_OF_ALL)
    by_key = status.get(_STATUS, {})
    return {key: by_key.get(key, [of_all] if of_all else []) for key in _keys(spec)}


def _keys(spec: Mapping[str, Any]) -> list[str]:
    """Return a name for each key of a system: the thumbprint of a public key, the digest of a secret."""
    secret = spec.get("secretSha256")
    return [_thumbprint(key) for key in spec.get("jwks", ())] + ([secret] if secret else [])


def _thumbprint(key: Mapping[str, Any]) -> str:
    try:
        return public_jwk.thumbprint(key)
    except KeyError:  # an older registry may have a key that no token counts with
        return json.dumps(key, sort_keys=True)
