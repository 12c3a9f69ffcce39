"""Makes operators of those whom the owner of a gateway's machine invites: the first ones of a bus, and new ones where all are locked out.

Where the bus has operators who can sign in, an invitation waits for a day: the person stands in the registry without an account, every
operator is told, and any of them stops it by ending the person. Else one machine's owner could make themselves two pairs of eyes without
a word. What is done is evidence before it is done (docs/decisions/082).
"""

import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import structlog

from lgsp_auth.id_token import Account
from lgsp_contracts.names import DocumentName, document_name
from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.operate.bootstrap import invitation_file
from lgsp_gateway.operate.bootstrap.invitation_file import Invitation, Invited
from lgsp_gateway.operate.bootstrap.registry_evidence import registry_entry
from lgsp_gateway.registry import approver_roles
from lgsp_gateway.registry.documents import DocumentSpec, DocumentVersion
from lgsp_gateway.registry.lifecycle.persons import phase_of
from lgsp_gateway.registry.persons import Person
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_gateway.sessions.accounts import SALT_BYTES, AccountCodes, commitment
from lgsp_gateway.sessions.local_users.local_sign_in import LINK_SECONDS, new_link
from lgsp_gateway.sessions.local_users.user_store import LocalUser, LocalUserStore
from lgsp_gateway.sessions.store import PeopleStore, Profile
from lgsp_problems import RevisionConflict, Text
from lgsp_runtime.security_events import SecurityLog

LOOK_SECONDS = 1.0
"""How often a gateway looks whether there is an invitation."""

WAITING_SECONDS = 86_400.0
"""For how long operators who can sign in may stop an invitation."""

SHOWN_SECONDS = 7 * 86_400.0
"""For how long a recovery fails the check of `lgsp doctor`, so that no operator misses it."""


@dataclass(frozen=True, slots=True)
class InviterParts:
    """What operators are made with."""

    registry: RegistrySnapshot
    store: DocumentStore
    replica: RegistryReplica
    people: PeopleStore
    codes: AccountCodes
    log: EvidenceLog
    security: SecurityLog


class OperatorInviter:
    """Carries out the invitations beside the keys of this machine.

    Args:
        keys: the folder of keys.
        gateway: the name of this gateway.
        url: of the bus, which is the issuer of its local users.
    """

    def __init__(self, parts: InviterParts, keys: Path, gateway: str, url: str) -> None:
        self._parts = parts
        self._users = LocalUserStore(parts.people)
        self._keys = keys
        self._gateway = gateway
        self._by = f"host/{gateway}"
        self._url = url

    async def round(self) -> None:
        """Take each invitation one step further.

        Raises:
            Refusal: `bus-unavailable`.
        """
        with invitation_file.locked(self._keys) as ours:
            for invitation in invitation_file.read_all(self._keys) if ours else ():
                try:
                    await self._advance(invitation, time.time())
                except RevisionConflict:  # somebody changed the person; the next round sees what became of them
                    continue

    def checks(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the check by the name under which `lgsp doctor` and the metrics show it."""
        return {"recovery": self._check}

    async def _advance(self, invitation: Invitation, now: float) -> None:
        if invitation.state == "new":
            invitation = await self._announce(invitation, now)
        if invitation.state != "waiting":
            return
        phases = [self._phase(one) for one in invitation.operators]
        if any(phase not in ("created", "active") for phase in phases):
            invitation.save(state="stopped")
        elif refusal := await self._reason_against(invitation):
            invitation.save(state="refused", detail=(refusal.vi, refusal.en))
        elif now >= max(self._due(one) for one in invitation.operators):
            operators = [await self._admit(one, invitation) for one in invitation.operators]
            invitation.save(state="invited", operators=tuple(operators))

    async def _announce(self, invitation: Invitation, now: float) -> Invitation:
        """Register the persons, without an account, and say from when on they may have one."""
        refusal = await self._reason_against(invitation)
        if refusal:
            return invitation.save(state="refused", detail=(refusal.vi, refusal.en))
        is_recovery = any(_can_sign_in(person) for person in self._parts.registry.persons.values())
        due = now + WAITING_SECONDS if is_recovery else now
        for one in invitation.operators:
            if self._phase(one) == "absent":
                invited = {"at": int(now * 1000), "due": int(due * 1000), "by": self._by, "recovery": is_recovery}
                status = {"phase": "created", "invited": invited}
                await self._write(one, status, 0, invitation.reason, "invited")
        return invitation.save(state="waiting", due=due)

    async def _reason_against(self, invitation: Invitation) -> Text | None:
        unknown = sorted({one.agency for one in invitation.operators if not self._has_agency(one.agency)})
        if unknown:
            codes = ", ".join(unknown)
            return Text(
                f"Trục không có cơ quan {codes}; hãy mời lại với mã của một cơ quan trong sổ đăng ký.",
                f"There is no agency {codes} on the bus; invite them again for one that is registered.",
            )
        for one in invitation.operators:
            found = await self._users.by_name(one.user)
            if found and (found[0].id != one.account or found[0].password or found[0].passkeys):
                return Text(
                    f"Tên đăng nhập {one.user} đã có người dùng; hãy mời lại với một tên khác.",
                    f"There is a user {one.user} already; invite them again under another name.",
                )
        return None

    async def _admit(self, one: Invited, invitation: Invitation) -> Invited:
        """Give a person an account, and make them an operator; return them with the link that sets the password."""
        link, digest = new_link()
        found = await self._users.by_name(one.user)
        user, revision = found or (LocalUser(one.account, one.user), 0)
        user = user.with_(link=digest, link_expires=time.time() + LINK_SECONDS)
        await (self._users.save(user, revision) if found else self._users.add(user))
        if self._phase(one) == "created":
            code, salt = self._parts.codes.code(Account(self._url, user.id)), secrets.token_bytes(SALT_BYTES)
            await self._parts.people.link(one.person, Profile(code, one.name), salt)
            known = self._parts.registry.versions["Person"][document_name("Person", one.person)]
            status = {
                **{key: value for key, value in known.status.items() if key == "invited"},
                "phase": "active",
                "account": commitment(code, salt),
                "preparedBy": self._by,
                "generation": 1,
            }
            spec = known.spec or {}
            await self._write(
                one,
                approver_roles.with_present_roles(spec, status),
                known.revision,
                invitation.reason,
                "activated",
                spec,
            )
        # After the #, which browsers send to nobody: not into a log, not to another page.
        address = f"{self._url}/console/sign-in/password#{quote(one.user)}/{link}"
        return Invited(one.user, one.agency, one.name, one.person, one.account, address)

    async def _write(
        self,
        one: Invited,
        status: DocumentSpec,
        expected: int,
        reason: str,
        action: str,
        spec: DocumentSpec | None = None,
    ) -> None:
        """Write a version of a person, after the evidence of it."""
        name = document_name("Person", one.person)
        spec = spec or {"issuer": self._url, "agency": one.agency, "roles": ["operator"]}
        draft = DocumentVersion.of("Person", name, spec, 0, int(time.time() * 1000), self._by, reason, status)
        await self._parts.log.write(registry_entry(draft, self._gateway, self._by, action))
        version = await self._parts.store.keep(draft, expected)
        await self._parts.replica.wait_for_revision(version.revision)
        structlog.get_logger().warning("operator invited from this machine", person=one.person, step=action)
        self._parts.security.event(
            "role-changed",
            "success",
            "iam",
            f"Person {one.person} {action} from the machine of a gateway",
            user__name=self._by,
            event__reason=reason,
            lgsp__kind="Person",
            lgsp__name=one.person,
            lgsp__revision=version.revision,
        )

    def _phase(self, one: Invited) -> str:
        version = self._parts.registry.versions["Person"].get(DocumentName(one.person))
        return phase_of(version.status) if version and version.spec is not None else "absent"

    def _due(self, one: Invited) -> float:
        """Return when an invitation takes effect, as all operators were told: whoever writes the file does not shorten their time."""
        version = self._parts.registry.versions["Person"][document_name("Person", one.person)]
        due: float = version.status.get("invited", {}).get("due", math.inf) / 1000
        return due

    def _has_agency(self, code: str) -> bool:
        return code in self._parts.registry.versions["Agency"]

    async def _check(self) -> Text | None:
        """Say which operators were invited in a recovery of late."""
        since, recovered = (time.time() - SHOWN_SECONDS) * 1000, []
        for name, person in self._parts.registry.persons.items():
            if "operator" not in person.roles:
                continue
            invited = self._parts.registry.versions["Person"][document_name("Person", name)].status.get("invited", {})
            if invited.get("recovery") and invited["at"] > since:
                recovered.append((name, person.phase, invited))
        if not recovered:
            return None
        name, phase, invited = recovered[0]
        people, at, due = ", ".join(one for one, _, _ in recovered), invited["at"] / 1000, invited["due"] / 1000
        if phase == "created":
            return Text(
                f"Từ máy của {invited['by']} lúc {iso_time(at)} có người được mời làm người vận hành: {people}; việc này có hiệu lực lúc {iso_time(due)}. Nếu không đúng, hãy chặn bằng lgsp person end {name} --reason …",
                f"From the machine of {invited['by']} operators were invited at {iso_time(at)}: {people}; it takes effect at {iso_time(due)}. If that is not right, stop it: lgsp person end {name} --reason …",
            )
        return Text(
            f"Từ máy của {invited['by']} đã có người vận hành mới: {people}, được mời lúc {iso_time(at)}. Nếu không đúng, hãy chấm dứt họ (lgsp person end) và đổi các khóa của máy đó.",
            f"From the machine of {invited['by']} new operators were made: {people}, invited at {iso_time(at)}. If that is not right, end them (lgsp person end), and change the keys of that machine.",
        )


def _can_sign_in(person: Person) -> bool:
    return person.phase == "active" and "operator" in person.roles
