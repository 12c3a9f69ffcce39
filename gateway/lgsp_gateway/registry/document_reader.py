"""What somebody may read of the registry: documents in force, and the history of those that were."""

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry import ownership
from lgsp_gateway.registry.document_pages import DocumentPage, Wanted, read_page
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.permission import not_allowed
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_problems import NotFound, Refusal
from lgsp_runtime.pacing import Pace

PARSED_AT_A_TURN = 64 * 1024
"""Bytes of a history that are parsed before others have a turn."""


class DocumentReader:
    """Reads documents on behalf of a caller."""

    def __init__(self, registry: RegistrySnapshot, store: DocumentStore) -> None:
        self._registry = registry
        self._store = store

    def find(self, caller: Principal, kind: str, name: DocumentName) -> DocumentVersion:
        """Return the document in force.

        Raises:
            Refusal: `not-found`, also for a document that the caller may not read.
        """
        version = self._registry.versions[kind].get(name)
        if version is None or not self.may_read(caller, version):
            raise _not_found(kind, name)
        return version

    def find_changeable(self, caller: Principal, kind: str, name: DocumentName) -> DocumentVersion:
        """Return the document in force, which the caller may change.

        Raises:
            Refusal: `not-found` or `not-granted`.
        """
        version = self.find(caller, kind, name)
        owners = ownership.owners_of(kind, name, version.spec or {}, self._registry)
        if not roles.allowed(caller.roles, caller.agency, kind, "change", owners):
            raise not_allowed(caller, kind)
        return version

    async def page(self, caller: Principal, kind: str, wanted: Wanted, after: str, limit: int) -> DocumentPage:
        """Read a page of the documents of a kind that the caller may read, by name.

        Raises:
            Refusal: `not-granted`, when the caller's roles read none of this kind.
        """
        if not any((kind, "read") in roles.TABLE and role in roles.TABLE[kind, "read"] for role in caller.roles):
            raise not_allowed(caller, kind)
        return await read_page(self._registry, caller, kind, wanted, after, limit)

    def may_read(self, caller: Principal, version: DocumentVersion) -> bool:
        """May a caller read a document?"""
        owners = ownership.readers_of(version, self._registry)
        return roles.allowed(caller.roles, caller.agency, version.kind, "read", owners)

    async def history(self, caller: Principal, kind: str, name: DocumentName) -> list[DocumentVersion]:
        """Return the versions of a document that the caller may read, newest first, for those who may read the newest.

        Of a deleted document the deletion says whose it was. Nothing is fetched for anybody else.

        Raises:
            Refusal: `not-found` or `bus-unavailable`.
        """
        if name not in self._registry.versions[kind]:
            owners = self._registry.readers_of_deleted(kind, name)
            if owners is None or not roles.allowed(caller.roles, caller.agency, kind, "read", owners):
                raise _not_found(kind, name)
        else:
            self.find(caller, kind, name)
        versions, pace = [], Pace(PARSED_AT_A_TURN)
        for version in await self._store.history(kind, name):
            await pace.spend(len(version.data))
            if self.may_read(caller, version):
                versions.append(version)
        return versions


def _not_found(kind: str, name: str) -> Refusal:
    return NotFound(
        vi=f"Không có {kind} {name}, hoặc bạn không được đọc.",
        en=f"There is no {kind} {name}, or you may not read it.",
    )
