"""Checks the names in a search: a mistyped name is refused, where a search for it would find nothing and look like a correct answer."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lgsp_contracts.entry import OUTCOMES
from lgsp_gateway.delivery.webhooks.send_result import FailureReason
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import CODES, Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

_BUS_OUTCOMES = OUTCOMES | CODES.keys() | {reason.value for reason in FailureReason}
"""Outcomes that the bus itself writes into the evidence; contracts declare more."""

_IS_KNOWN: Mapping[str, Callable[[RegistrySnapshot, str], bool]] = {
    "consumer": lambda registry, name: registry.consumer(name) is not None,
    "provider": lambda registry, name: name in registry.systems,
    "agency": lambda registry, name: name in registry.agencies,
    "grant": lambda registry, name: name in registry.grants,
    "purpose": lambda registry, name: registry.knows_purpose(name),
    "service": lambda registry, name: registry.services.has_service(name),
    "operation": lambda registry, name: registry.services.has_operation(name),
    "event": lambda registry, name: registry.services.has_event(name),
    "to": lambda registry, name: name in registry.systems,
    "outcome": lambda registry, name: name in _BUS_OUTCOMES or registry.services.has_outcome(name),
}


async def refuse_unknown(exact: Mapping[str, str], registry: RegistrySnapshot, index: "Index") -> None:
    """Check that each name is in the registry now, or was in the evidence at any time.

    Args:
        exact: the names that are searched for, by parameter, such as `consumer`; other parameters are not checked.

    Raises:
        Refusal: `malformed`, naming the parameter.
    """
    for name, value in exact.items():
        if name not in _IS_KNOWN or _IS_KNOWN[name](registry, value) or await index.first_unknown([value]) is None:
            continue
        raise Refusal(
            "malformed",
            vi=f"Không có {name} nào mang tên này trong sổ đăng ký hoặc trong nhật ký bằng chứng; hãy kiểm tra chính tả.",
            en=f"There is no {name} of that name in the registry or in the evidence; check the spelling.",
        )
