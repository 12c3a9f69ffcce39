"""Is there anything of that name? A search for what nobody is called would find nothing, and say so of a name that was only
mistyped.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import CODES, Refusal

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

_ENDS = frozenset({"answered", "replayed", *CODES})
"""What the bus itself says of how a call ended; contracts declare more."""

_IS_KNOWN: Mapping[str, Callable[[RegistrySnapshot, str], bool]] = {
    "consumer": lambda registry, name: name in registry.systems,
    "provider": lambda registry, name: name in registry.systems,
    "agency": lambda registry, name: name in registry.agencies,
    "grant": lambda registry, name: name in registry.grants,
    "purpose": lambda registry, name: registry.knows_purpose(name),
    "service": lambda registry, name: registry.services.has_service(name),
    "operation": lambda registry, name: registry.services.has_operation(name),
    "outcome": lambda registry, name: name in _ENDS or registry.services.has_outcome(name),
}


async def refuse_unknown(asked: Mapping[str, str], registry: RegistrySnapshot, index: "Index") -> None:
    """Look whether each name is one, in the registry of today or in the evidence of any day.

    Raises:
        Refusal: `malformed`, naming the parameter.
    """
    for name, value in asked.items():
        if name not in _IS_KNOWN or _IS_KNOWN[name](registry, value) or await index.first_unknown([value]) is None:
            continue
        raise Refusal(
            "malformed",
            vi=f"Không có tên nào như vậy cho {name} trong sổ đăng ký hay trong nhật ký; hãy kiểm tra chính tả.",
            en=f"There is no {name} of that name, in the registry or in the evidence; check the spelling.",
        )
