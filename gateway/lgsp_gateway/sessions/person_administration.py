"""What operators do with people beside their documents: link an account, approve it, suspend, resume and end.

The registry holds the commitment to an account, the buckets of `store` what can be forgotten of it. Both are written while
no other change is, so that where the bus fails in between nobody signs in who should not, and the step, taken again, comes
to the same end: the salt goes before the document that refers to it, and an ended document before what is forgotten then.
"""

import secrets

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.change_writer import Change, ChangeWriter
from lgsp_gateway.registry.document_reader import DocumentReader
from lgsp_gateway.registry.documents import DocumentVersion
from lgsp_gateway.registry.lifecycle.persons import Action
from lgsp_gateway.registry.person_permission import PersonPermission
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import revision_conflict
from lgsp_gateway.sessions.accounts import SALT_BYTES, commitment, is_committed
from lgsp_gateway.sessions.store import PeopleStore, Profile
from lgsp_problems import Refusal


class PersonAdministration:
    """Changes people on behalf of a caller."""

    def __init__(
        self, registry: RegistrySnapshot, reader: DocumentReader, writer: ChangeWriter, people: PeopleStore
    ) -> None:
        self._registry = registry
        self._reader = reader
        self._writer = writer
        self._people = people
        self._permission = PersonPermission(registry)

    async def profile(self, caller: Principal, name: DocumentName) -> Profile | None:
        """Read what a person is called, and the code of their account; None where no account is linked.

        Raises:
            Refusal: `not-found` or `bus-unavailable`.
        """
        self._reader.find(caller, "Person", name)
        return await self._people.profile(name)

    async def link(self, caller: Principal, name: DocumentName, profile: Profile, reason: str) -> DocumentVersion:
        """Link an account to a person, in the place of the one that was.

        Args:
            profile: the code of the account, as `sessions.accounts.read_code` has read it, and what the person is called.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `already-exists` or `bus-unavailable`.
        """
        code = profile.account

        async def decide(caller: Principal) -> Change:
            known = self._reader.find_changeable(caller, "Person", name)
            before = await self._people.profile(name)
            linked = await self._people.account(code)
            salt = linked.salt if linked and linked.person == name else secrets.token_bytes(SALT_BYTES)
            status = self._permission.link(caller, name, known, commitment(code, salt))
            if linked and linked.person != name and self._is_theirs(linked.person, code, linked.salt):
                raise _of_another()
            if before and before.account != code:
                await self._people.forget_account(before.account)
            await self._people.link(name, profile, salt)
            return Change("Person", name, known, known.spec, status)

        return await self._writer.write(decide, caller, reason)

    async def act(
        self, caller: Principal, name: DocumentName, action: Action, reason: str, expected: int | None = None
    ) -> DocumentVersion:
        """Take another step in the life of a person. Once ended, what they were called and their account are forgotten.

        Args:
            expected: the revision that the caller has read, so that nobody approves another account or other roles than
                those they were shown; None where that is the same to the caller.

        Raises:
            Refusal: `not-found`, `not-granted`, `step-not-allowed`, `malformed`, `revision-conflict` or `bus-unavailable`.
        """

        async def decide(caller: Principal) -> Change:
            known = self._reader.find_changeable(caller, "Person", name)
            if expected not in (None, known.revision):
                raise revision_conflict("Person", name)
            status = self._permission.act(caller, name, known, action, reason)
            return Change("Person", name, known, known.spec, status)

        version = await self._writer.write(decide, caller, reason)
        if action == "end":
            profile = await self._people.profile(name)
            if profile:
                await self._people.forget_account(profile.account)
            await self._people.forget_profile(name)
            await self._people.forget_notification_choices(name)
        return version

    def _is_theirs(self, person: str, code: str, salt: bytes) -> bool:
        known = self._registry.persons.get(person)
        return known is not None and is_committed(code, salt, known.account)


def _of_another() -> Refusal:
    return Refusal(
        "already-exists",
        vi="Tài khoản này đã thuộc về một người khác trên trục; hãy chấm dứt (end) người đó hoặc liên kết họ với tài khoản khác trước.",
        en="This account is another person's on this bus; end that person, or link them to another account first.",
    )
