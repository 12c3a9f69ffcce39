"""The life of a grant: requested by the consumer, approved by the provider, by an operator too where data is personal, in
force; suspended, resumed, revoked.

The registry writes a grant's `status`; its `spec` is what was asked for. One rule stands above the table: where it leads
into force and the grant shows personal data, somebody for the provider and somebody else who is an operator must have approved
what the grant says now. Until then it waits for the one that is missing. Where people have a role, its systems approve no
personal data any more: two systems may be one person's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lgsp_gateway.registry.approvals import Approvals
from lgsp_gateway.registry.documents import is_same_json
from lgsp_gateway.registry.lifecycle.transitions import ABSENT, StateMachine
from lgsp_problems import Refusal

Action = Literal["approve", "deny", "suspend", "resume", "revoke"]
Who = Literal["consumer", "provider", "operator"]
Status = dict[str, Any]

ACTIONS: tuple[Action, ...] = ("approve", "deny", "suspend", "resume", "revoke")
"""Steps that are taken by themselves; to request, to put and to delete are changes of the document."""

DECISIONS: tuple[Action, ...] = ("approve", "deny")
"""Steps that answer a request, and so are about what it says."""

NEEDS_REASON = ("deny", "suspend", "revoke")

TRANSITIONS = StateMachine(
    ("consumer", "provider", "operator"),
    {
        (ABSENT, "request"): {"consumer": "requested"},
        (ABSENT, "put"): {"provider": "in-force", "operator": "in-force"},
        ("requested", "request"): {"consumer": "requested"},
        ("requested", "put"): {"provider": "in-force", "operator": "in-force"},
        ("requested", "approve"): {"provider": "in-force", "operator": "in-force"},
        ("requested", "deny"): {"provider": "denied", "operator": "denied"},
        ("requested", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("awaiting-operator", "put"): {"provider": "in-force", "operator": "in-force"},
        ("awaiting-operator", "approve"): {"operator": "in-force"},
        ("awaiting-operator", "deny"): {"provider": "denied", "operator": "denied"},
        ("awaiting-operator", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("awaiting-provider", "put"): {"provider": "in-force", "operator": "in-force"},
        ("awaiting-provider", "approve"): {"provider": "in-force"},
        ("awaiting-provider", "deny"): {"provider": "denied", "operator": "denied"},
        ("awaiting-provider", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("in-force", "put"): {"provider": "in-force", "operator": "in-force"},
        ("in-force", "approve"): {"provider": "in-force", "operator": "in-force"},
        ("in-force", "suspend"): {"provider": "suspended", "operator": "suspended"},
        ("in-force", "revoke"): {"provider": "revoked", "operator": "revoked"},
        ("in-force", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("suspended", "put"): {"provider": "suspended", "operator": "suspended"},
        ("suspended", "resume"): {"provider": "in-force", "operator": "in-force"},
        ("suspended", "revoke"): {"provider": "revoked", "operator": "revoked"},
        ("suspended", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("denied", "request"): {"consumer": "requested"},
        ("denied", "put"): {"provider": "in-force", "operator": "in-force"},
        ("denied", "delete"): {"provider": ABSENT, "operator": ABSENT},
        ("revoked", "delete"): {"provider": ABSENT, "operator": ABSENT},
    },
)

PHASES = tuple(dict.fromkeys(phase for phase, _ in TRANSITIONS.rows if phase != ABSENT))

WAITING = ("requested", "awaiting-operator", "awaiting-provider")
"""Phases in which somebody's approval is waited for."""

APPROVED = ("awaiting-operator", "awaiting-provider", "in-force", "suspended")
"""Phases in which approvals count for what comes next."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step.

    Args:
        name: of the principal.
        may_be: as what it may act on this grant.
        accountable: all who may be behind it (`Principal.accountable`).
        not_for_personal: as what it does not approve personal data, since there are people who do.
        stands_in_for: the name of the absent approver as whose deputy it acts; empty for none.
    """

    name: str
    may_be: frozenset[Who]
    accountable: frozenset[str]
    not_for_personal: frozenset[Who] = frozenset()
    stands_in_for: str = ""


def phase_of(status: Mapping[str, Any]) -> str:
    """Return the phase of a grant; one without a status came with the bus when it was installed."""
    phase: str = status.get("phase", "in-force")
    return phase


def differ_by_approvals_alone(versions: Iterable[tuple[Mapping[str, Any] | None, Mapping[str, Any]]]) -> bool:
    """Tell whether nothing but approvals happened in these versions: they say the same, and none was denied, suspended or revoked.

    Args:
        versions: spec and status of each; at least one.
    """
    specs, statuses = zip(*versions, strict=True)
    decided = all(phase_of(status) in (*WAITING, "in-force") for status in statuses)
    return decided and specs[0] is not None and all(is_same_json(specs[0], spec) for spec in specs[1:])


def request(before: Mapping[str, Any] | None, actor: Actor) -> Status | None:
    """Return the status of a grant that its consumer asks for; None where it may not ask now."""
    phase = TRANSITIONS.next_phase(_phase(before), "request", actor.may_be & {"consumer"})
    return {"phase": phase, "requestedBy": actor.name, **_kept(before or {}, "renews")} if phase else None


def put(
    status: Mapping[str, Any] | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    actor: Actor,
    *,
    personal: bool,
) -> Status:
    """Return the status of a grant that its provider or an operator writes, which approves it.

    Args:
        before, after: its spec; None where there is no grant yet.

    Raises:
        Refusal: `step-not-allowed`, when the grant was revoked.
    """
    phase = _phase(status)
    next_phase = TRANSITIONS.next_phase(phase, "put", actor.may_be)
    if next_phase is None:
        raise _no_step(phase)
    known = Approvals()
    if status is not None and before is not None and phase in APPROVED:
        known = Approvals.from_status(status).carried_over(before, after)
    given = _approved(known, actor, TRANSITIONS.next_phases(phase, "put"))
    if next_phase == "suspended" and not (personal and not given.suffice()):
        return {**_without_approvals(status or {}), **given.status()}
    return {"phase": _settled(given, personal), **_kept(status or {}, "renews"), **given.status()}


def act(action: Action, status: Mapping[str, Any], actor: Actor, *, personal: bool, reason: str, until: str) -> Status:
    """Return the status after a step.

    Args:
        personal: the grant shows personal data.
        until: an ISO 8601 date, the expected end of a suspension; may be empty.

    Raises:
        Refusal: `step-not-allowed`, `not-granted` or `malformed`.
    """
    phase, known = phase_of(status), Approvals.from_status(status)
    followers = TRANSITIONS.next_phases(phase, action)
    if not followers:
        raise _no_step(phase)
    after = TRANSITIONS.next_phase(phase, action, actor.may_be)
    if after is None:
        raise _other_needed(next(iter(followers)))
    if action in NEEDS_REASON and not reason:
        raise Refusal(
            "malformed",
            vi="Bước này phải nêu lý do: gửi reason trong nội dung yêu cầu.",
            en="This step needs a reason: send `reason` in the body.",
        )
    if action == "approve":
        if known.given_by(actor.accountable):
            raise _same_again()
        if personal and not _approves_as(actor, followers):
            raise _person_needed()
        known = _approved(known, actor, followers)
    if after == "in-force":
        after = _settled(known, personal)
    if after not in APPROVED:
        known = Approvals()
    change = {"reason": reason, "until": until, "by": actor.name, "onBehalfOf": actor.stands_in_for}
    if after == "suspended":
        change["suspendedAs"] = "provider" if "provider" in actor.may_be else "operator"
    kept = _kept(status, "requestedBy", "renews")
    return {"phase": after, **kept, **known.status(), **{key: value for key, value in change.items() if value}}


def check_delete(status: Mapping[str, Any], actor: Actor) -> None:
    """May a grant be deleted?

    Raises:
        Refusal: `step-not-allowed`.
    """
    if TRANSITIONS.next_phase(phase_of(status), "delete", actor.may_be) is None:
        raise _no_step(phase_of(status))


def _phase(status: Mapping[str, Any] | None) -> str:
    return ABSENT if status is None else phase_of(status)


def _approved(known: Approvals, actor: Actor, followers: Mapping[str, str]) -> Approvals:
    """Add an approval to those of a grant: in the role that is missing, if the approver may act in both. One person is one approver."""
    may_be = _approves_as(actor, followers)
    if not may_be:
        return known
    same = known.given_by(actor.accountable)
    others = [rank for name, rank in known.given.items() if name not in same]
    before = [rank for rank in may_be if rank in {known.given[name] for name in same}]
    chosen = before[0] if before else next((rank for rank in may_be if rank not in others), may_be[0])
    return known.with_approval(actor.name, actor.accountable, chosen)


def _approves_as(actor: Actor, followers: Mapping[str, str]) -> list[Who]:
    """As what an approval by this actor counts, should the grant show personal data."""
    ranks: tuple[Who, ...] = ("provider", "operator")
    return [who for who in ranks if who in actor.may_be - actor.not_for_personal and who in followers]


def _settled(given: Approvals, personal: bool) -> str:
    return f"awaiting-{given.missing()}" if personal and not given.suffice() else "in-force"


def _kept(status: Mapping[str, Any], *keys: str) -> Status:
    return {key: status[key] for key in keys if key in status}


def _without_approvals(status: Mapping[str, Any]) -> Status:
    return {key: value for key, value in status.items() if not key.startswith("approved")}


def _other_needed(who: str) -> Refusal:
    if who == "operator":
        return Refusal(
            "not-granted",
            vi="Quyền khai thác dữ liệu cá nhân cần người vận hành trục phê duyệt; hãy nhờ họ.",
            en="A grant on personal data needs the second approval, of an operator of the bus; ask one.",
        )
    return Refusal(
        "not-granted",
        vi="Quyền khai thác dữ liệu cá nhân cần quản trị viên của cơ quan cung cấp phê duyệt; hãy nhờ họ.",
        en="A grant on personal data needs the approval of an administrator of the provider's agency too; ask one.",
    )


def _person_needed() -> Refusal:
    return Refusal(
        "not-granted",
        vi="Việc phê duyệt dữ liệu cá nhân ở đây thuộc về người đã đăng ký, không thuộc về hệ thống; hãy nhờ một người có vai trò này đăng nhập (lgsp login) rồi phê duyệt.",
        en="Personal data is approved here by the persons who have this role, and no more by systems; ask one of them to sign in (lgsp login) and to approve it.",
    )


def _same_again() -> Refusal:
    return Refusal(
        "not-granted",
        vi="Người phê duyệt lần hai phải khác người phê duyệt lần đầu; hãy nhờ người khác.",
        en="The second approval must come from somebody else than the first; ask somebody else.",
    )


def _no_step(phase: str) -> Refusal:
    possible = ", ".join(step for step in TRANSITIONS.steps(phase) if step in ACTIONS) or "-"
    return Refusal(
        "step-not-allowed",
        vi=f"Quyền này đang ở giai đoạn {phase} nên không làm được bước này; các bước có thể: {possible}.",
        en=f"This grant is {phase} and does not allow this step; the steps there are: {possible}.",
    )
