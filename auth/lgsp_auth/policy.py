"""Authorization by grants: whether a system may make this call, or receive this event, now, for this purpose. Only grants allow it.

The order of the checks determines what a caller learns: a missing grant is reported before a missing purpose, and each refusal says
how to obtain what is missing. A service that is hidden from systems without a grant does not exist for them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `requests` calls in each window of `seconds`."""

    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Officer:
    """A person in the role of an officer, who calls by the form system of their agency.

    Args:
        person: the opaque id.
        positions: that the officer holds in the agency.
        through: the system that signed the officer in and acts in their name, such as a portal; "" for the bus's own console and commands.
    """

    person: str
    positions: frozenset[str] = frozenset()
    through: str = ""


@dataclass(frozen=True, slots=True)
class Officers:
    """The officers of an agency to whom a grant opens forms: those in one of the positions, and these persons; all where neither is named.

    Args:
        quota: how often each of them may call; None for no limit beside that of the grant.
    """

    positions: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    quota: Quota | None = None

    def include(self, officer: Officer) -> bool:
        """Tell whether an officer of the agency is one of them."""
        if not (self.positions or self.persons):
            return True
        return officer.person in self.persons or not self.positions.isdisjoint(officer.positions)


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
    """Which operations of a service one consumer may call and which events it may receive, for which purposes, seeing which fields, until when.

    Args:
        operations: maps an operation to the visible fields of its response (JSON Pointers).
        valid_from, valid_until: seconds since 1970.
        daily: a second quota, in calls per day; 0 where there is none.
        on_behalf_of: `citizen`, `officer` or `anyone` where a call needs the token of a person; otherwise empty.
        sender_constrained: whether only tokens that are bound to a key are accepted.
        suspended: why, while the grant is suspended.
        shows_personal: whether the grant is approved for personal data.
        events: maps an event to the visible fields of its data (JSON Pointers).
        file_types, max_file_bytes: what files in its requests may be, beside the limits of the contract; empty and 0 for no further limit.
        officers: the officers who may use it by forms; None for a grant of a system that calls by itself.
        reference_required: whether each call must name its dossier.
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
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file_types: tuple[str, ...] = ()
    max_file_bytes: int = 0
    officers: Officers | None = None
    reference_required: bool = False

    def is_for(self, officer: Officer | None) -> bool:
        """Tell whether it is for this officer, or, where there is none, for a system that calls by itself."""
        return (
            (self.officers is None)
            if officer is None
            else (self.officers is not None and self.officers.include(officer))
        )

    def in_force(self, now: float) -> bool:
        """Tell whether the grant is valid at a time (seconds since 1970)."""
        return self.valid_from <= now < self.valid_until


class NamesExchanges(Protocol):
    """A grant, in force or not: the names of the operations and events that it allows."""

    @property
    def operations(self) -> Collection[str]:
        """Return the operations, by name."""

    @property
    def events(self) -> Collection[str]:
        """Return the events, by name."""


class CallDenied(Refusal):
    """The caller may not make this call at all, whatever its document contains. Each is reported in the security log."""


class NotGranted(CallDenied):
    """No grant in force allows the operation, or none for the purpose."""


class AuthorizationRequest(NamedTuple):
    """The authorization request of a call. `purpose` is empty where none was sent; `personal` comes from the contract.

    Args:
        officer: who asks by the form system of an agency; None where a system asks by itself.
    """

    consumer: str
    service: str
    major: int
    operation: str
    purpose: str
    personal: bool
    officer: Officer | None = None

    def is_named_by(self, grant: NamesExchanges) -> bool:
        """Tell whether a grant names the operation, whatever else it says."""
        return self.operation in grant.operations

    @property
    def path(self) -> str:
        """Return how refusals name the operation: `population v1/verify-citizen`."""
        return f"{self.service} v{self.major}/{self.operation}"


class EventAuthorizationRequest(NamedTuple):
    """The authorization request of a subscription to an event, and of each of its deliveries."""

    consumer: str
    service: str
    major: int
    event: str
    purpose: str
    personal: bool

    @property
    def officer(self) -> Officer | None:
        """Return None: only systems receive events."""
        return None

    def is_named_by(self, grant: NamesExchanges) -> bool:
        """Tell whether a grant names the event, whatever else it says."""
        return self.event in grant.events

    @property
    def path(self) -> str:
        """Return how refusals name the event: `population v1/events/citizen-moved`."""
        return f"{self.service} v{self.major}/events/{self.event}"


def decide(request: AuthorizationRequest | EventAuthorizationRequest, grants: Collection[Grant], now: float) -> Grant:
    """Find the grant that allows a call or a subscription.

    Args:
        grants: the consumer's grants for the service.

    Raises:
        Refusal: `not-granted`, `malformed` (no purpose sent), `purpose-not-granted` or `grant-suspended`.
    """
    named = [grant for grant in grants if request.is_named_by(grant) and grant.is_for(request.officer)]
    valid = [grant for grant in named if grant.in_force(now)]
    if not valid:
        raise _not_granted(request)
    approved = [grant for grant in valid if grant.shows_personal or not request.personal]
    if not approved:
        raise _not_approved(valid[0])
    if request.personal and not request.purpose:
        raise _purpose_missing(request, approved)
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


def reference_required(grant: Grant) -> Refusal:
    """Create the refusal of a call that must name its dossier, and does not."""
    return Refusal(
        "reference-invalid",
        vi=f"Quyền {grant.name} yêu cầu mã hồ sơ cho mỗi lần khai thác; hãy nêu mã hồ sơ trong Lgsp-Reference.",
        en=f"Grant {grant.name} requires the number of the dossier with each call; send it in Lgsp-Reference.",
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


def _not_granted(request: AuthorizationRequest | EventAuthorizationRequest) -> Refusal:
    if request.officer:
        return NotGranted(
            "not-granted",
            vi=f"Không có quyền khai thác nào còn hiệu lực mở biểu mẫu {request.path} cho bạn; hãy nhờ quản trị viên của cơ quan đề nghị cấp quyền.",
            en=f"No grant in force opens the form {request.path} to you; ask the administrator of your agency to request one.",
        )
    return NotGranted(
        "not-granted",
        vi=f"Hệ thống {request.consumer} chưa có quyền khai thác {request.path}; hãy gửi đề nghị cấp quyền; trang của dịch vụ ở /catalog/services/{request.service}/v{request.major} cho biết cách gửi và hỏi ai.",
        en=f"System {request.consumer} holds no grant in force for {request.path}; request one; the page /catalog/services/{request.service}/v{request.major} says how, and whom to ask.",
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


def _purpose_missing(request: AuthorizationRequest | EventAuthorizationRequest, grants: list[Grant]) -> Refusal:
    if isinstance(request, EventAuthorizationRequest):
        return Refusal(
            "malformed",
            vi=f"Sự kiện {request.path} mang dữ liệu cá nhân nên phải nêu mục đích: thêm purpose với một trong: {_purposes(grants)}.",
            en=f"The event {request.path} carries personal data, so a purpose is required: set purpose to one of: {_purposes(grants)}.",
        )
    if request.officer:
        return Refusal(
            "malformed",
            vi=f"Biểu mẫu này đọc dữ liệu cá nhân nên phải nêu mục đích; hãy chọn một trong: {_purposes(grants)}.",
            en=f"This form reads personal data, so a purpose is required; choose one of: {_purposes(grants)}.",
        )
    return Refusal(
        "malformed",
        vi=f"Thao tác này đọc dữ liệu cá nhân nên phải nêu mục đích: gửi Lgsp-Purpose với một trong: {_purposes(grants)}.",
        en=f"This operation reads personal data, so a purpose is required: send Lgsp-Purpose with one of: {_purposes(grants)}.",
    )


def _purpose_not_granted(request: AuthorizationRequest | EventAuthorizationRequest, grants: list[Grant]) -> Refusal:
    if isinstance(request, EventAuthorizationRequest):
        return NotGranted(
            "purpose-not-granted",
            vi=f"Hệ thống {request.consumer} được nhận sự kiện này cho mục đích: {_purposes(grants)}; hãy nêu một trong số đó, hoặc đề nghị cấp thêm mục đích.",
            en=f"System {request.consumer} may receive this event for: {_purposes(grants)}; name one of them, or request a grant for the purpose that you need.",
        )
    if request.officer:
        return NotGranted(
            "purpose-not-granted",
            vi=f"Bạn được dùng biểu mẫu này cho mục đích: {_purposes(grants)}; hãy chọn một trong số đó.",
            en=f"You may use this form for: {_purposes(grants)}; choose one of them.",
        )
    return NotGranted(
        "purpose-not-granted",
        vi=f"Hệ thống {request.consumer} được khai thác thao tác này cho mục đích: {_purposes(grants)}; hãy gửi một trong số đó, hoặc đề nghị cấp thêm mục đích.",
        en=f"System {request.consumer} may call this for: {_purposes(grants)}; send one of them, or request a grant for the purpose that you need.",
    )


def _purposes(grants: list[Grant]) -> str:
    return ", ".join(sorted({purpose for grant in grants for purpose in grant.purposes}))
