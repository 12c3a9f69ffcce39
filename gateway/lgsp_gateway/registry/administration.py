"""The way in for whoever changes the registry: may they, is the document right, did somebody else write first, and when
is it in force.

A role is given by an operator only: an administrator of an agency who could make a system of theirs an operator would be
one.
"""

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lgsp_auth import roles
from lgsp_contracts import documents, names
from lgsp_contracts.names import DocumentName
from lgsp_contracts.source_location import SourceLocation
from lgsp_gateway.registry import ownership, role_protection, rules
from lgsp_gateway.registry.document_pages import DocumentPage, Wanted, read_page
from lgsp_gateway.registry.documents import API_VERSION, VIETNAM, Spec, Version
from lgsp_gateway.registry.full_names import with_bare_names
from lgsp_gateway.registry.indexed_documents import System
from lgsp_gateway.registry.lifecycle import grants, suspension, tokens
from lgsp_gateway.registry.name_history import NameHistory
from lgsp_gateway.registry.permission import Permission, not_allowed
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.registry.store import Store, revision_conflict
from lgsp_problems import Refusal
from lgsp_runtime.pacing import Pace
from lgsp_runtime.security_events import SecurityLog

ABSENT = 0
"""The revision of a document that is not there."""

PARSED_AT_A_TURN = 64 * 1024
"""Bytes of a history that are parsed before others have a turn."""

ATTEMPTS = 20
"""How often a change is decided anew because somebody else wrote in between."""


class Administration:
    """Reads and changes documents on behalf of a caller."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        follower: RegistryReplica,
        security: SecurityLog,
        permission: Permission | None = None,
    ) -> None:
        self._permission = permission or Permission(registry, NameHistory(registry, store))
        self._writing = asyncio.Lock()
        self._registry = registry
        self._security = security
        self._store = store
        self._follower = follower

    def find(self, caller: System, kind: str, name: DocumentName) -> Version:
        """The document in force.

        Raises:
            Refusal: `not-found`, also for a document that the caller may not read.
        """
        version = self._registry.versions[kind].get(name)
        if version is None or not self.may_read(caller, version):
            raise _not_found(kind, name)
        return version

    async def page(self, caller: System, kind: str, wanted: Wanted, after: str, limit: int) -> DocumentPage:
        """Read a page of the documents of a kind that the caller may read, by name.

        Raises:
            Refusal: `not-granted`, when the caller's roles read none of this kind.
        """
        if not any((kind, "read") in roles.TABLE and role in roles.TABLE[kind, "read"] for role in caller.roles):
            raise not_allowed(caller, kind)
        return await read_page(self._registry, caller, kind, wanted, after, limit)

    def may_read(self, caller: System, version: Version) -> bool:
        """May a caller read a document?"""
        owners = ownership.readers_of(version, self._registry)
        return roles.allowed(caller.roles, caller.agency, version.kind, "read", owners)

    async def history(self, caller: System, kind: str, name: DocumentName) -> list[Version]:
        """The versions of a document that the caller may read, newest first, for those who may read the newest.

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
        found, pace = [], Pace(PARSED_AT_A_TURN)
        for version in await self._store.history(kind, name):
            await pace.spend(len(version.data))
            if self.may_read(caller, version):
                found.append(version)
        return found

    async def put(
        self,
        caller: System,
        document: Any,
        expected: int | None,
        reason: str,
        *,
        dry_run: bool = False,
        end_tokens: bool = False,
    ) -> Version:
        """Create or replace a document.

        Args:
            expected: the revision that the change was made from, `ABSENT` to create, None to create or fail on what
                is there.
            end_tokens: of a system: tokens it was given until now count no more.

        Returns:
            The new version, in force on this gateway (with `dry_run`: what it would be, under the revision it replaces).

        Raises:
            Refusal: `invalid-document`, `not-granted`, `already-exists`, `revision-conflict` or `bus-unavailable`.
        """
        kind, name, spec = _parts(document)
        # What the registry itself says of a document may come back with it, as it was read.
        spec = with_bare_names(kind, spec, self._registry)
        plain = {key: value for key, value in document.items() if key != "status"}
        plain |= {"metadata": {"name": name}, "spec": spec}
        documents.check("registry", plain, f"{kind} {name}")

        async def decide(caller: System) -> _Draft:
            known = self._registry.versions[kind].get(name)
            self._permission.may_change(caller, kind, name, spec, known)
            if kind == "Service":
                where = SourceLocation(f"{kind} {name}", ("spec", "contract"))
                await self._permission.contracts.check(caller.name, spec["contract"], where)
            rules.check_references(plain, f"{kind} {name}", self._registry)
            status = await self._permission.put(caller, kind, name, spec, known, end_tokens=end_tokens)
            if known and expected in (None, ABSENT):
                raise _already_exists(kind, name)
            if (known.revision if known else ABSENT) != (expected or ABSENT):
                raise revision_conflict(kind, name)
            return _Draft(kind, name, known, spec, status)

        if dry_run:
            draft = await decide(caller)
            base = draft.known.revision if draft.known else ABSENT
            return Version.of(kind, name, spec, base, 0, caller.name, reason, draft.status)
        return await self._write(decide, caller, reason)

    async def delete(self, caller: System, kind: str, name: DocumentName, expected: int, reason: str) -> Version:
        """Delete a document that nothing refers to. Its history stays.

        Raises:
            Refusal: `not-found`, `not-granted`, `in-use`, `revision-conflict` or `bus-unavailable`.
        """

        async def decide(caller: System) -> _Draft:
            known = self._own(caller, kind, name)
            if known.revision != expected:
                raise revision_conflict(kind, name)
            self._permission.delete(caller, kind, name, known)
            rules.check_unused(kind, name, self._registry)
            return _Draft(kind, name, known, None, {"owners": sorted(ownership.readers_of(known, self._registry))})

        return await self._write(decide, caller, reason)

    async def act_on_grant(
        self,
        caller: System,
        name: DocumentName,
        action: grants.Action,
        reason: str,
        until: str,
        expected: int | None = None,
    ) -> Version:
        """Take a step in the life of a grant.

        Args:
            expected: the revision that the caller has read, so that nobody approves what was changed meanwhile; None
                where that is the same to the caller.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `invalid-document`, `malformed`, `revision-conflict`
                or `bus-unavailable`.
        """

        async def decide(caller: System) -> _Draft:
            known = self._own(caller, "Grant", name)
            if expected not in (None, known.revision):
                raise revision_conflict("Grant", name)
            if action in ("approve", "resume"):  # what it refers to may have gone meanwhile
                plain = {**known.document(), "metadata": {"name": name}}
                plain.pop("status", None)
                rules.check_references(plain, f"Grant {name}", self._registry)
            status = self._permission.act(caller, name, known, action, reason, until)
            return _Draft("Grant", name, known, known.spec, status)

        return await self._write(decide, caller, reason)

    async def suspend_service(self, caller: System, name: DocumentName, since: str, until: str, reason: str) -> Version:
        """Suspend a service, planned or at once.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `malformed` or `bus-unavailable`.
        """

        async def decide(caller: System) -> _Draft:
            known, now = self._own(caller, "Service", name), datetime.datetime.now(VIETNAM)
            suspension.check_step(known.status, "plan" if since else "suspend", now)
            status = {"suspension": suspension.planned(since, until, reason, now)}
            return _Draft("Service", name, known, known.spec, status)

        return await self._write(decide, caller, reason)

    async def resume_service(self, caller: System, name: DocumentName, reason: str) -> Version:
        """End a suspension, or take back a planned one.

        Raises:
            Refusal: `not-found`, `not-granted` or `bus-unavailable`.
        """

        async def decide(caller: System) -> _Draft:
            known = self._own(caller, "Service", name)
            suspension.check_step(known.status, "resume", datetime.datetime.now(VIETNAM))
            return _Draft("Service", name, known, known.spec, {})

        return await self._write(decide, caller, reason)

    async def end_tokens(self, caller: System, name: DocumentName, reason: str) -> Version:
        """End the tokens that a system was given until now, at every gateway and on NATS.

        Raises:
            Refusal: `not-found`, `not-granted` or `bus-unavailable`.
        """

        async def decide(caller: System) -> _Draft:
            known = self._own(caller, "System", name)
            self._permission.check_end_tokens(caller, name, known)
            return _Draft("System", name, known, known.spec, tokens.ended(known.status, time.time()))

        return await self._write(decide, caller, reason)

    def _own(self, caller: System, kind: str, name: DocumentName) -> Version:
        """A document that the caller may change."""
        known = self.find(caller, kind, name)
        owners = ownership.owners_of(kind, name, known.spec or {}, self._registry)
        if not roles.allowed(caller.roles, caller.agency, kind, "change", owners):
            raise not_allowed(caller, kind)
        return known

    async def _write(self, decide: Callable[[System], Awaitable["_Draft"]], caller: System, reason: str) -> Version:
        """Decide on a change and write it, unless anything was written since it was decided: then decide again.

        So what a decision rests on (the caller's roles, owners, grants, contracts) still holds when it is written, whichever
        gateway writes.
        """
        async with self._writing:
            for _ in range(ATTEMPTS):
                at = self._registry.revision
                now = self._registry.systems.get(caller.name)
                if now is None:
                    raise _gone(caller)
                draft = await decide(now)
                _refuse_unreadable(draft)
                base = await self._base(draft)
                try:
                    version = await self._store.write(
                        draft.kind, draft.name, draft.spec, base, caller.name, reason, draft.status, at=at
                    )
                except Refusal as refusal:
                    if refusal.code != "revision-conflict":
                        raise
                    await self._follower.catch_up()
                    continue
                await self._follower.reached(version.revision)
                self._tell(caller, draft.known, version, reason)
                return version
        raise revision_conflict(draft.kind, draft.name)

    async def _base(self, draft: "_Draft") -> int:
        """The revision that a change replaces; a deleted document has a last one too."""
        if draft.known:
            return draft.known.revision
        if self._registry.readers_of_deleted(draft.kind, draft.name) is None:
            return ABSENT
        latest = await self._store.latest(draft.kind, draft.name)
        return latest.revision if latest else ABSENT

    def _tell(self, caller: System, known: Version | None, version: Version, reason: str) -> None:
        """Those on watch hear of each change, and by another name of one of roles or keys."""
        before, after = ((one.spec or {}) if one else {} for one in (known, version))
        powerful = version.kind == "System" and bool(role_protection.changed(before, after))
        action = "role-changed" if powerful else "registry-changed"
        what = f"{version.kind} {version.name} {'changed' if version.spec is not None else 'deleted'}"
        self._security.event(
            action,
            "success",
            "iam" if powerful else "configuration",
            what,
            user__name=caller.name,
            organization__id=caller.agency,
            event__reason=reason,
            lgsp__kind=version.kind,
            lgsp__name=version.name,
            lgsp__revision=version.revision,
        )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A change that was decided: `spec` is None where the document is deleted."""

    kind: str
    name: DocumentName
    known: Version | None
    spec: Spec | None
    status: Spec


_NEEDED = {
    "Instance": (),
    "Agency": (),
    "System": ("agency",),
    "Service": ("contract",),
    "Grant": ("service", "major", "consumer"),
}


def _parts(document: Any) -> tuple[str, DocumentName, Spec]:
    """Kind, name and spec, as far as they are needed to decide who may; the rules check the rest."""
    try:
        kind, name, spec = document["kind"], document["metadata"]["name"], document["spec"]
        version = document["apiVersion"] if isinstance(spec.get("contract", {}), dict) else None
        missing = [field for field in _NEEDED[kind] if field not in spec]
    except (KeyError, TypeError, AttributeError):
        kind = name = spec = version = None
        missing = []
    if not (
        isinstance(kind, str)
        and isinstance(name, str)
        and isinstance(spec, dict)
        and version == API_VERSION
        and not missing
    ):
        raise Refusal(
            "invalid-document",
            vi=f"Tài liệu phải có apiVersion {API_VERSION}, kind, metadata.name và spec với các trường bắt buộc của loại đó.",
            en=f"A document needs apiVersion {API_VERSION}, kind, metadata.name and a spec with the required fields of its kind.",
        )
    try:
        return kind, names.document_name(kind, name), spec
    except Refusal as refusal:
        vi, en = refusal.detail.vi, refusal.detail.en
        raise Refusal("invalid-document", vi=f"/metadata/name: {vi}", en=f"/metadata/name: {en}") from refusal


def _not_found(kind: str, name: str) -> Refusal:
    return Refusal(
        "not-found",
        vi=f"Không có {kind} {name}, hoặc hệ thống này không được đọc.",
        en=f"There is no {kind} {name}, or this system may not read it.",
    )


def _refuse_unreadable(draft: "_Draft") -> None:
    """What keeps its schema and cannot be put in force all the same is refused before it is written, and stays a fault of ours."""
    if draft.spec is None:
        return
    version = Version.of(draft.kind, draft.name, draft.spec, 0, 0, "", "", draft.status)
    fault = Registry.fault_of(version)
    if fault:
        raise Refusal(
            "invalid-document",
            vi=f"{draft.kind} {draft.name} không thể có hiệu lực ({type(fault).__name__}); hãy kiểm tra ngày tháng và các con số trong tài liệu.",
            en=f"{draft.kind} {draft.name} cannot be put in force ({type(fault).__name__}); check the dates and numbers in it.",
        ) from fault


def _gone(caller: System) -> Refusal:
    return Refusal(
        "not-granted",
        vi=f"Hệ thống {caller.name} không còn đăng ký; hãy liên hệ người vận hành trục.",
        en=f"System {caller.name} is registered no more; ask an operator of the bus.",
    )


def _already_exists(kind: str, name: str) -> Refusal:
    return Refusal(
        "already-exists",
        vi=f"{kind} {name} đã có; hãy thay bằng PUT kèm If-Match của bản hiện hành.",
        en=f"There is a {kind} {name} already; replace it by PUT with the If-Match of its version.",
    )
