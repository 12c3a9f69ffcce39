"""Where people approve personal data, and systems do so no more.

Once an agency has had an administrator who is a person, or the bus an operator who is one, that stays so: ending them all, or
taking their role, does not bring the approvals of systems back. Operators, who are persons then, register another one.
"""

from lgsp_auth.principal import Principal
from lgsp_gateway.registry import approver_roles
from lgsp_gateway.registry.approvals import Approver
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


def ranks_left_to_persons(
    caller: Principal, provider: frozenset[str], registry: RegistrySnapshot
) -> frozenset[Approver]:
    """Return as what a caller does not approve personal data: a system, where people do so or ever did.

    Args:
        provider: the agency that provides the service, or none where it is not registered.
    """
    if caller.person:
        return frozenset()
    left: dict[Approver, bool] = {
        "operator": _had_persons("operator", None, registry),
        "provider": _had_persons("agency-admin", provider, registry),
    }
    return frozenset(rank for rank, is_left in left.items() if is_left)


def check_transfer(service: str, before: frozenset[str], after: frozenset[str], registry: RegistrySnapshot) -> None:
    """Check that a service goes to no agency whose systems approve from an agency whose persons do.

    Args:
        service: the name of the document.
        before, after: the agency that provides it.

    Raises:
        Refusal: `step-not-allowed`.
    """
    if before == after or not _had_persons("agency-admin", before, registry):
        return
    if not _had_persons("agency-admin", after, registry):
        code = ", ".join(sorted(after)) or "?"
        raise Refusal(
            "step-not-allowed",
            vi=f"Dịch vụ {service} do cơ quan có quản trị viên đăng nhập bằng tài khoản riêng phê duyệt; hãy đăng ký một quản trị viên (agency-admin) cho cơ quan {code} trước khi chuyển dịch vụ sang đó.",
            en=f"Service {service} is of an agency whose administrators sign in as persons; register an administrator (agency-admin) of agency {code} before the service moves there.",
        )


def _had_persons(role: str, agencies: frozenset[str] | None, registry: RegistrySnapshot) -> bool:
    return approver_roles.somebody_ever_had(role, registry.persons.values(), agencies)
