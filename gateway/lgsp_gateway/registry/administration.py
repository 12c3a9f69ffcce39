"""Changes of the registry on behalf of a caller: may they, is the document right, and what does it say then.

A role is given by an operator only: an administrator of an agency who could make a system of theirs an operator would be
one.
"""

import datetime
import time
from typing import Any

from lgsp_auth.principal import Principal
from lgsp_contracts import documents, names
from lgsp_contracts.names import DocumentName
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.registry import deputies, document_rules, ownership, renewals
from lgsp_gateway.registry.change_writer import ABSENT, Change, ChangeWriter
from lgsp_gateway.registry.document_reader import DocumentReader
from lgsp_gateway.registry.documents import API_VERSION, DocumentSpec, DocumentVersion, is_same_json
from lgsp_gateway.registry.full_names import with_bare_names
from lgsp_gateway.registry.lifecycle import grants, suspension, tokens
from lgsp_gateway.registry.name_history import NameHistory
from lgsp_gateway.registry.pending_requests import PendingRequests
from lgsp_gateway.registry.permission import Permission
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore, revision_conflict
from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog


class Administration:
    """Changes documents on behalf of a caller.

    Args:
        permission: decides who may change what; the registry's own by default.
    """

    def __init__(
        self,
        registry: RegistrySnapshot,
        store: DocumentStore,
        follower: RegistryReplica,
        security: SecurityLog,
        permission: Permission | None = None,
    ) -> None:
        self._permission = permission or Permission(registry, NameHistory(registry, store))
        self._registry = registry
        self._store = store
        self.reader = DocumentReader(registry, store)
        self.pending = PendingRequests(registry, self._permission)
        self.writer = ChangeWriter(registry, store, follower, security)

    async def put(
        self,
        caller: Principal,
        document: Any,
        expected: int | None,
        reason: str,
        *,
        dry_run: bool = False,
        end_tokens: bool = False,
        manifest_set: str = "",
    ) -> DocumentVersion:
        """Create or replace a document.

        Args:
            expected: the revision that the change was made from, `ABSENT` to create, None to create or fail on what
                is there.
            end_tokens: of a system: tokens it was given until now count no more.
            manifest_set: of the files that the document comes from, which the registry records; what they leave as it is
                keeps its status.

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

        async def decide(caller: Principal) -> Change:
            known = self._registry.versions[kind].get(name)
            self._permission.may_change(caller, kind, name, spec, known)
            if kind == "Service":
                where = SourceLocation(f"{kind} {name}", ("spec", "contract"))
                await self._permission.contracts.check(caller.name, spec["contract"], where)
            document_rules.check_references(plain, f"{kind} {name}", self._registry)
            if manifest_set and known and is_same_json(known.spec, spec) and not end_tokens:
                status = self.reader.find_changeable(caller, kind, name).status
            else:
                status = await self._permission.put(caller, kind, name, spec, known, end_tokens=end_tokens)
            if known and expected in (None, ABSENT):
                raise _already_exists(kind, name)
            if (known.revision if known else ABSENT) != (expected or ABSENT):
                raise revision_conflict(kind, name)
            return Change(kind, name, known, spec, status, manifest_set)

        if dry_run:
            change = await decide(caller)
            base = change.known.revision if change.known else ABSENT
            return DocumentVersion.of(kind, name, spec, base, 0, str(caller), reason, change.status)
        return await self.writer.write(decide, caller, reason)

    async def delete(
        self,
        caller: Principal,
        kind: str,
        name: DocumentName,
        expected: int,
        reason: str,
        manifest_set: str = "",
    ) -> DocumentVersion:
        """Delete a document that nothing refers to. Its history stays.

        Args:
            manifest_set: of the files, where they hold the document no more.

        Raises:
            Refusal: `not-found`, `not-granted`, `in-use`, `revision-conflict` or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known = self.reader.find_changeable(caller, kind, name)
            if known.revision != expected:
                raise revision_conflict(kind, name)
            self._permission.delete(caller, kind, name, known)
            document_rules.check_unused(kind, name, self._registry)
            owners = sorted(ownership.readers_of(known, self._registry))
            return Change(kind, name, known, None, {"owners": owners}, manifest_set)

        return await self.writer.write(decide, caller, reason)

    async def act_on_grant(
        self,
        caller: Principal,
        name: DocumentName,
        action: grants.Action,
        reason: str,
        until: str,
        expected: int | None = None,
    ) -> DocumentVersion:
        """Take a step in the life of a grant.

        Args:
            expected: the revision that the caller has read, so that nobody approves what was changed meanwhile; None
                where that is the same to the caller. Approvals by others since then are no change of what was read.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `invalid-document`, `malformed`, `revision-conflict`
                or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known = self.reader.find_changeable(caller, "Grant", name)
            if expected not in (None, known.revision) and not (
                action in grants.DECISIONS and await self._only_approved_since(expected, known)
            ):
                raise revision_conflict("Grant", name)
            if action in ("approve", "resume"):  # what it refers to may have gone meanwhile
                plain = {**known.document(), "metadata": {"name": name}}
                plain.pop("status", None)
                document_rules.check_references(plain, f"Grant {name}", self._registry)
            status = self._permission.act(caller, name, known, action, reason, until)
            return Change("Grant", name, known, known.spec, status)

        return await self.writer.write(decide, caller, reason)

    async def _only_approved_since(self, revision: int, known: DocumentVersion) -> bool:
        """Tell whether nothing but approvals came to a grant since a revision of it."""
        history = await self._store.history("Grant", known.name)
        since = [version for version in history if revision <= version.revision <= known.revision]
        was_read = bool(since) and since[-1].revision == revision
        return was_read and grants.differ_by_approvals_alone(version.spec_and_status() for version in since)

    def as_deputy(self, caller: Principal, absent: str) -> Principal:
        """Return the principal that a caller is in the place of an absent approver.

        Args:
            absent: the id of the approver.

        Raises:
            Refusal: `not-granted`, where the caller is not their deputy today.
        """
        principal = deputies.principal_of_deputy(caller, absent, self._registry.persons) if caller.person else None
        if principal is None:
            raise Refusal(
                "not-granted",
                vi="Hôm nay bạn không phải người thay thế của người này; người thay thế chỉ quyết định trong thời gian mà người vắng mặt đã đồng ý.",
                en="You are not this person's deputy today; a deputy decides in the period that the absent person has consented to.",
            )
        return principal

    async def renew_grant(
        self, caller: Principal, name: DocumentName, until: str, reason: str, expected: int | None = None
    ) -> DocumentVersion:
        """Make the grant that succeeds a grant: approved by the caller where they may approve it, requested where they may not.

        Args:
            until: the last day of the successor (ISO 8601); empty for a year after the end of the grant.
            expected: as `act_on_grant` takes it.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `already-exists`, `malformed`, `revision-conflict` or
                `bus-unavailable`.
        """
        reason = reason or f"renewal of {name}"

        async def decide(caller: Principal) -> Change:
            known = self.reader.find(caller, "Grant", name)
            if expected not in (None, known.revision):
                raise revision_conflict("Grant", name)
            today = datetime.datetime.now(VIETNAM).date()
            document = renewals.successor(name, known.spec or {}, known.status, until, today, self._registry)
            new_name, spec = DocumentName(document["metadata"]["name"]), document["spec"]
            self._permission.may_change(caller, "Grant", new_name, spec, None)
            document_rules.check_references(document, f"Grant {new_name}", self._registry)
            status = await self._permission.put(caller, "Grant", new_name, spec, None)
            return Change("Grant", new_name, None, spec, {**status, "renews": name})

        return await self.writer.write(decide, caller, reason)

    async def consent_to_deputy(self, caller: Principal, expected: int, *, consents: bool) -> DocumentVersion:
        """Let an approver consent to the deputy that their own document names, or consent no more.

        Args:
            expected: the revision of their document that they have read.

        Raises:
            Refusal: `step-not-allowed`, `revision-conflict` or `bus-unavailable`.
        """

        present = self._registry.versions["Person"][DocumentName(caller.person)]
        if (
            not consents and deputies.CONSENTED not in present.status
        ):  # or anybody could add to the registry without an end
            return present

        async def decide(caller: Principal) -> Change:
            name = DocumentName(caller.person)
            known = self._registry.versions["Person"][name]
            if known.revision != expected:
                raise revision_conflict("Person", name)
            persons = self._permission.persons
            status = persons.consent(caller, known) if consents else persons.withdraw_consent(known)
            return Change("Person", name, known, known.spec, status)

        return await self.writer.write(decide, caller, "consents to the deputy" if consents else "consents no more")

    async def suspend_service(
        self, caller: Principal, name: DocumentName, since: str, until: str, reason: str
    ) -> DocumentVersion:
        """Suspend a service, planned or at once.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `malformed` or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known, now = self.reader.find_changeable(caller, "Service", name), datetime.datetime.now(VIETNAM)
            suspension.check_step(known.status, "plan" if since else "suspend", now)
            status = {"suspension": suspension.planned(since, until, reason, now)}
            return Change("Service", name, known, known.spec, status)

        return await self.writer.write(decide, caller, reason)

    async def resume_service(self, caller: Principal, name: DocumentName, reason: str) -> DocumentVersion:
        """End a suspension, or take back a planned one.

        Raises:
            Refusal: `not-found`, `not-granted` or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known = self.reader.find_changeable(caller, "Service", name)
            suspension.check_step(known.status, "resume", datetime.datetime.now(VIETNAM))
            return Change("Service", name, known, known.spec, {})

        return await self.writer.write(decide, caller, reason)

    async def end_tokens(self, caller: Principal, name: DocumentName, reason: str) -> DocumentVersion:
        """End the tokens that a system was given until now, at every gateway and on NATS.

        Raises:
            Refusal: `not-found`, `not-granted` or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known = self.reader.find_changeable(caller, "System", name)
            self._permission.check_end_tokens(caller, name, known)
            return Change("System", name, known, known.spec, tokens.ended(known.status, time.time()))

        return await self.writer.write(decide, caller, reason)


_NEEDED = {
    "Instance": (),
    "Agency": (),
    "Purpose": (),
    "System": ("agency",),
    "Service": ("contract",),
    "Grant": ("service", "major", "consumer"),
    "Person": ("issuer", "agency", "roles"),
}


def _parts(document: Any) -> tuple[str, DocumentName, DocumentSpec]:
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


def _already_exists(kind: str, name: str) -> Refusal:
    return Refusal(
        "already-exists",
        vi=f"{kind} {name} đã có; hãy thay bằng PUT kèm If-Match của bản hiện hành.",
        en=f"There is a {kind} {name} already; replace it by PUT with the If-Match of its version.",
    )
