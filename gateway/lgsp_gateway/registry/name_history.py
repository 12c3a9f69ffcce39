"""What names of the registry have stood for: in memory what is there, in the store what was."""

from collections.abc import Mapping

from lgsp_contracts import names
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore


class NameHistory:
    """Looks up what a name has stood for."""

    def __init__(self, registry: RegistrySnapshot, store: DocumentStore) -> None:
        self._registry = registry
        self._store = store

    async def last(self, kind: str, name: DocumentName) -> DocumentVersion | None:
        """Return the last version of a document before it was deleted; None where there never was one."""
        if self._registry.readers_of_deleted(kind, name) is None:
            return None
        return next((version for version in await self._store.history(kind, name) if version.spec is not None), None)

    async def majors(self, service: str) -> dict[DocumentName, list[DocumentVersion]]:
        """Return every version of every document of a service's name, by the document's name, the newest first."""
        by_name = {
            name: await self._store.history("Service", name)
            for name in sorted(self._registry.services.documents_of(service))
        }
        return {name: versions for name, versions in by_name.items() if versions}

    async def owners(self, majors: Mapping[DocumentName, list[DocumentVersion]]) -> set[str]:
        """Return the agencies that a service's name belongs to: one, unless an operator is transferring it."""
        agencies: set[str] = set()
        for name, versions in majors.items():
            readers = self._registry.readers_of_deleted("Service", name) if versions[0].spec is None else None
            spec = next((spec for version in versions if (spec := version.spec)), None)
            agencies |= readers or ({await self._agency(spec["contract"]["provider"])} if spec else set())
        return agencies

    async def _agency(self, system: str) -> str:
        there = self._registry.systems.get(system)
        if there:
            return there.agency
        last = await self.last("System", names.document_name("System", system))
        return str((last.spec or {})["agency"]) if last else ""
