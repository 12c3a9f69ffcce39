"""The life of a person on the bus: created, linked to an account of their issuer, active, suspended, ended.

Who may approve things is guarded like what they approve. A person in a role that approves (`operator`, `agency-admin`)
becomes active under four eyes: one operator links the account, and another, who is another person, approves it. How many
of the two must have signed in as persons depends on how many could: none where no operator is a person, and then an
operator's system does it alone, since somebody has to be the first; one where one operator is; both where two are.

Nobody changes their own document, and what was ended stays so: evidence and histories name its id. It may be ended again,
where the bus failed before all that is to be forgotten was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lgsp_auth.principal import Principal, is_person, person_name
from lgsp_gateway.registry.approver_roles import APPROVING_ROLES
from lgsp_gateway.registry.lifecycle.transitions import ABSENT, StateMachine
from lgsp_problems import Refusal

Action = Literal["link", "approve", "suspend", "resume", "end"]
Status = dict[str, Any]

ACTIONS: tuple[Action, ...] = ("link", "approve", "suspend", "resume", "end")
"""Steps that are taken by themselves; to create, to edit and to delete are changes of the document."""

NEEDS_REASON = ("suspend", "end")

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
        operators: how many persons are operators, at work or suspended.
    """

    principal: Principal
    operators: int

    @property
    def may_do_it_alone(self) -> bool:
        """Tell whether nobody else has to approve what the editor makes of a person who approves."""
        return self.operators == 0 and not self.principal.is_accountable_person

    def prepared(self) -> Status:
        """Return what the status of a person says of this editor, who cannot approve it too."""
        others = sorted(self.principal.accountable - {self.principal.name})
        return {"preparedBy": self.principal.name} | ({"preparedOnBehalfOf": others} if others else {})


def phase_of(status: Mapping[str, Any]) -> str:
    """Return the phase of a person; one without a status came with the bus when it was installed."""
    phase: str = status.get("phase", "created")
    return phase


def put(
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    status: Mapping[str, Any],
    editor: Editor,
) -> Status:
    """Return the status of a person whose document is created or edited.

    Args:
        before, after: the spec; None where there is no document yet.

    Raises:
        Refusal: `not-granted` or `step-not-allowed`.
    """
    _refuse_own(name, editor.principal)
    by = editor.prepared()
    if before is None:
        return {"phase": "created", **by}
    phase = phase_of(status)
    if not TRANSITIONS.next_phases(phase, "edit"):
        raise _no_step(phase)
    if before["issuer"] != after["issuer"]:  # no account of another issuer is theirs
        return {"phase": "created", **by, "generation": _next_generation(status)}
    gains = set(after["roles"]) - set(before["roles"]) if before["agency"] == after["agency"] else set(after["roles"])
    if phase == "active" and gains & APPROVING_ROLES and not editor.may_do_it_alone:
        return {**_unprepared(status), "phase": "awaiting-operator", **by, "generation": _next_generation(status)}
    return _prepared_by_another_too(status, editor) if phase == "awaiting-operator" else dict(status)


def link(name: str, roles: frozenset[str], status: Mapping[str, Any], editor: Editor, account: str) -> Status:
    """Return the status of a person to whom an account of their issuer is linked; what was linked before is theirs no more.

    Args:
        account: the commitment to it.

    Raises:
        Refusal: `not-granted` or `step-not-allowed`.
    """
    _refuse_own(name, editor.principal)
    after = _after(status, "link")
    if roles & APPROVING_ROLES and not editor.may_do_it_alone:
        after = "awaiting-operator"
    return {"phase": after, "account": account, **editor.prepared(), "generation": _next_generation(status)}


def act(name: str, action: Action, status: Mapping[str, Any], editor: Editor, reason: str) -> Status:
    """Return the status of a person after a step other than to link an account.

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
        refuse_one_pair_of_eyes(status, editor)
    kept = {key: status[key] for key in ("account", "generation") if key in status}
    if action in ("suspend", "resume"):  # who linked the account still cannot confirm it
        kept |= {key: value for key, value in status.items() if key.startswith("prepared")}
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


def refuse_one_pair_of_eyes(status: Mapping[str, Any], editor: Editor) -> None:
    """Refuse that an editor confirms what they prepared themselves, or a system where persons are to.

    Args:
        status: of the person who is confirmed.

    Raises:
        Refusal: `not-granted`.
    """
    preparer, approver = str(status.get("preparedBy", "")), editor.principal
    if not approver.accountable.isdisjoint({preparer, *status.get("preparedOnBehalfOf", ())}):
        raise Refusal(
            "not-granted",
            vi="Người phê duyệt phải khác người đã chuẩn bị; hãy nhờ một người vận hành trục khác.",
            en="Whoever prepared this cannot approve it too; ask another operator of the bus.",
        )
    signed_in = is_person(preparer) + bool(approver.person)
    if signed_in >= min(editor.operators, 2):
        return
    if editor.operators == 1 or not approver.person:
        raise Refusal(
            "not-granted",
            vi="Trục đã có người vận hành đăng nhập bằng tài khoản riêng nên hệ thống không phê duyệt thay họ; hãy nhờ một người vận hành đăng nhập (lgsp login) rồi phê duyệt.",
            en="Operators of this bus sign in as persons, and a system does not approve in their stead; ask an operator to sign in (lgsp login) and to approve it.",
        )
    raise Refusal(
        "not-granted",
        vi="Trục đã có hai người vận hành đăng nhập bằng tài khoản riêng nên việc này cần hai người, mà ở đây một hệ thống đã chuẩn bị; hãy nhờ một người vận hành khác đăng nhập rồi liên kết lại tài khoản (lgsp person link), sau đó bạn phê duyệt.",
        en="This bus has two operators who sign in, so this takes two persons, and a system prepared it; ask another operator to sign in and to link the account again (lgsp person link), then approve it.",
    )


def _refuse_own(name: str, principal: Principal) -> None:
    if person_name(name) in principal.accountable:
        raise Refusal(
            "not-granted",
            vi="Không ai được tự thay đổi vai trò, tài khoản hay trạng thái của chính mình; hãy nhờ một người vận hành trục khác.",
            en="Nobody changes their own roles, account or state; ask another operator of the bus.",
        )


def _unprepared(status: Mapping[str, Any]) -> Status:
    return {key: value for key, value in status.items() if not key.startswith("prepared")}


def _prepared_by_another_too(status: Mapping[str, Any], editor: Editor) -> Status:
    """Return the status of a person who is edited while they wait: whoever linked the account confirms it no more than before."""
    preparer = status.get("preparedBy")
    others = {*status.get("preparedOnBehalfOf", ()), *editor.principal.accountable} - {preparer}
    prepared = {"preparedBy": preparer, **({"preparedOnBehalfOf": sorted(others)} if others else {})}
    return {**_unprepared(status), **(prepared if preparer else editor.prepared())}


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
