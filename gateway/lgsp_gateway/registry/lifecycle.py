"""The life of a contract: draft, submitted, published, deprecated, retired; and what may change on the way.

One table says who may make which step. What is published was promised: a new version of it must be higher and compatible
with the last (`lgsp_contracts.compatibility`), and only an operator puts it in force. A classification is lowered by an
operator only.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Literal

from lgsp_contracts.compatibility import breaks
from lgsp_contracts.contract import Contract
from lgsp_problems import Refusal

Phase = Literal["draft", "submitted", "published", "deprecated", "retired"]
Who = Literal["owner", "operator"]

IN_FORCE = ("published", "deprecated")
"""Phases in which a service answers calls."""

STEPS: dict[tuple[Phase | None, Phase], Who] = {
    (None, "draft"): "owner",
    (None, "submitted"): "owner",
    (None, "published"): "operator",
    ("draft", "submitted"): "owner",
    ("draft", "published"): "operator",
    ("submitted", "draft"): "owner",
    ("submitted", "published"): "operator",
    ("published", "deprecated"): "owner",
    ("deprecated", "published"): "owner",
    ("deprecated", "retired"): "owner",
}

EDITS: dict[Phase, Who] = {"draft": "owner", "published": "operator", "deprecated": "operator"}
"""Who may change the contract itself while the phase stays. A submitted one is being read by somebody else."""

_RANKS = {"open": 0, "internal": 1, "personal": 2}


def phase_of(spec: Mapping[str, Any]) -> Phase:
    """The phase of a service document; one that does not say is published."""
    phase: Phase = spec.get("phase", "published")
    return phase


def check(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], operator: bool, today: datetime.date
) -> None:
    """May a service document become what it is to become?

    Args:
        before: its spec until now, None where there was none.
        operator: whether the caller is one.

    Raises:
        Refusal: `step-not-allowed`, `contract-incompatible` or `not-granted`.
    """
    old, new = phase_of(before) if before else None, phase_of(after)
    edited = before is not None and before["contract"] != after["contract"]
    if old != new:
        _check_step(name, old, new, operator)
    if old == "deprecated" and new == "retired" and not operator:
        _check_sunset(name, before or {}, today)
    if before is not None and edited:
        _check_edit(name, old, before["contract"], after["contract"], operator)


def _check_step(name: str, old: Phase | None, new: Phase, operator: bool) -> None:
    who = STEPS.get((old, new))
    if who is None:
        possible = ", ".join(to for of, to in STEPS if of == old) or "-"
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {name} đang ở giai đoạn {old} nên không thể chuyển sang {new}; có thể chuyển sang: {possible}.",
            en=f"Service {name} is {old} and cannot become {new}; it can become: {possible}.",
        )
    if who == "operator" and not operator:
        raise _operator_needed(name, f"chuyển sang {new}", f"make it {new}; submit it (phase: submitted) and ask one")


def _check_sunset(name: str, before: Mapping[str, Any], today: datetime.date) -> None:
    sunset = before["deprecation"]["sunset"]
    if datetime.date.fromisoformat(sunset) > today:
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {name} được hứa phục vụ đến {sunset}; chỉ được dừng sau ngày đó.",
            en=f"Service {name} is promised until {sunset}; retire it after that day.",
        )


def _check_edit(name: str, phase: Phase | None, old: Any, new: Any, operator: bool) -> None:
    who = EDITS.get(phase) if phase else None
    if who is None:
        raise Refusal(
            "step-not-allowed",
            vi=f"Hợp đồng {name} ở giai đoạn {phase} không được sửa; hãy đưa về draft trước.",
            en=f"The contract of {name} cannot be changed while it is {phase}; make it a draft first.",
        )
    if who == "operator" and not operator:
        raise _operator_needed(name, "sửa hợp đồng đã công bố", "change a published contract; ask one")
    before, after = Contract.from_document(old, name), Contract.from_document(new, name)
    if not operator and _lowered(before, after):
        raise _operator_needed(name, "hạ mức phân loại", "lower a classification; ask one")
    if phase in IN_FORCE:
        _check_version(name, before, after)


def _check_version(name: str, before: Contract, after: Contract) -> None:
    if _numbers(after) <= _numbers(before):
        raise Refusal(
            "contract-incompatible",
            vi=f"Phiên bản mới của {name} phải cao hơn {before.version}, không phải {after.version}.",
            en=f"The new version of {name} must be higher than {before.version}, not {after.version}.",
        )
    broken = breaks(before, after)
    if broken:
        first = broken[0]
        raise Refusal(
            "contract-incompatible",
            vi=f"{name} {after.version} phá vỡ bản {before.version} ở {first.pointer}: {first.message.vi}; hãy công bố phiên bản chính mới.",
            en=f"{name} {after.version} breaks {before.version} at {first.pointer}: {first.message.en}; publish a new major version.",
            violations=broken,
        )


def _lowered(before: Contract, after: Contract) -> bool:
    if _RANKS[after.classification] < _RANKS[before.classification]:
        return True
    return any(
        name in after.operations and _RANKS[after.operations[name].classification] < _RANKS[operation.classification]
        for name, operation in before.operations.items()
    )


def _numbers(contract: Contract) -> tuple[int, ...]:
    return tuple(map(int, contract.version.split(".")))


def _operator_needed(name: str, vi: str, en: str) -> Refusal:
    return Refusal(
        "not-granted",
        vi=f"Dịch vụ {name}: chỉ người vận hành trục mới được {vi}.",
        en=f"Service {name}: only an operator of the bus may {en}.",
    )
