"""Why a system has no grant for a call: it waits for somebody, was denied or revoked, or ended. Only the system itself is told.

Without this, a developer whose request waits would read that there is no grant, and request it again.
"""

import datetime

from lgsp_auth.policy import AuthorizationRequest, EventAuthorizationRequest, Grant, NotGranted
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry.inactive_grants import InactiveGrant, latest
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Text, on_one_line

AnyRequest = AuthorizationRequest | EventAuthorizationRequest


def explain(refusal: NotGranted, request: AnyRequest, registry: RegistrySnapshot, now: float) -> NotGranted:
    """Return the refusal of a call or a subscription, with what has become of a grant that would allow it; the same where there is none.

    Args:
        refusal: of what no grant in force allows.
        now: in seconds since 1970.
    """
    named = request.consumer, request.service, request.major
    inactive = [grant for grant in registry.inactive_grants.held(*named) if _would_allow(grant, request)]
    waiting = [grant for grant in inactive if grant.phase not in ("denied", "revoked")]
    grant = latest(waiting) or latest(inactive)
    outside = [grant for grant in registry.grants_held(*named) if _is_outside(grant, request, now)]
    if grant is not None and (grant.phase not in ("denied", "revoked") or not outside):
        reason = _of_phase(grant, registry, request)
    elif outside:
        reason = _of_validity(max(outside, key=lambda held: held.valid_until), now)
    else:
        return refusal
    verb = Text("nhận", "receive") if isinstance(request, EventAuthorizationRequest) else Text("gọi", "call")
    return NotGranted(
        refusal.code,
        vi=f"Hệ thống {request.consumer} chưa được {verb.vi} {request.path}: {reason.vi}.",
        en=f"System {request.consumer} may not {verb.en} {request.path} now: {reason.en}.",
    )


def _would_allow(grant: InactiveGrant, request: AnyRequest) -> bool:
    return request.is_named_by(grant) and (not request.purpose or request.purpose in grant.purposes)


def _is_outside(grant: Grant, request: AnyRequest, now: float) -> bool:
    """Tell whether a grant would allow a call at another time."""
    for_purpose = not request.purpose or request.purpose in grant.purposes
    return not grant.in_force(now) and request.is_named_by(grant) and for_purpose


def _of_phase(grant: InactiveGrant, registry: RegistrySnapshot, request: AnyRequest) -> Text:
    name, day = grant.name, _day(grant.since)
    agency = _provider(registry, request)
    if grant.phase == "awaiting-operator":
        return Text(
            f"quyền {name} đã được cơ quan cung cấp phê duyệt ngày {day}, đang chờ người vận hành trục phê duyệt",
            f"grant {name} was approved by the provider on {day} and waits for an operator of the bus",
        )
    if grant.phase == "awaiting-provider":
        return Text(
            f"quyền {name} đã được người vận hành trục phê duyệt ngày {day}, đang chờ cơ quan cung cấp phê duyệt: {agency.vi}",
            f"grant {name} was approved by an operator of the bus on {day} and waits for the provider: {agency.en}",
        )
    why = f" ({on_one_line(grant.reason)})" if grant.reason else ""
    if grant.phase == "denied":
        return Text(
            f"đề nghị {name} đã bị từ chối ngày {day}{why}; hãy sửa rồi đề nghị lại",
            f"request {name} was denied on {day}{why}; correct it and request it again",
        )
    if grant.phase == "revoked":
        return Text(
            f"quyền {name} đã bị thu hồi ngày {day}{why}; nếu vẫn cần, hãy gửi đề nghị mới",
            f"grant {name} was revoked on {day}{why}; if it is still needed, send a new request",
        )
    return Text(
        f"đề nghị {name} gửi ngày {day} đang chờ cơ quan cung cấp phê duyệt: {agency.vi}",
        f"grant {name}, requested on {day}, waits for the provider: {agency.en}",
    )


def _of_validity(grant: Grant, now: float) -> Text:
    if now < grant.valid_from:
        day = _day(grant.valid_from)
        return Text(
            f"quyền {grant.name} có hiệu lực từ ngày {day}; hãy gọi từ ngày đó",
            f"grant {grant.name} is valid from {day}; call from that day on",
        )
    day = _day(grant.valid_until - 1)
    return Text(
        f"quyền {grant.name} đã hết hạn sau ngày {day}; hãy đề nghị gia hạn",
        f"grant {grant.name} was valid until {day}; request a longer one",
    )


def _provider(registry: RegistrySnapshot, request: AnyRequest) -> Text:
    """Return the agency that provides a service, which its page in the catalogue names too."""
    contract = registry.summary(request.service, request.major)
    system = registry.systems.get(contract.provider) if contract else None
    if system is None:
        return Text("đơn vị cung cấp dịch vụ", "the agency of the service")
    title = registry.agencies.get(system.agency)
    return (
        Text(f"{title.vi} ({system.agency})", f"{title.en} ({system.agency})") if title else Text(*[system.agency] * 2)
    )


def _day(moment: float) -> str:
    """Return the day of a time in Vietnam, as ISO 8601 writes it."""
    return datetime.datetime.fromtimestamp(moment, VIETNAM).date().isoformat()
