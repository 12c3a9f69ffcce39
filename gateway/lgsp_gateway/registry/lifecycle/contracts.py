"""The life of a contract: draft, submitted, published, deprecated, retired; and what may change on the way.

One table says who may take which step. What is published was promised: a new version of it must be higher and compatible
with the last (`lgsp_contracts.compatibility`), only an operator puts it in force, and its end is what was announced: it is
retired, not deleted.
"""

import datetime
from collections.abc import Collection, Mapping
from typing import Any, Literal

from lgsp_contracts.compatibility import breaking_changes, differ_in_titles_alone
from lgsp_contracts.contract import Contract
from lgsp_gateway.registry.documents import is_same_json
from lgsp_gateway.registry.lifecycle.transitions import ABSENT, StateMachine
from lgsp_problems import Refusal

Phase = Literal["draft", "submitted", "published", "deprecated", "retired"]
Who = Literal["owner", "operator"]

NOTICE_DAYS = 30
"""How far ahead an owner announces the end of a service; only an operator ends one sooner."""

IN_FORCE = ("published", "deprecated")
"""Phases in which a service answers calls."""

TRANSITIONS = StateMachine(
    ("owner", "operator"),
    {
        (ABSENT, "draft"): {"owner": "draft", "operator": "draft"},
        (ABSENT, "submit"): {"owner": "submitted", "operator": "submitted"},
        (ABSENT, "publish"): {"operator": "published"},
        ("draft", "edit"): {"owner": "draft", "operator": "draft"},
        ("draft", "submit"): {"owner": "submitted", "operator": "submitted"},
        ("draft", "publish"): {"operator": "published"},
        ("draft", "delete"): {"owner": ABSENT, "operator": ABSENT},
        ("submitted", "draft"): {"owner": "draft", "operator": "draft"},
        ("submitted", "publish"): {"operator": "published"},
        ("submitted", "delete"): {"owner": ABSENT, "operator": ABSENT},
        ("published", "edit"): {"operator": "published"},
        ("published", "deprecate"): {"owner": "deprecated", "operator": "deprecated"},
        ("published", "delete"): {"operator": ABSENT},
        ("deprecated", "edit"): {"operator": "deprecated"},
        ("deprecated", "publish"): {"owner": "published", "operator": "published"},
        ("deprecated", "retire"): {"owner": "retired", "operator": "retired"},
        ("deprecated", "delete"): {"operator": ABSENT},
        ("retired", "delete"): {"operator": ABSENT},
    },
)
"""A submitted contract is not edited: somebody else is reading it."""

_STEP_TO = {
    "draft": "draft",
    "submitted": "submit",
    "published": "publish",
    "deprecated": "deprecate",
    "retired": "retire",
}


def phase_of(spec: Mapping[str, Any]) -> Phase:
    """Return the phase of a service document; one that does not say is published."""
    phase: Phase = spec.get("phase", "published")
    return phase


def check(
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    may_be: Collection[Who],
    today: datetime.date,
) -> None:
    """May a service document become what it is to become? Whether a contract keeps promises says `check_replacement`.

    Args:
        before: its spec until now, None where there was none.
        may_be: as what the caller acts on it.

    Raises:
        Refusal: `step-not-allowed` or `not-granted`.
    """
    old, new = phase_of(before) if before else ABSENT, phase_of(after)
    if old != new:
        _check_step(name, old, new, may_be)
    if before is None:
        return
    if "operator" not in may_be:
        if old == "deprecated" and new == "retired":
            _check_sunset(name, before, today)
        if new == "deprecated":
            _check_notice(name, before, after, today)
    if not is_same_json(before["contract"], after["contract"]):
        _check_edit(name, old, before["contract"], after["contract"], may_be)


def check_delete(name: str, spec: Mapping[str, Any], may_be: Collection[Who]) -> None:
    """May a service document be deleted? What was published is retired; only an operator removes it.

    Raises:
        Refusal: `not-granted`.
    """
    phase = phase_of(spec)
    if TRANSITIONS.next_phase(phase, "delete", may_be) is None:
        raise Refusal(
            "not-granted",
            vi=f"Dịch vụ {name} đang ở giai đoạn {phase}, đã được công bố nên không được xóa; hãy ngừng (deprecated) rồi dừng hẳn (retired) sau ngày đã hứa.",
            en=f"Service {name} is {phase}: what was published is not deleted; deprecate it and retire it after its sunset.",
        )


def _check_step(name: str, old: str, new: str, may_be: Collection[Who]) -> None:
    step = _STEP_TO[new]
    if not TRANSITIONS.next_phases(old, step):
        possible = (
            ", ".join(to for to, transition in _STEP_TO.items() if TRANSITIONS.next_phases(old, transition)) or "-"
        )
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {name} đang ở giai đoạn {old} nên không thể chuyển sang {new}; có thể chuyển sang: {possible}.",
            en=f"Service {name} is {old} and cannot become {new}; it can become: {possible}.",
        )
    if TRANSITIONS.next_phase(old, step, may_be) is None:
        raise operator_needed(name, f"chuyển sang {new}", f"make it {new}; submit it (phase: submitted) and ask one")


def _check_sunset(name: str, before: Mapping[str, Any], today: datetime.date) -> None:
    sunset = before["deprecation"]["sunset"]
    if datetime.date.fromisoformat(sunset) > today:
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {name} được hứa phục vụ đến {sunset}; chỉ được dừng sau ngày đó.",
            en=f"Service {name} is promised until {sunset}; retire it after that day.",
        )


def _check_notice(name: str, before: Mapping[str, Any], after: Mapping[str, Any], today: datetime.date) -> None:
    """Raise when an announced deprecation is taken back or its sunset leaves callers too little time."""
    sunset = after["deprecation"]["sunset"]
    promised = before["deprecation"]["sunset"] if phase_of(before) == "deprecated" else ""
    earliest = promised or str(today + datetime.timedelta(days=NOTICE_DAYS))
    if sunset < earliest:
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {name} không được dừng trước {earliest}: ngày dừng phải báo trước ít nhất {NOTICE_DAYS} ngày và đã hứa thì không rút ngắn; hãy chọn ngày khác hoặc nhờ người vận hành trục.",
            en=f"Service {name} cannot end before {earliest}: its sunset is announced at least {NOTICE_DAYS} days ahead and not brought forward; choose another day, or ask an operator of the bus.",
        )


def _check_edit(name: str, phase: str, old: Any, new: Any, may_be: Collection[Who]) -> None:
    if not TRANSITIONS.next_phases(phase, "edit"):
        raise Refusal(
            "step-not-allowed",
            vi=f"Hợp đồng {name} ở giai đoạn {phase} không được sửa; hãy đưa về draft trước.",
            en=f"The contract of {name} cannot be changed while it is {phase}; make it a draft first.",
        )
    if TRANSITIONS.next_phase(phase, "edit", may_be) is None:
        raise operator_needed(name, "sửa hợp đồng đã công bố", "change a published contract; ask one")


def is_replaced(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Does a Service document put another contract in the place of a published one? Then `check_replacement` decides too."""
    return (
        before is not None and phase_of(before) in IN_FORCE and not is_same_json(before["contract"], after["contract"])
    )


def is_put_in_force(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Does a Service document make another contract than before answer calls? Then two validators must agree about its documents
    (`lgsp_contracts.agreement`)."""
    if phase_of(after) not in IN_FORCE:
        return False
    return before is None or phase_of(before) not in IN_FORCE or not is_same_json(before["contract"], after["contract"])


def check_replacement(name: str, old: Any, new: Any) -> None:
    """May a contract take the place of the published one? It must be a higher version and break nothing.

    Titles of fields may be added and changed within a version: programs do not read them.

    Args:
        name: of the Service document.
        old, new: the documents of two contracts that compile.

    Raises:
        Refusal: `contract-incompatible`, with what it breaks.
    """
    before, after = Contract.from_document(old, name), Contract.from_document(new, name)
    if differ_in_titles_alone(old, new):
        return
    if _numbers(after) <= _numbers(before):
        raise Refusal(
            "contract-incompatible",
            vi=f"Phiên bản mới của {name} phải cao hơn {before.version}, không phải {after.version}.",
            en=f"The new version of {name} must be higher than {before.version}, not {after.version}.",
        )
    changes = breaking_changes(before, after)
    if changes:
        first = changes[0]
        raise Refusal(
            "contract-incompatible",
            vi=f"{name} {after.version} phá vỡ bản {before.version} ở {first.pointer}: {first.message.vi}; hãy công bố phiên bản chính mới.",
            en=f"{name} {after.version} breaks {before.version} at {first.pointer}: {first.message.en}; publish a new major version.",
            violations=[change.violation for change in changes],
        )


def _numbers(contract: Contract) -> tuple[int, ...]:
    return tuple(map(int, contract.version.split(".")))


def operator_needed(name: str, vi: str, en: str) -> Refusal:
    """Return the refusal of what an operator may do alone."""
    return Refusal(
        "not-granted",
        vi=f"Dịch vụ {name}: chỉ người vận hành trục mới được {vi}.",
        en=f"Service {name}: only an operator of the bus may {en}.",
    )
