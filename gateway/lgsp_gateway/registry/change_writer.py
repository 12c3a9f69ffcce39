"""How a change reaches the registry: decided, written, in force, and told to those on watch.

What a decision rests on (the caller's roles, owners, grants, contracts) may change before it is written, on this gateway or
another. So a change names the revision of the whole registry that it was decided on, and is decided anew where anything was
written meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry import persons, role_protection
from lgsp_gateway.registry.applied import Applied
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore, revision_conflict
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.security_events import SecurityLog

ABSENT = 0
"""The revision of a document that is not there."""

ATTEMPTS = 20
"""How often a change is decided anew because somebody else wrote in between."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was decided.

    Args:
        known: the version that it replaces; None where the document is not there.
        spec: what the document becomes; None where it is deleted.
        status: what the registry says of it then.
        manifest_set: of the files that the change comes from; empty where somebody makes it by hand.
    """

    kind: str
    name: DocumentName
    known: DocumentVersion | None
    spec: DocumentSpec | None
    status: DocumentSpec
    manifest_set: str = ""


Decide = Callable[[Principal], Awaitable[Change]]
"""Decides on a change for the caller as it is now. Raises `Refusal` where it may not be."""


class ChangeWriter:
    """Writes changes, one at a time on this gateway."""

    def __init__(
        self, registry: RegistrySnapshot, store: DocumentStore, follower: RegistryReplica, security: SecurityLog
    ) -> None:
        self._writing = asyncio.Lock()
        self._registry = registry
        self._store = store
        self._follower = follower
        self._security = security

    async def write(self, decide: Decide, caller: Principal, reason: str) -> DocumentVersion:
        """Decide on a change and write it, unless anything was written since it was decided: then decide again.

        Returns:
            The new version, in force on this gateway.

        Raises:
            Refusal: whatever `decide` refuses with; `not-granted`, `invalid-document`, `revision-conflict` or
                `bus-unavailable`.
        """
        async with self._writing:
            for _ in range(ATTEMPTS):
                at = self._registry.revision
                now = persons.current(caller, self._registry)
                if now is None:
                    raise _no_longer_allowed(caller)
                change = await decide(now)
                _refuse_unreadable(change)
                base = await self._base_revision(change)
                try:
                    version = await self._store.keep(self._draft(change, str(now), reason), base, at=at)
                except RevisionConflict:
                    await self._follower.catch_up()
                    continue
                await self._follower.wait_for_revision(version.revision)
                self._report(now, change.known, version, reason)
                return version
        raise revision_conflict(change.kind, change.name)

    def _draft(self, change: Change, by: str, reason: str) -> DocumentVersion:
        now = time.time_ns() // 1_000_000
        draft = DocumentVersion.of(change.kind, change.name, change.spec, 0, now, by, reason, change.status)
        return draft.with_mark(self._mark(change))

    def _mark(self, change: Change) -> Applied | None:
        """Return how the document was last applied once the change is made; a deletion by the files ends that."""
        if not change.manifest_set:
            return self._registry.applied.get((change.kind, change.name))
        return Applied.now(change.manifest_set, change.spec) if change.spec is not None else None

    async def _base_revision(self, change: Change) -> int:
        """Return the revision that a change replaces; a deleted document has a last one too."""
        if change.known:
            return change.known.revision
        if self._registry.readers_of_deleted(change.kind, change.name) is None:
            return ABSENT
        latest = await self._store.latest(change.kind, change.name)
        return latest.revision if latest else ABSENT

    def _report(self, caller: Principal, known: DocumentVersion | None, version: DocumentVersion, reason: str) -> None:
        """Report a change to the security log; a change of roles or keys has an action of its own."""
        before, after = ((one.spec or {}) if one else {} for one in (known, version))
        powerful = version.kind == "Person" or (
            version.kind == "System" and bool(role_protection.changed(before, after))
        )
        action = "role-changed" if powerful else "registry-changed"
        what = f"{version.kind} {version.name} {'changed' if version.spec is not None else 'deleted'}"
        self._security.event(
            action,
            "success",
            "iam" if powerful else "configuration",
            what,
            user__name=str(caller),
            user__id=caller.person,
            organization__id=caller.agency,
            event__reason=reason,
            lgsp__kind=version.kind,
            lgsp__name=version.name,
            lgsp__revision=version.revision,
        )


def _refuse_unreadable(change: Change) -> None:
    """Refuse, before it is written, a document that conforms to its schema but cannot be put in force; this remains an error of the bus."""
    if change.spec is None:
        return
    version = DocumentVersion.of(change.kind, change.name, change.spec, 0, 0, "", "", change.status)
    fault = RegistrySnapshot.indexing_error_of(version)
    if fault:
        raise Refusal(
            "invalid-document",
            vi=f"{change.kind} {change.name} không thể có hiệu lực ({type(fault).__name__}); hãy kiểm tra ngày tháng và các con số trong tài liệu.",
            en=f"{change.kind} {change.name} cannot be put in force ({type(fault).__name__}); check the dates and numbers in it.",
        ) from fault


def _no_longer_allowed(caller: Principal) -> Refusal:
    who = caller.described()
    return Refusal(
        "not-granted",
        vi=f"{who.vi} không còn hiệu lực trên trục; hãy liên hệ người vận hành trục.",
        en=f"{who.en} may act on the bus no more; ask an operator of the bus.",
    )
