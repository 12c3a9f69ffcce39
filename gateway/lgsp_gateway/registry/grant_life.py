"""The life of a grant: requested by the consumer, approved by the provider, by an operator too where data is personal, in
force; suspended, resumed, revoked.

The registry writes a grant's `status`; its `spec` is what was asked for. Whoever may change a grant may take these steps;
the second approval is an operator's, and a second person's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lgsp_problems import Refusal

Phase = Literal["requested", "awaiting-operator", "in-force", "suspended", "denied", "revoked"]
Action = Literal["approve", "deny", "suspend", "resume", "revoke"]
Status = dict[str, Any]

STEPS: dict[Action, dict[Phase, Phase]] = {
    "approve": {"requested": "in-force", "awaiting-operator": "in-force"},
    "deny": {"requested": "denied", "awaiting-operator": "denied"},
    "suspend": {"in-force": "suspended"},
    "resume": {"suspended": "in-force"},
    "revoke": {"in-force": "revoked", "suspended": "revoked"},
}
NEEDS_REASON = ("deny", "suspend", "revoke")
ASKABLE: tuple[Phase, ...] = ("requested", "denied")
"""Phases in which the consumer may still change what it asks for."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step: its name, and whether it is an operator."""

    name: str
    operator: bool


def phase_of(status: Mapping[str, Any]) -> Phase:
    """The phase of a grant; one without a status was put in force by an operator."""
    phase: Phase = status.get("phase", "in-force")
    return phase


def requested(by: str) -> Status:
    """The status of a grant that its consumer asks for."""
    return {"phase": "requested", "requestedBy": by}


def put_by_provider(before: Mapping[str, Any] | None, actor: Actor, personal: bool) -> Status:
    """The status of a grant that its provider or an operator writes without being asked.

    Raises:
        Refusal: `step-not-allowed`, when the grant was revoked.
    """
    phase = phase_of(before) if before is not None else None
    if phase == "revoked":
        raise _no_step("revoked", "-")
    if phase == "suspended":
        return dict(before or {})
    if personal and not actor.operator:
        return {"phase": "awaiting-operator", "approvedBy": [actor.name]}
    return {"phase": "in-force", "approvedBy": [actor.name]}


def act(action: Action, status: Mapping[str, Any], actor: Actor, personal: bool, reason: str, until: str) -> Status:
    """The status after a step.

    Args:
        personal: the grant shows personal data.
        until: an ISO 8601 date, the expected end of a suspension; may be empty.

    Raises:
        Refusal: `step-not-allowed`, `not-granted` or `malformed`.
    """
    phase = phase_of(status)
    after = STEPS[action].get(phase)
    if after is None:
        raise _no_step(phase, ", ".join(name for name, steps in STEPS.items() if phase in steps) or "-")
    if action in NEEDS_REASON and not reason:
        raise Refusal(
            "malformed",
            vi="Bước này phải nêu lý do: gửi reason trong nội dung yêu cầu.",
            en="This step needs a reason: send `reason` in the body.",
        )
    approvers = list(status.get("approvedBy", ()))
    if action == "approve":
        if phase == "awaiting-operator":
            _check_second(actor, approvers)
        approvers.append(actor.name)
        if personal and len(approvers) < 2:
            after = "awaiting-operator"
    kept = {key: status[key] for key in ("requestedBy",) if key in status}
    said = {"reason": reason, "until": until, "by": actor.name}
    return {"phase": after, **kept, "approvedBy": approvers, **{key: value for key, value in said.items() if value}}


def _check_second(actor: Actor, approvers: list[str]) -> None:
    if not actor.operator:
        raise Refusal(
            "not-granted",
            vi="Quyền khai thác dữ liệu cá nhân cần người vận hành trục phê duyệt lần hai.",
            en="A grant on personal data needs the second approval of an operator of the bus; ask one.",
        )
    if actor.name in approvers:
        raise Refusal(
            "not-granted",
            vi="Người phê duyệt lần hai phải khác người phê duyệt lần đầu.",
            en="The second approval must come from somebody else than the first; ask another operator.",
        )


def _no_step(phase: str, possible: str) -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi=f"Quyền này đang ở giai đoạn {phase} nên không làm được bước này; các bước có thể: {possible}.",
        en=f"This grant is {phase} and does not allow this step; the steps there are: {possible}.",
    )
