"""The way in for whoever changes the registry: may they, is the document right, did somebody else write first, and when
is it in force.

A role is given by an operator only: an administrator of an agency who could make a system of theirs an operator would be
one.
"""

import datetime
from typing import Any

from lgsp_auth import roles
from lgsp_contracts import names
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry import grant_life, lifecycle, rules, suspension
from lgsp_gateway.registry.follower import Follower
from lgsp_gateway.registry.kinds import API_VERSION, VIETNAM, Spec, Version
from lgsp_gateway.registry.state import Registry, System
from lgsp_gateway.registry.store import Store, revision_conflict
from lgsp_problems import Refusal
from lgsp_process.security import SecurityLog

ABSENT = 0
"""The revision of a document that is not there."""


class Administration:
    """Reads and changes documents on behalf of a caller."""

    def __init__(self, registry: Registry, store: Store, follower: Follower, security: SecurityLog) -> None:
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

    def readable(self, caller: System, kind: str) -> list[Version]:
        """All documents of a kind that the caller may read, by name.

        Raises:
            Refusal: `not-granted`, when the caller's roles read none of this kind.
        """
        if not any((kind, "read") in roles.TABLE and role in roles.TABLE[kind, "read"] for role in caller.roles):
            raise _not_allowed(caller, kind)
        found = self._registry.versions[kind]
        return [found[name] for name in sorted(found) if self.may_read(caller, found[name])]

    def may_read(self, caller: System, version: Version) -> bool:
        """May a caller read a document?"""
        owners = self._registry.readers_of(version)
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
        return [version for version in await self._store.history(kind, name) if self.may_read(caller, version)]

    async def put(
        self, caller: System, document: Any, expected: int | None, reason: str, *, dry_run: bool = False
    ) -> Version:
        """Create or replace a document.

        Args:
            expected: the revision that the change was made from, `ABSENT` to create, None to create or fail on what
                is there.

        Returns:
            The new version, in force on this gateway (with `dry_run`: what it would be, under the revision it replaces).

        Raises:
            Refusal: `invalid-document`, `not-granted`, `already-exists`, `revision-conflict` or `bus-unavailable`.
        """
        kind, name, spec = _parts(document)
        known = self._registry.versions[kind].get(name)
        status = self._status(caller, kind, name, spec, known)
        # What the registry itself says of a document may come back with it, as it was read.
        plain = {key: value for key, value in document.items() if key != "status"} | {"metadata": {"name": name}}
        rules.check(plain, f"{kind} {name}", self._registry)
        if kind == "Service":
            today = datetime.datetime.now(VIETNAM).date()
            lifecycle.check(name, known.spec if known else None, spec, "operator" in caller.roles, today)
        if known and expected in (None, ABSENT):
            raise Refusal(
                "already-exists",
                vi=f"{kind} {name} đã có; hãy thay bằng PUT kèm If-Match của bản hiện hành.",
                en=f"There is a {kind} {name} already; replace it by PUT with the If-Match of its version.",
            )
        if (known.revision if known else ABSENT) != (expected or ABSENT):
            raise revision_conflict(kind, name)
        if dry_run:
            return Version.of(kind, name, spec, known.revision if known else ABSENT, 0, caller.name, reason, status)
        return await self._write(kind, name, spec, known, caller, reason, status)

    async def delete(self, caller: System, kind: str, name: DocumentName, expected: int, reason: str) -> Version:
        """Delete a document that nothing refers to. Its history stays.

        Raises:
            Refusal: `not-found`, `not-granted`, `in-use`, `revision-conflict` or `bus-unavailable`.
        """
        known = self.find(caller, kind, name)
        self._refuse_stranger(caller, kind, name, known.spec or {}, known)
        if known.revision != expected:
            raise revision_conflict(kind, name)
        rules.check_unused(kind, name, self._registry)
        owners = {"owners": sorted(self._registry.readers_of(known))}
        return await self._write(kind, name, None, known, caller, reason, owners)

    async def act_on_grant(
        self, caller: System, name: DocumentName, action: grant_life.Action, reason: str, until: str
    ) -> Version:
        """Take a step in the life of a grant.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `malformed` or `bus-unavailable`.
        """
        known = self.find(caller, "Grant", name)
        spec = known.spec or {}
        self._refuse_stranger(caller, "Grant", name, spec, known)
        status = grant_life.act(action, known.status, _actor(caller), self._registry.is_personal(spec), reason, until)
        return await self._write("Grant", name, spec, known, caller, reason, status)

    async def suspend_service(self, caller: System, name: DocumentName, since: str, until: str, reason: str) -> Version:
        """Suspend a service, planned or at once.

        Raises:
            Refusal: `not-found`, `not-granted`, `malformed` or `bus-unavailable`.
        """
        known = self.find(caller, "Service", name)
        self._refuse_stranger(caller, "Service", name, known.spec or {}, known)
        status = {"suspension": suspension.planned(since, until, reason, datetime.datetime.now(VIETNAM))}
        return await self._write("Service", name, known.spec, known, caller, reason, status)

    async def resume_service(self, caller: System, name: DocumentName, reason: str) -> Version:
        """End a suspension, or take back a planned one.

        Raises:
            Refusal: `not-found`, `not-granted` or `bus-unavailable`.
        """
        known = self.find(caller, "Service", name)
        self._refuse_stranger(caller, "Service", name, known.spec or {}, known)
        return await self._write("Service", name, known.spec, known, caller, reason, {})

    async def _write(
        self,
        kind: str,
        name: DocumentName,
        spec: Spec | None,
        known: Version | None,
        caller: System,
        reason: str,
        status: Spec,
    ) -> Version:
        base = known.revision if known else ABSENT
        if known is None:  # a deleted document has a last revision too
            latest = await self._store.latest(kind, name)
            if latest and latest.spec is not None:
                raise revision_conflict(kind, name)
            base = latest.revision if latest else ABSENT
        try:
            version = await self._store.write(kind, name, spec, base, caller.name, reason, status)
        except Refusal:
            await self._catch_up(kind, name)
            raise
        await self._follower.reached(version.revision)
        self._tell(caller, known, version, reason)
        return version

    def _tell(self, caller: System, known: Version | None, version: Version, reason: str) -> None:
        """Those on watch hear of each change, and by another name of one of roles or keys."""
        before, after = ((one.spec or {}) if one else {} for one in (known, version))
        powers = version.kind == "System" and any(
            before.get(name) != after.get(name) for name in ("roles", "jwks", "secretSha256")
        )
        action = "role-changed" if powers else "registry-changed"
        what = f"{version.kind} {version.name} {'changed' if version.spec is not None else 'deleted'}"
        self._security.event(
            action,
            "success",
            "iam" if powers else "configuration",
            what,
            user__name=caller.name,
            organization__id=caller.agency,
            event__reason=reason,
            lgsp__kind=version.kind,
            lgsp__name=version.name,
            lgsp__revision=version.revision,
        )

    async def _catch_up(self, kind: str, name: DocumentName) -> None:
        """Who lost to another writer is shown what the other wrote: this gateway may hear of it only now."""
        latest = await self._store.latest(kind, name)
        if latest:
            await self._follower.reached(latest.revision)

    def _status(self, caller: System, kind: str, name: str, spec: Spec, known: Version | None) -> Spec:
        """May the caller write this, and what does the registry say of it then?

        Raises:
            Refusal: `not-granted` or `step-not-allowed`.
        """
        if kind == "Grant" and self._only_asks(caller, name, spec, known):
            return grant_life.requested(caller.name)
        self._refuse_stranger(caller, kind, name, spec, known)
        if kind != "Grant":
            return known.status if known else {}
        before = known.status if known else None
        return grant_life.put_by_provider(before, _actor(caller), self._registry.is_personal(spec))

    def _only_asks(self, caller: System, name: str, spec: Spec, known: Version | None) -> bool:
        """Does the caller ask for a grant that it could not give itself?"""
        given = roles.allowed(
            caller.roles, caller.agency, "Grant", "change", self._registry.agency_of("Grant", name, spec)
        )
        asked = self._registry.consumer_agency(spec)
        if given or not roles.allowed(caller.roles, caller.agency, "Grant", "request", asked):
            return False
        if known is None:
            return True
        own = self._registry.consumer_agency(known.spec or {}) == asked
        return own and grant_life.phase_of(known.status) in grant_life.ASKABLE

    def _refuse_stranger(self, caller: System, kind: str, name: str, spec: Spec, known: Version | None) -> None:
        """The caller must be allowed to change what is there and what it becomes."""
        for state in (known.spec if known else None, spec):
            if state is not None:
                owners = self._registry.agency_of(kind, name, state)
                if not roles.allowed(caller.roles, caller.agency, kind, "change", owners):
                    raise _not_allowed(caller, kind)
        before = set((known.spec or {}).get("roles", ())) if known else set()
        if kind == "System" and set(spec.get("roles", ())) != before and "operator" not in caller.roles:
            raise Refusal(
                "not-granted",
                vi="Chỉ người vận hành trục (vai trò operator) mới được thay đổi vai trò của hệ thống.",
                en="Only an operator of the bus may change the roles of a system; ask one.",
            )


def _actor(caller: System) -> grant_life.Actor:
    return grant_life.Actor(caller.name, "operator" in caller.roles)


_NEEDED = {"Agency": (), "System": ("agency",), "Service": ("contract",), "Grant": ("service", "major", "consumer")}


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


def _not_allowed(caller: System, kind: str) -> Refusal:
    held = ", ".join(sorted(caller.roles)) or "-"
    return Refusal(
        "not-granted",
        vi=f"Hệ thống {caller.name} (vai trò: {held}) không được làm việc này với {kind}; hãy nhờ quản trị viên của cơ quan chủ quản hoặc người vận hành trục.",
        en=f"System {caller.name} (roles: {held}) may not do this to a {kind}; ask the administrator of the agency it belongs to, or an operator of the bus.",
    )
