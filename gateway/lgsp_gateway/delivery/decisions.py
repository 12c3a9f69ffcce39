"""Who stopped, resumed or deleted what belongs to a system (a webhook endpoint, a subscription, an adapter), and who may.

Its owner decides everything: the system, and the people of its agency who look after it. An operator of the bus may stop or delete what does harm, for a reason that the owner reads; an operator never
learns a secret, leads events elsewhere, nor has anything passed over or sent again. What one side stopped, that side alone lets go on: a
system whose receiver was broken into stays stopped until it says so itself.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_contracts.names import SystemName
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog

Role = Literal["owner", "operator", "receiver"]
"""As what somebody decided; `receiver` is the subscriber's endpoint, which answered 410."""

MAX_REASON = 500
"""Characters of a reason."""

RECEIVER_ROLES = ("agency-admin", "developer")
"""The roles of people who decide about what their agency's systems receive."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is.

    Args:
        system: what it belongs to.
        agency: the code of the agency of the system; "" where the registry knows no such system.
        roles: people of the agency with one of these act for the system.
    """

    system: SystemName
    agency: str
    roles: tuple[str, ...] = RECEIVER_ROLES

    def includes(self, caller: Principal) -> bool:
        """Tell whether a caller is the owner: the system by itself, or one of its people."""
        return caller.is_system(self.system) or (bool(caller.person) and self._has_role(caller))

    def _has_role(self, caller: Principal) -> bool:
        return bool(self.agency) and caller.agency == self.agency and caller.has_role(*self.roles)


def receiver(registry: RegistrySnapshot, system: SystemName) -> Owner:
    """Return the owner of the endpoints and subscriptions of a system."""
    registered = registry.systems.get(system)
    return Owner(system, registered.agency if registered else "")


def managing_owner(caller: Principal, registry: RegistrySnapshot, system: str) -> SystemName:
    """Return the system for which a caller makes something that receives.

    Args:
        system: as the caller names it; "" for the calling system.

    Raises:
        Refusal: `malformed`, where a person names no system; `not-granted`, where the caller does not act for the system.
    """
    named = SystemName(system or caller.own_system)
    if not named:
        raise Refusal(
            "malformed",
            vi="Hãy nêu system: hệ thống của cơ quan bạn sẽ nhận.",
            en="Name the `system` of your agency that is to receive.",
        )
    if not receiver(registry, named).includes(caller):
        raise Refusal(
            "not-granted",
            vi=f"Chỉ hệ thống {named}, hoặc quản trị viên và nhà phát triển của cơ quan nó, tạo được việc này; hãy nhờ họ.",
            en=f"Only the system {named}, or an administrator or developer of its agency, may create this; ask them.",
        )
    return named


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision, as its owner is told of it.

    Args:
        by: the principal, as histories name it; "" for the receiver.
        at: in seconds since 1970.
        reason: in the words of whoever decided; may be "" where the owner did.
    """

    by: str
    role: Role
    at: float
    reason: str = ""

    @classmethod
    def of(cls, caller: Principal, owner: Owner, reason: str) -> Self:
        """Take a decision.

        Raises:
            Refusal: `malformed`, where an operator gives no reason.
        """
        reason = reason.strip()[:MAX_REASON]
        if owner.includes(caller):
            return cls(str(caller), "owner", time.time(), reason)
        if not reason:
            raise Refusal(
                "malformed",
                vi="Người vận hành phải nêu lý do, để hệ thống sở hữu đọc được; hãy thêm reason (trên dòng lệnh: -m).",
                en="An operator must give a reason, which the owning system reads; add `reason` (on the command line: -m).",
            )
        return cls(str(caller), "operator", time.time(), reason)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read what `stored` returned.

        Raises:
            TypeError: it is none.
        """
        return cls(**document)

    def stored(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"by": self.by, "role": self.role, "at": iso_time(self.at), **reason}


def require_owner(caller: Principal, owner: Owner) -> None:
    """Refuse what only the owner may do.

    Raises:
        Refusal: `not-granted`.
    """
    if not owner.includes(caller):
        raise Refusal(
            "not-granted",
            vi=f"Chỉ hệ thống {owner.system} và người của cơ quan nó làm được việc này; người vận hành chỉ được tạm dừng, cho chạy tiếp việc mà người vận hành đã dừng, hoặc xóa.",
            en=f"Only the system {owner.system} and the people of its agency may do this; an operator may pause, resume what an operator paused, or delete.",
        )


def require_same_side(caller: Principal, owner: Owner, stopped: Decision | None) -> None:
    """Refuse to pause or resume what the other side stopped.

    Args:
        stopped: the decision that stopped it; None where it was not stopped.

    Raises:
        Refusal: `step-not-allowed`.
    """
    is_owner = owner.includes(caller)
    if stopped is None or (stopped.role == "operator") != is_owner:
        return
    if is_owner and not caller.has_role(OPERATOR):
        raise Refusal(
            "step-not-allowed",
            vi="Người vận hành đã dừng mục này nên chỉ người vận hành đổi được; hãy đọc lý do rồi liên hệ họ.",
            en="An operator of the bus stopped this, so only an operator changes that; read the reason and ask them.",
        )
    if not is_owner:
        raise Refusal(
            "step-not-allowed",
            vi=f"Hệ thống {owner.system} hoặc nơi nhận của nó đã dừng mục này nên chỉ bên đó đổi được; hãy liên hệ họ.",
            en=f"The system {owner.system}, or its receiver, stopped this, so only that side changes that; ask its people.",
        )


def require_operator_where_stopped(caller: Principal, owner: Owner, stopped: Decision | None) -> None:
    """Refuse an owner what would undo an operator's stop: to delete or remake what is stopped.

    Args:
        stopped: the decision that stopped it; None where it was not stopped.

    Raises:
        Refusal: `step-not-allowed`.
    """
    if stopped is None or stopped.role != "operator" or not owner.includes(caller) or caller.has_role(OPERATOR):
        return
    raise Refusal(
        "step-not-allowed",
        vi="Người vận hành đã dừng mục này nên hệ thống sở hữu không xóa hay tạo lại nó dưới tên khác được; hãy đọc lý do rồi liên hệ họ.",
        en="An operator of the bus stopped this, so its owner may neither delete it nor make it again under another name; read the reason and ask them.",
    )


def log_decision(
    security: SecurityLog, caller: Principal, action: str, description: str, name: str, reason: str = ""
) -> None:
    """Write a decision into the security log.

    Args:
        action: of the event.
        name: of what was decided about, with its owner: `OWNER/NAME`.
    """
    security.event(
        action,
        "success",
        "configuration",
        description,
        user__name=str(caller),
        user__id=caller.person,
        organization__id=caller.agency,
        event__reason=reason,
        lgsp__name=name,
    )
