"""Authorization of a call by grants: whether a system may make this call, now, for this purpose. Only grants allow calls.

The order of the checks determines what a caller learns: a missing grant is reported before a missing purpose, and each refusal says
how to obtain what is missing. A service that is hidden from systems without a grant does not exist for them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `requests` calls in each window of `seconds`."""

    requests: int
    seconds: int


class Suspension(NamedTuple):
    """Why a grant is suspended.

    Args:
        reason: as it was given.
        until: the expected end (ISO 8601); may be empty.
        by: for whom the one who suspended it acted; empty where that is not known.
    """

    reason: str
    until: str
    by: Literal["provider", "operator", ""] = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """Which operations of a service one consumer may call, for which purposes, seeing which fields, until when.

    Args:
        operations: maps an operation to the visible fields of its response (JSON Pointers).
        valid_from, valid_until: seconds since 1970.
        daily: a second quota, in calls per day; 0 where there is none.
        on_behalf_of: `citizen`, `officer` or `anyone` where a call needs the token of a person; otherwise empty.
        sender_constrained: whether only tokens that are bound to a key are accepted.
        suspended: why, while the grant is suspended.
        shows_personal: whether the grant is approved for personal data.
    """

    name: str
    consumer: str
    service: str
    major: int
    operations: Mapping[str, tuple[str, ...]]
    purposes: frozenset[str]
    legal_basis: str
    valid_from: float
    valid_until: float
    quota: Quota
    daily: int = 0
    on_behalf_of: str = ""
    sender_constrained: bool = False
    suspended: Suspension | None = None
    shows_personal: bool = True

    def in_force(self, now: float) -> bool:
        """Tell whether the grant is valid at a time (seconds since 1970)."""
        return self.valid_from <= now < self.valid_until


class CallDenied(Refusal):
    """The caller may not make this call at all, whatever its document contains. Each is reported in the security log."""


class NotGranted(CallDenied):
    """No grant in force allows the operation, or none for the purpose."""


class AuthorizationRequest(NamedTuple):
    """The authorization request of a call. `purpose` is empty where none was sent; `personal` comes from the contract."""

    consumer: str
    service: str
    major: int
    operation: str
    purpose: str
    personal: bool


def decide(request: AuthorizationRequest, grants: Collection[Grant], now: float) -> Grant:
    """Find the grant that allows a call.

    Args:
        grants: the consumer's grants for the service.

    Raises:
        Refusal: `not-granted`, `malformed` (no purpose sent), `purpose-not-granted` or `grant-suspended`.
    """
    valid = [grant for grant in grants if grant.in_force(now) and request.operation in grant.operations]
    if not valid:
        raise _not_granted(request)
    approved = [grant for grant in valid if grant.shows_personal or not request.personal]
    if not approved:
        raise _not_approved(valid[0])
    if request.personal and not request.purpose:
        raise _purpose_missing(approved)
    for_purpose = [grant for grant in approved if request.purpose in grant.purposes or not request.purpose]
    if not for_purpose:
        raise _purpose_not_granted(request, approved)
    usable = next((grant for grant in for_purpose if grant.suspended is None), None)
    if usable is None:
        raise _suspended(for_purpose[0])
    return usable


def unknown_service(service: str, major: int) -> Refusal:
    """Create the refusal for a service that does not exist, or that is hidden from this caller."""
    name = f"{service} v{major}" if service else "/services/{service}/v{major}/{operation}"
    return CallDenied(
        "unknown-service",
        vi=f"Không có dịch vụ {name}; hãy xem các dịch vụ ở /catalog/services.",
        en=f"There is no service {name}; see /catalog/services for the services that exist.",
    )


def token_not_bound(grant: Grant) -> Refusal:
    """Create the refusal of a token without a key binding, which a thief could use."""
    return CallDenied(
        "token-not-bound",
        vi=f"Quyền {grant.name} chỉ nhận mã truy cập gắn với khóa; hãy lấy mã kèm tiêu đề DPoP (RFC 9449).",
        en=f"Grant {grant.name} accepts only tokens that are bound to a key; request one with a DPoP header (RFC 9449).",
    )


def person_required(grant: Grant) -> Refusal:
    """Create the refusal of a call that must be made on behalf of a person, and was not."""
    vi = {"citizen": "công dân", "officer": "cán bộ"}.get(grant.on_behalf_of, "một người")
    en = {"citizen": "a citizen", "officer": "an officer"}.get(grant.on_behalf_of, "a person")
    return CallDenied(
        "person-required",
        vi=f"Quyền {grant.name} chỉ dùng được thay mặt {vi}; hãy gửi mã của người đó trong Lgsp-On-Behalf-Of.",
        en=f"Grant {grant.name} allows calls only on behalf of {en}; send that person's token in Lgsp-On-Behalf-Of.",
    )


def _not_granted(request: AuthorizationRequest) -> Refusal:
    operation = f"{request.service} v{request.major}/{request.operation}"
    return NotGranted(
        "not-granted",
        vi=f"Hệ thống {request.consumer} chưa có quyền khai thác {operation}; hãy gửi đề nghị cấp quyền; trang của dịch vụ ở /catalog/services/{request.service}/v{request.major} cho biết cách gửi và hỏi ai.",
        en=f"System {request.consumer} holds no grant in force for {operation}; request one; the page /catalog/services/{request.service}/v{request.major} says how, and whom to ask.",
    )


def _not_approved(grant: Grant) -> Refusal:
    """Create the refusal for an operation that became personal after its grant was approved."""
    return CallDenied(
        "not-granted",
        vi=f"Quyền {grant.name} chưa được phê duyệt cho dữ liệu cá nhân; hãy đề nghị đơn vị cung cấp và người vận hành trục phê duyệt.",
        en=f"Grant {grant.name} is not approved for personal data; ask the provider and an operator of the bus to approve it.",
    )


_SUSPENDED_BY = {
    "provider": ("đơn vị cung cấp tạm dừng", "suspended by the provider", "đơn vị cung cấp", "the provider"),
    "operator": ("người vận hành trục tạm dừng", "suspended by an operator of the bus", "họ", "them"),
    "": ("tạm dừng", "suspended", "đơn vị cung cấp hoặc người vận hành trục", "the provider or an operator of the bus"),
}


def _suspended(grant: Grant) -> Refusal:
    reason, until, by = grant.suspended or Suspension("", "")
    vi, en, ask_vi, ask_en = _SUSPENDED_BY[by]
    why = f" ({reason})" if reason else ""
    return Refusal(
        "grant-suspended",
        vi=f"Quyền {grant.name} đang bị {vi}{f' đến {until}' if until else ''}{why}; hãy liên hệ {ask_vi}.",
        en=f"Grant {grant.name} is {en} until {until or 'further notice'}{why}; ask {ask_en}.",
    )


def _purpose_missing(grants: list[Grant]) -> Refusal:
    return Refusal(
        "malformed",
        vi=f"Thao tác này đọc dữ liệu cá nhân nên phải nêu mục đích: gửi Lgsp-Purpose với một trong: {_purposes(grants)}.",
        en=f"This operation reads personal data, so a purpose is required: send Lgsp-Purpose with one of: {_purposes(grants)}.",
    )


def _purpose_not_granted(request: AuthorizationRequest, grants: list[Grant]) -> Refusal:
    return NotGranted(
        "purpose-not-granted",
        vi=f"Hệ thống {request.consumer} được khai thác thao tác này cho mục đích: {_purposes(grants)}; hãy gửi một trong số đó, hoặc đề nghị cấp thêm mục đích.",
        en=f"System {request.consumer} may call this for: {_purposes(grants)}; send one of them, or request a grant for the purpose that you need.",
    )


def _purposes(grants: list[Grant]) -> str:
    return ", ".join(sorted({purpose for grant in grants for purpose in grant.purposes}))
