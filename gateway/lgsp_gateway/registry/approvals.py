"""Who approved a grant, and whether that is enough for personal data: two systems, one for the provider and an operator.

An approval is one of what the grant says. It holds for less, and for nothing more: whoever widens a grant asks again.
"""

from collections.abc import Mapping
from typing import Any, Literal

Approver = Literal["provider", "operator"]
Approvals = Mapping[str, str]
"""By the name of a system, as what it approved."""

_INSTALLED: Approvals = {"bootstrap": "installer"}


def of(status: Mapping[str, Any]) -> Approvals:
    """The approvals in a grant's status. What an empty bus was filled with is approved by whoever installed it."""
    if "phase" not in status:
        return _INSTALLED
    approvals: Approvals = status.get("approvedAs", {})
    return approvals


def suffice(approvals: Approvals) -> bool:
    """Are they enough for personal data?"""
    given = set(approvals.values())
    return "installer" in given or {"provider", "operator"} <= given


def missing(approvals: Approvals) -> Approver:
    """Whose approval is to come next."""
    return "operator" if "provider" in approvals.values() else "provider"


def hold(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Do the approvals of a grant hold for what it is to become: does it allow nothing that it did not allow?

    Args:
        before, after: specs that keep the schema.
    """
    return (
        before["legalBasis"] == after["legalBasis"]
        and set(after["purposes"]) <= set(before["purposes"])
        and before["validFrom"] <= after["validFrom"]
        and after["validUntil"] <= before["validUntil"]
        and all(_shown(before, name, content) for name, content in after["operations"].items())
        and _slower(before["quota"], after["quota"])
        and (after.get("senderConstrained", False) or not before.get("senderConstrained", False))
        and before.get("onBehalfOf", "") in ("", after.get("onBehalfOf", ""))
    )


def _shown(before: Mapping[str, Any], name: str, content: Mapping[str, Any]) -> bool:
    """Were these fields of an operation's answer shown before?"""
    shown = before["operations"].get(name, {}).get("fields", ())
    return "*" in shown or all(
        any(field == known or field.startswith(f"{known}/") for known in shown) for field in content["fields"]
    )


def _slower(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Does a quota allow no more than another, in its window and in a day?"""
    if before["per"] != after["per"] or after["requests"] > before["requests"]:
        return False
    return "daily" not in before or after.get("daily", float("inf")) <= before["daily"]
