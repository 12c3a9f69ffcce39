"""Renewal of a grant: a successor with the same content, from the day after the end of the grant, under a name of its own.

Grants are approved for their period, so a renewal is requested and approved like any grant. The old grant holds until its end, and
the successor from then on: no call falls between the two.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from lgsp_contracts.names import MAX_NAME, DocumentName
from lgsp_gateway.registry.lifecycle.grants import phase_of
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

_NUMBERED = re.compile(r"-r([0-9]+)\Z")
_RENEWABLE = ("in-force", "suspended")
_ENDED = ("denied", "revoked")


def successor_of(name: str, registry: RegistrySnapshot) -> str:
    """Return the grant that succeeds a grant, requested or in force; empty where there is none."""
    index = registry.index["Grant"]
    facts = index.facts.get(DocumentName(name))
    if facts is None:
        return ""
    named = index.names("consumer", facts.consumer)
    return next((one for one in named if index.facts[one].renews == name and index.facts[one].phase not in _ENDED), "")


def successor(
    name: str,
    spec: Mapping[str, Any],
    status: Mapping[str, Any],
    until: str,
    today: datetime.date,
    registry: RegistrySnapshot,
) -> dict[str, Any]:
    """Return the document of the grant that is to succeed a grant.

    Args:
        name, spec, status: of the grant.
        until: the last day of the successor (ISO 8601); empty for a year after the end of the grant.

    Raises:
        Refusal: `step-not-allowed`, `already-exists` or `malformed`.
    """
    phase = phase_of(status)
    if phase not in _RENEWABLE:
        raise Refusal(
            "step-not-allowed",
            vi=f"Quyền này đang ở giai đoạn {phase} nên không gia hạn được; hãy yêu cầu một quyền mới.",
            en=f"This grant is {phase} and cannot be renewed; request a new grant.",
        )
    if existing := successor_of(name, registry):
        raise Refusal(
            "already-exists",
            vi=f"Quyền này đã được gia hạn bằng quyền {existing}; hãy xem quyền đó.",
            en=f"This grant is already renewed by grant {existing}; see that grant.",
        )
    end = datetime.date.fromisoformat(spec["validUntil"])
    first = max(today, end + datetime.timedelta(days=1))
    last = until or _a_year_after(max(today, end)).isoformat()
    if last < first.isoformat():
        raise Refusal(
            "malformed",
            vi=f"until phải từ ngày {first.isoformat()} trở đi, khi quyền hiện tại kết thúc; hãy sửa lại.",
            en=f"`until` must be {first.isoformat()} or later, when the present grant has ended; correct it.",
        )
    new_spec = {**spec, "validFrom": first.isoformat(), "validUntil": last}
    new_name = _free_name(name, lambda one: _is_taken(one, registry))
    return {"apiVersion": "lgsp/v1", "kind": "Grant", "metadata": {"name": new_name}, "spec": new_spec}


def _free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    match = _NUMBERED.search(name)
    stem, number = (name[: match.start()], int(match[1])) if match else (name, 1)
    while True:
        number += 1
        candidate = f"{stem[: MAX_NAME - len(str(number)) - 2].rstrip('-')}-r{number}"
        if not is_taken(candidate):
            return candidate


def _is_taken(name: str, registry: RegistrySnapshot) -> bool:
    return name in registry.versions["Grant"] or registry.readers_of_deleted("Grant", name) is not None


def _a_year_after(day: datetime.date) -> datetime.date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + 1, day=28)
