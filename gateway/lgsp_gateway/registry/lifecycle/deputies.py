"""Naming a deputy, and consenting to it: who may, and whom.

A deputy decides as an approver does, so they are made like one: by two who are not the deputy. The operator who names them cannot be the
one who linked their account, unless the deputy is an approver already, whom two have seen; and the approver consents.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from lgsp_auth.principal import Principal, person_name
from lgsp_gateway.registry import deputies
from lgsp_gateway.registry.approver_roles import APPROVING_ROLES
from lgsp_gateway.registry.lifecycle.persons import Editor, Status, refuse_one_pair_of_eyes
from lgsp_problems import Refusal

MAX_DAYS = 366
"""From the first to the last day."""


def named(
    name: str, spec: Mapping[str, Any], deputy: tuple[Mapping[str, Any], Status] | None, editor: Editor, today: str
) -> Status:
    """Return what the status of a person says of the deputy that somebody names in their document.

    Args:
        name: the id of the person.
        spec: of their document, with the deputy.
        deputy: spec and status of the deputy's document; None where there is none.

    Raises:
        Refusal: `invalid-document` or `not-granted`.
    """
    chosen = spec["deputy"]
    _check_days(chosen["from"], chosen["until"], today)
    if deputy is None or deputy[1].get("phase") != "active":
        raise Refusal(
            "invalid-document",
            vi="/spec/deputy/person: không có người này hoặc người này chưa hoạt động trên trục; hãy đăng ký và liên kết tài khoản của họ trước.",
            en="/spec/deputy/person: there is no such person, or they are not active; register them and link their account first.",
        )
    if person_name(chosen["person"]) in editor.principal.accountable | {person_name(name)}:
        raise Refusal(
            "not-granted",
            vi="Không ai được chỉ định chính mình làm người thay thế; hãy chọn người khác, hoặc nhờ một người vận hành trục khác chỉ định.",
            en="Nobody names themselves as a deputy; choose another person, or ask another operator of the bus to name you.",
        )
    if not APPROVING_ROLES.intersection(deputy[0]["roles"]):
        refuse_one_pair_of_eyes(deputy[1], editor)
    return deputies.naming(spec, deputy[1].get("generation", 0))


def consented(status: Status, principal: Principal, deputy: deputies.Deputy | None, state: str) -> Status:
    """Return the status of an approver who consents to their deputy.

    Args:
        principal: the approver.
        deputy: whom their document names; None for nobody.
        state: of this deputy now.

    Raises:
        Refusal: `step-not-allowed`.
    """
    if deputy is None or not principal.person or state in ("ended", "void"):
        raise Refusal(
            "step-not-allowed",
            vi="Hồ sơ của bạn hiện không có người thay thế nào chờ bạn đồng ý; hãy nhờ người vận hành trục chỉ định lại.",
            en="Your document names no deputy to whom you could consent now; ask an operator of the bus to name one.",
        )
    return {**status, deputies.CONSENTED: status[deputies.NAMED]}


def withdrawn(status: Status) -> Status:
    """Return the status of an approver who consents no more."""
    return {key: value for key, value in status.items() if key != deputies.CONSENTED}


def _check_days(first: str, last: str, today: str) -> None:
    days = (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days
    if days < 0 or days > MAX_DAYS or last < today:
        raise Refusal(
            "invalid-document",
            vi=f"/spec/deputy/until: phải từ hôm nay trở đi, không trước from và không quá {MAX_DAYS} ngày sau đó; hãy sửa lại.",
            en=f"/spec/deputy/until: must be today or later, and from 0 to {MAX_DAYS} days after `from`; correct it.",
        )
