"""For which agencies a person has been an approver: kept in the status of their document for good.

Where people have had a role, systems do not get it back by ending them: `person_permission` asks here who ever was one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

APPROVING_ROLES = frozenset({"operator", "agency-admin"})
"""Roles whose holders approve what others ask for."""

_STATUS = "approverFor"
_ACTED = ("active", "suspended", "ended")


class FormerApprover(Protocol):
    """A person, with what `agencies_by_role` says of them."""

    @property
    def approver_for(self) -> Mapping[str, frozenset[str]]: ...


def with_present_roles(spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a person with the approving roles that they have now, if they are active, beside those of before.

    Args:
        spec, status: what the person's document becomes.
    """
    past = _past(spec, status)
    for role in APPROVING_ROLES.intersection(spec["roles"]) if status.get("phase") == "active" else ():
        past[role] = sorted({*past.get(role, ()), spec["agency"]})
    return {**status, _STATUS: past}


def recorded(spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a status that records the approving roles up to a version, for the status of the next one.

    Args:
        spec, status: the person's document before the change.
    """
    return {_STATUS: with_present_roles(spec, status)[_STATUS]}


def agencies_by_role(spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return by approving role the agencies for which a person has ever had it while they were active."""
    return {role: frozenset(agencies) for role, agencies in _past(spec, status).items()}


def somebody_ever_had(role: str, people: Iterable[FormerApprover], agencies: frozenset[str] | None = None) -> bool:
    """Tell whether there has ever been an active person with an approving role.

    Args:
        agencies: only for one of these; None for any.
    """
    had = (person.approver_for.get(role, frozenset()) for person in people)
    return any(of if agencies is None else of & agencies for of in had)


def _past(spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, list[str]]:
    if _STATUS in status:
        return dict(status[_STATUS])
    if status.get("phase") in _ACTED:  # written before November 2026: what they are is what they were
        return {role: [spec["agency"]] for role in sorted(APPROVING_ROLES.intersection(spec["roles"]))}
    return {}
