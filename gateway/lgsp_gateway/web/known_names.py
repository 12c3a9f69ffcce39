"""Is there anything of that name? A search for what nobody is called would find nothing, and say so of a name that was only
mistyped.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lgsp_gateway.registry.state import Registry
from lgsp_problems import CODES, Refusal

if TYPE_CHECKING:
    from lgsp_gateway.index.index import Index

_ENDS = frozenset({"answered", "replayed", *CODES})
"""What the bus itself says of how a call ended; contracts declare more."""

_IS_KNOWN: Mapping[str, Callable[[Registry, str], bool]] = {
    "consumer": lambda registry, name: name in registry.systems,
    "provider": lambda registry, name: name in registry.systems,
    "agency": lambda registry, name: name in registry.agencies,
    "grant": lambda registry, name: name in registry.grants,
    "purpose": lambda registry, name: registry.knows_purpose(name),
    "service": lambda registry, name: any(contract.service == name for contract in registry.contracts()),
    "operation": lambda registry, name: any(name in contract.operations for contract in registry.contracts()),
    "outcome": lambda registry, name: name in _ENDS or _is_declared(registry, name),
}


async def refuse_unknown(asked: Mapping[str, str], registry: Registry, index: "Index") -> None:
    """Look whether each name is one, in the registry of today or in the evidence of any day.

    Raises:
        Refusal: `malformed`, naming the parameter.
    """
    for name, value in asked.items():
        is_known = _IS_KNOWN.get(name)
        if is_known is None or is_known(registry, value) or await index.unknown([value]) is None:
            continue
        raise Refusal(
            "malformed",
            vi=f"Không có {name} nào tên như vậy trong sổ đăng ký hay trong nhật ký; hãy kiểm tra chính tả.",
            en=f"There is no {name} of that name, in the registry or in the evidence; check the spelling.",
        )


def _is_declared(registry: Registry, code: str) -> bool:
    return any(
        code in operation.errors for contract in registry.contracts() for operation in contract.operations.values()
    )
