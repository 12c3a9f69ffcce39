"""What a role is made of is guarded like the role: whoever replaces the key of an operator is one.

So of a system that has roles, keys, secret, agency and existence are changed by an operator only; and so are its tokens
ended, since whoever ends an operator's tokens again and again is not stopped by one.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_gateway.registry.documents import is_same_json
from lgsp_problems import Refusal

MADE_OF = ("roles", "jwks", "secretSha256", "agency")
"""The parts of a system's document that make up who it is and what it may."""


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    """Return which of these parts differ."""
    return [part for part in MADE_OF if not is_same_json((before or {}).get(part), (after or {}).get(part))]


def check(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    """May somebody who is no operator make this change of a system?

    Args:
        before, after: its spec; None where it is not there.

    Raises:
        Refusal: `not-granted`.
    """
    old, new = (set((spec or {}).get("roles", ())) for spec in (before, after))
    if after is not None and old != new:
        raise Refusal(
            "not-granted",
            vi="Chỉ người vận hành trục (vai trò operator) mới được thay đổi vai trò của hệ thống.",
            en="Only an operator of the bus may change the roles of a system; ask one.",
        )
    if old and (after is None or changed(before, after)):
        raise Refusal(
            "not-granted",
            vi="Hệ thống này có vai trò trên trục nên chỉ người vận hành trục mới được đổi khóa, mật khẩu, cơ quan của nó hoặc xóa nó; hãy nhờ họ.",
            en="This system has roles on the bus, so only an operator may change its keys, secret or agency, or delete it; ask one.",
        )


def check_end(spec: Mapping[str, Any]) -> None:
    """May somebody who is neither an operator nor the system itself end its tokens?

    Raises:
        Refusal: `not-granted`.
    """
    if spec.get("roles"):
        raise Refusal(
            "not-granted",
            vi="Hệ thống này có vai trò trên trục nên chỉ chính nó hoặc người vận hành trục mới được chấm dứt các mã truy cập của nó; hãy nhờ họ.",
            en="This system has roles on the bus, so only itself or an operator may end its tokens; ask an operator.",
        )
