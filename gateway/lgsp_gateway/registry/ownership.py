"""Whose a name is, for ever: evidence and grants speak of names, so that of a deleted document stays its agency's.

A service's name belongs to the agency whose system provides it, with all its major versions; a system's name to its
agency. Only an operator gives a name to somebody else. A grant is, while it is there, for one consumer and one service.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_contracts import names
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import Version
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.registry.store import Store
from lgsp_problems import Refusal


class Names:
    """What names have stood for: in the registry what is there, in the store what was."""

    def __init__(self, registry: Registry, store: Store) -> None:
        self._registry = registry
        self._store = store

    async def last(self, kind: str, name: DocumentName) -> Version | None:
        """The last version of a document before it was deleted; None where there never was one."""
        if self._registry.readers_of_deleted(kind, name) is None:
            return None
        return next((version for version in await self._store.history(kind, name) if version.spec is not None), None)

    async def majors(self, service: str) -> dict[DocumentName, list[Version]]:
        """Every version of every document of a service's name, by the document's name, the newest first."""
        found = {name: await self._store.history("Service", name) for name in sorted(self._registry.majors(service))}
        return {name: versions for name, versions in found.items() if versions}

    async def owners(self, majors: Mapping[DocumentName, list[Version]]) -> set[str]:
        """The agencies that a service's name belongs to: one, unless an operator is transferring it."""
        found: set[str] = set()
        for name, versions in majors.items():
            said = self._registry.readers_of_deleted("Service", name) if versions[0].spec is None else None
            spec = next((spec for version in versions if (spec := version.spec)), None)
            found |= said or ({await self._agency(spec["contract"]["provider"])} if spec else set())
        return found

    async def _agency(self, system: str) -> str:
        there = self._registry.systems.get(system)
        if there:
            return there.agency
        last = await self.last("System", names.document_name("System", system))
        return str((last.spec or {})["agency"]) if last else ""


def refuse_foreign(kind: str, name: str, owners: set[str], agency: str) -> None:
    """A name that belongs to somebody else is not taken.

    Args:
        owners: whose it is; empty where it is free.

    Raises:
        Refusal: `not-granted`.
    """
    if owners - {agency}:
        raise Refusal(
            "not-granted",
            vi=f"Tên {kind} {name} thuộc về một cơ quan khác; hãy chọn tên khác, hoặc nhờ người vận hành trục chuyển giao.",
            en=f"The name of {kind} {name} belongs to another agency; choose another, or ask an operator of the bus to transfer it.",
        )


def refuse_other_grant(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """A grant stays with its consumer and its service: its approvals and the evidence speak of them.

    Raises:
        Refusal: `step-not-allowed`.
    """
    if any(before[part] != after[part] for part in ("consumer", "service", "major")):
        raise Refusal(
            "step-not-allowed",
            vi=f"Quyền {name} gắn với một hệ thống khai thác và một dịch vụ; hãy tạo quyền khác với tên khác.",
            en=f"Grant {name} is for one consumer and one service; make another grant under another name.",
        )
