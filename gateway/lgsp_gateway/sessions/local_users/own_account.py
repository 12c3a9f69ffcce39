"""What a local user changes of how they sign in. Each change needs their password again: whoever finds an open browser changes nothing."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lgsp_gateway.sessions.local_users.local_sign_in import MAX_PASSWORD, LocalParts
from lgsp_gateway.sessions.local_users.passwords import check_new_password
from lgsp_gateway.sessions.local_users.user_store import LocalUser
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.session_store import Session, SessionStore
from lgsp_problems import NotFound, Refusal, Text, Violation

SET_UP_SECONDS = 900
"""How long somebody may take to set up an authenticator."""


class NewAuthenticator(NamedTuple):
    """An authenticator that is being set up: what it reads from a QR code, the secret to type instead, and what to bring back."""

    uri: str
    secret: str
    state: str


class OwnAccount:
    """Changes local users on their own behalf.

    Args:
        sealer: seals what a set-up must bring back.
    """

    def __init__(self, parts: LocalParts, sessions: SessionStore, sealer: Sealer) -> None:
        self._parts = parts
        self._sessions = sessions
        self._sealer = sealer

    async def user_of(self, session: Session) -> tuple[LocalUser, int]:
        """Return the local user of a session, and the revision of what is kept.

        Raises:
            Refusal: `not-found`, where the session is of an account of another issuer; `bus-unavailable`.
        """
        found = await self._parts.users.by_id(session.user) if session.user else None
        if found is None:
            raise NotFound(
                vi="Bạn đăng nhập bằng tài khoản của bên cấp khác; hãy đổi mật khẩu và bảo mật ở đó.",
                en="You sign in with the account of another issuer; change its password and security there.",
            )
        return found

    async def change_password(self, session: Session, session_id: str, old: str, new: str, now: float) -> None:
        """Change the password, and end all other sessions of the person.

        Raises:
            Refusal: `sign-in-failed`, `too-many-attempts`, `invalid-document`, `not-found` or `bus-unavailable`.
        """
        user, revision = await self._confirmed(session, old, now)
        check_new_password(new, user.name, "/newPassword")
        await self._parts.users.save(user.with_(password=await self._parts.passwords.hash(new)), revision)
        await self._sessions.end_others(session.person, session_id)

    async def begin_authenticator(self, session: Session, password: str, now: float) -> NewAuthenticator:
        """Begin to set up an authenticator.

        Raises:
            Refusal: as `change_password`.
        """
        user, _ = await self._confirmed(session, password, now)
        secret = self._parts.second_factor.new_secret()
        state = self._sealer.seal({"secret": secret, "user": user.id}, now)
        return NewAuthenticator(self._parts.second_factor.uri(secret, user.name), secret, state)

    async def finish_authenticator(self, session: Session, state: str, code: str, now: float) -> list[str]:
        """Take an authenticator into use that shows a right code; return the recovery codes, which are shown once.

        Raises:
            Refusal: `invalid-document`, where the code is wrong; `not-found`, `bus-unavailable`.
        """
        user, revision = await self.user_of(session)
        begun = self._sealer.open(state, now, SET_UP_SECONDS)
        factor = self._parts.second_factor
        step = factor.step_of(begun["secret"], code.replace(" ", ""), now) if begun else None
        if begun is None or begun["user"] != user.id or step is None:
            message = Text(
                "Mã này không đúng; hãy nhập mã 6 chữ số mà ứng dụng đang hiển thị.",
                "This code is wrong; enter the 6 digits that the app shows now.",
            )
            raise Refusal(
                "invalid-document",
                vi=message.vi,
                en=message.en,
                violations=[Violation("/code", "/properties/code", message)],
            )
        shown, kept = factor.new_recovery_codes(user)
        await self._parts.users.save(
            user.with_(totp=factor.seal(begun["secret"], now), totp_step=step, recovery=kept), revision
        )
        return shown

    async def remove_authenticator(self, session: Session, password: str, now: float) -> None:
        """Take the authenticator out of use.

        Raises:
            Refusal: as `change_password`.
        """
        user, revision = await self._confirmed(session, password, now)
        await self._parts.users.save(user.with_(totp="", totp_step=0, recovery=()), revision)

    async def begin_passkey(self, session: Session, password: str, now: float) -> dict[str, Any]:
        """Begin to add a passkey: return what the browser needs, and `state` to bring back.

        Raises:
            Refusal: as `change_password`.
        """
        user, _ = await self._confirmed(session, password, now)
        return self._parts.passkeys.registration(user, now)

    async def finish_passkey(
        self, session: Session, state: str, credential: Mapping[str, Any], name: str, now: float
    ) -> None:
        """Add the passkey that the browser has made.

        Raises:
            Refusal: `sign-in-failed`, `step-not-allowed`, `not-found`, `bus-unavailable`.
        """
        user, revision = await self.user_of(session)
        await self._parts.users.save(await self._parts.passkeys.add(user, state, credential, name, now), revision)

    async def remove_passkey(self, session: Session, passkey: str, password: str, now: float) -> None:
        """Remove a passkey.

        Raises:
            Refusal: as `change_password`; `not-found`, where there is none of this id.
        """
        user, revision = await self._confirmed(session, password, now)
        left = tuple(one for one in user.passkeys if one.id != passkey)
        if len(left) == len(user.passkeys):
            raise NotFound(
                vi="Không có khóa truy cập này; hãy tải lại trang.", en="There is no such passkey; reload the page."
            )
        await self._parts.users.save(user.with_(passkeys=left), revision)

    async def _confirmed(self, session: Session, password: str, now: float) -> tuple[LocalUser, int]:
        """Return the user of a session who has typed their password again."""
        user, revision = await self.user_of(session)
        own_count = f"session of {session.person}"  # a person who is signed in is not held up by who guesses elsewhere
        await self._parts.attempts.begin(user.name, own_count, now)
        if not await self._parts.passwords.matches(user.password, password[:MAX_PASSWORD]):
            message = Text(
                "Mật khẩu hiện tại không đúng; hãy nhập lại.", "Your present password is wrong; enter it again."
            )
            raise Refusal(
                "sign-in-failed",
                vi=message.vi,
                en=message.en,
                violations=[Violation("/password", "/properties/password", message)],
            )
        await self._parts.attempts.succeeded(user.name, own_count)
        return user, revision
