"""The life of a person on the bus: created, linked to an account of their issuer, active, suspended, ended.

Who may approve things is guarded like what they approve. A person in a role that approves (`operator`, `agency-admin`)
becomes active under four eyes: one operator links the account, and another, who is another person, approves it. Until
there is an operator who is a person, an operator's system may do it alone: somebody has to be the first.

Nobody changes their own document, and what was ended stays so: evidence and histories name its id. It may be ended again,
where the bus failed before all that is to be forgotten was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lgsp_auth.principal import Principal, is_person, person_name
from lgsp_gateway.registry.lifecycle.transitions import ABSENT, StateMachine
from lgsp_problems import Refusal

Action = Literal["link", "approve", "suspend", "resume", "end"]
Status = dict[str, Any]

ACTIONS: tuple[Action, ...] = ("link", "approve", "suspend", "resume", "end")
"""Steps that are taken by themselves; to create, to edit and to delete are changes of the document."""

NEEDS_REASON = ("suspend", "end")

APPROVING_ROLES = frozenset({"operator", "agency-admin"})
"""Roles whose holders approve what others ask for."""

TRANSITIONS = StateMachine(
    ("operator",),
    {
        (ABSENT, "create"): {"operator": "created"},
        ("created", "edit"): {"operator": "created"},
        ("created", "link"): {"operator": "active"},
        ("created", "delete"): {"operator": ABSENT},
        ("created", "end"): {"operator": "ended"},
        ("awaiting-operator", "edit"): {"operator": "awaiting-operator"},
        ("awaiting-operator", "link"): {"operator": "active"},
        ("awaiting-operator", "approve"): {"operator": "active"},
        ("awaiting-operator", "end"): {"operator": "ended"},
        ("active", "edit"): {"operator": "active"},
        ("active", "link"): {"operator": "active"},
        ("active", "suspend"): {"operator": "suspended"},
        ("active", "end"): {"operator": "ended"},
        ("suspended", "resume"): {"operator": "active"},
        ("suspended", "end"): {"operator": "ended"},
        ("ended", "end"): {"operator": "ended"},
    },
)


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes a person.

    Args:
        principal: the caller.
        first: there is no person yet who is an operator.
    """

    principal: Principal
    first: bool

    @property
    def may_do_it_alone(self) -> bool:
        """Tell whether nobody else has to approve what the editor makes of a person who approves."""
        return self.first and not self.principal.is_accountable_person


def phase_of(status: Mapping[str, Any]) -> str:
    """The phase of a person; one without a status came with the bus when it was installed."""
    phase: str = status.get("phase", "created")
    return phase


def put(
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    status: Mapping[str, Any],
    editor: Editor,
) -> Status:
    """The status of a person whose document is created or edited.

    Args:
        before, after: the spec; None where there is no document yet.

    Raises:
        Refusal: `not-granted` or `step-not-allowed`.
    """
    _refuse_own(name, editor.principal)
    by = {"preparedBy": editor.principal.accountable}
    if before is None:
        return {"phase": "created", **by}
    phase = phase_of(status)
    if not TRANSITIONS.next_phases(phase, "edit"):
        raise _no_step(phase)
    if before["issuer"] != after["issuer"]:  # no account of another issuer is theirs
        return {"phase": "created", **by, "generation": _next_generation(status)}
    gains = set(after["roles"]) - set(before["roles"]) if before["agency"] == after["agency"] else set(after["roles"])
    if phase == "active" and gains & APPROVING_ROLES and not editor.may_do_it_alone:
        return {**status, "phase": "awaiting-operator", **by, "generation": _next_generation(status)}
    return {**status, **(by if phase == "awaiting-operator" else {})}


def link(name: str, roles: frozenset[str], status: Mapping[str, Any], editor: Editor, account: str) -> Status:
    """The status of a person to whom an account of their issuer is linked; what was linked before is theirs no more.

    Args:
        account: the commitment to it.

    Raises:
        Refusal: `not-granted` or `step-not-allowed`.
    """
    _refuse_own(name, editor.principal)
    after = _after(status, "link")
    if roles & APPROVING_ROLES and not editor.may_do_it_alone:
        after = "awaiting-operator"
    by = {"preparedBy": editor.principal.accountable}
    return {"phase": after, "account": account, **by, "generation": _next_generation(status)}


def act(name: str, action: Action, status: Mapping[str, Any], editor: Editor, reason: str) -> Status:
    """The status of a person after a step other than to link an account.

    Raises:
        Refusal: `not-granted`, `step-not-allowed` or `malformed`.
    """
    _refuse_own(name, editor.principal)
    after = _after(status, action)
    if action in NEEDS_REASON and not reason:
        raise Refusal(
            "malformed",
            vi="Bước này phải nêu lý do: gửi reason trong nội dung yêu cầu.",
            en="This step needs a reason: send `reason` in the body.",
        )
    if action == "approve":
        _refuse_one_pair_of_eyes(status, editor)
    kept = {key: status[key] for key in ("account", "generation") if key in status}
    if action in ("suspend", "end"):
        kept["generation"] = _next_generation(status)
    if action == "end":
        kept.pop("account", None)
    return {"phase": after, **kept, **({"reason": reason} if reason else {})}


def check_delete(name: str, status: Mapping[str, Any], principal: Principal) -> None:
    """May a person's document be deleted? Only one that nobody ever signed in with.

    Raises:
        Refusal: `not-granted` or `step-not-allowed`.
    """
    _refuse_own(name, principal)
    _after(status, "delete")
    if status.get("generation"):
        raise _no_step(phase_of(status))


def _refuse_one_pair_of_eyes(status: Mapping[str, Any], editor: Editor) -> None:
    prepared_by, approver = str(status.get("preparedBy", "")), editor.principal.accountable
    if approver == prepared_by:
        raise Refusal(
            "not-granted",
            vi="Người phê duyệt phải khác người đã chuẩn bị; hãy nhờ một người vận hành trục khác.",
            en="Whoever prepared this cannot approve it too; ask another operator of the bus.",
        )
    if not editor.first and not (is_person(prepared_by) or is_person(approver)):
        raise Refusal(
            "not-granted",
            vi="Trục đã có người vận hành đăng nhập bằng tài khoản riêng nên hai hệ thống không thể phê duyệt cho nhau; hãy nhờ một người vận hành đăng nhập (lgsp login) rồi phê duyệt.",
            en="Operators of this bus sign in as persons, so two systems do not make four eyes; ask an operator to sign in (lgsp login) and to approve it.",
        )


def _refuse_own(name: str, principal: Principal) -> None:
    if principal.accountable == person_name(name):
        raise Refusal(
            "not-granted",
            vi="Không ai được tự thay đổi vai trò, tài khoản hay trạng thái của chính mình; hãy nhờ một người vận hành trục khác.",
            en="Nobody changes their own roles, account or state; ask another operator of the bus.",
        )


def _next_generation(status: Mapping[str, Any]) -> int:
    generation: int = status.get("generation", 0)
    return generation + 1


def _after(status: Mapping[str, Any], step: str) -> str:
    phase = phase_of(status)
    after = TRANSITIONS.next_phase(phase, step, TRANSITIONS.roles)
    if after is None:
        raise _no_step(phase)
    return after


def _no_step(phase: str) -> Refusal:
    possible = ", ".join(step for step in TRANSITIONS.steps(phase) if step in ACTIONS) or "-"
    return Refusal(
        "step-not-allowed",
        vi=f"Người này đang ở giai đoạn {phase} nên không làm được bước này; các bước có thể: {possible}.",
        en=f"This person is {phase} and does not allow this step; the steps there are: {possible}.",
    )
