"""Local users as they are kept: in the bucket of what can be forgotten of people, under an opaque id that is their `sub`."""

import dataclasses
import re
import secrets
from dataclasses import dataclass
from typing import Any

from lgsp_gateway.sessions import buckets
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_problems import NotFound, Refusal, RevisionConflict

MAX_NAME = 64
_NAME = re.compile(r"(?=.{3,64}\Z)[a-z0-9]+([._-][a-z0-9]+)*")
_ANY = "local-users"
NOBODY = f"u-{'0' * 32}"
"""An id that no user has: it is looked for where a name is nobody's, so that this takes as long."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey: its credential id and public key (base64url), its counter, what its owner calls it, and when it was made (seconds since
    1970)."""

    id: str
    public_key: str
    count: int
    name: str
    made: float


@dataclass(frozen=True, slots=True)
class LocalUser:
    """A local user.

    Args:
        id: random; the `sub` of the account.
        name: what they type.
        password: its hash; "" before the first one is set.
        totp: the sealed secret of their authenticator; "" for none.
        totp_step: the last time step of a code that was used, so that each counts once.
        recovery: digests of recovery codes that are left.
        link: the digest of a link that sets a password once; "" for none.
        link_expires: seconds since 1970.
    """

    id: str
    name: str
    password: str = ""
    totp: str = ""
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    link: str = ""
    link_expires: float = 0.0

    @classmethod
    def create(cls, name: str) -> "LocalUser":
        """Make a user who has nothing to sign in with yet."""
        return cls(f"u-{secrets.token_hex(16)}", name)

    def with_(self, **changes: Any) -> "LocalUser":
        """Return the same user with other values."""
        return dataclasses.replace(self, **changes)


class LocalUserStore:
    """Reads and writes local users."""

    def __init__(self, people: PeopleStore) -> None:
        self._people = people

    async def any_exist(self) -> bool:
        """Tell whether a local user was ever made, so that the page of the sign-in asks for a password.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await buckets.read(self._people.bucket, _ANY) is not None

    async def names(self) -> list[str]:
        """Return the names of all local users, sorted.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return [key.removeprefix("login.") for key in await self._people.keys("login.>")]

    async def by_name(self, name: str) -> tuple[LocalUser, int] | None:
        """Read a user and the revision of what is kept, by name; None where there is none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if not _NAME.fullmatch(name):
            return None
        stored = await buckets.read(self._people.bucket, f"login.{name}")
        return await self.by_id(stored.document["user"] if stored else NOBODY)

    async def by_id(self, user: str) -> tuple[LocalUser, int] | None:
        """Read a user by id, as `by_name`."""
        if not re.fullmatch("u-[0-9a-f]{32}", user):
            return None
        stored = await buckets.read(self._people.bucket, f"user.{user}")
        return (_parse(stored.document), stored.revision) if stored else None

    async def add(self, user: LocalUser) -> None:
        """Keep a new user.

        Raises:
            Refusal: `already-exists`, `bus-unavailable`.
        """
        if await self.by_name(user.name):
            raise Refusal(
                "already-exists",
                vi="Đã có người dùng với tên đăng nhập này; hãy chọn tên khác, hoặc dùng lgsp user reset.",
                en="There is a user of this name already; choose another one, or use lgsp user reset.",
            )
        await buckets.write(self._people.bucket, f"user.{user.id}", dataclasses.asdict(user))
        await buckets.write(self._people.bucket, f"login.{user.name}", {"user": user.id})
        await buckets.write(self._people.bucket, _ANY, {})

    async def save(self, user: LocalUser, revision: int) -> None:
        """Keep a user who has changed.

        Raises:
            Refusal: `revision-conflict`, where somebody else changed them meanwhile; `bus-unavailable`.
        """
        if not await buckets.replace(self._people.bucket, f"user.{user.id}", dataclasses.asdict(user), revision):
            raise RevisionConflict(
                vi="Tài khoản này vừa được thay đổi ở nơi khác; hãy thử lại.",
                en="This account was changed elsewhere just now; try again.",
            )

    async def remove(self, name: str) -> LocalUser:
        """Forget a user; what was kept of them is overwritten on disk.

        Raises:
            Refusal: `not-found`, `bus-unavailable`.
        """
        found = await self.by_name(name)
        if found is None:
            raise NotFound(
                vi="Không có người dùng nào với tên đăng nhập này; hãy kiểm tra lại tên.",
                en="There is no user of this name; check the name.",
            )
        user, _ = found
        await self._people.erase(f"user.{user.id}")
        await self._people.erase(f"login.{user.name}")
        return user


def read_name(text: str) -> str:
    """Read the name of a user as somebody typed it.

    Raises:
        Refusal: `malformed`.
    """
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise Refusal(
            "malformed",
            vi="Tên đăng nhập gồm 3 đến 64 ký tự a-z và 0-9, giữa chúng có thể có dấu chấm, gạch nối hoặc gạch dưới.",
            en="A user name has 3 to 64 characters a-z and 0-9, with single dots, hyphens or underscores between them.",
        )
    return name


def _parse(document: dict[str, Any]) -> LocalUser:
    passkeys = tuple(Passkey(**one) for one in document["passkeys"])
    return LocalUser(**{**document, "recovery": tuple(document["recovery"]), "passkeys": passkeys})
