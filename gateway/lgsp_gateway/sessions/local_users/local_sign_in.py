"""Signs local users in: by a password and the second factor that they have set up, or by a passkey."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from lgsp_auth.id_token import Account
from lgsp_gateway.sessions.local_users.attempt_limiter import AttemptLimiter
from lgsp_gateway.sessions.local_users.passkeys import Passkeys, user_of
from lgsp_gateway.sessions.local_users.passwords import Passwords, check_new_password
from lgsp_gateway.sessions.local_users.second_factor import SecondFactor
from lgsp_gateway.sessions.local_users.user_store import NOBODY, LocalUser, LocalUserStore
from lgsp_gateway.sessions.session_store import Origin
from lgsp_gateway.sessions.sign_in import BegunSession, SignIn
from lgsp_problems import Refusal, SecondFactorRequired, Text, Violation

LINK_SECONDS = 3 * 24 * 3600
"""How long a link that sets a password is valid."""
MAX_PASSWORD = 1024
"""Characters of a password that are looked at at all."""


class LocalParts(NamedTuple):
    """What local users are kept and checked by."""

    users: LocalUserStore
    passwords: Passwords
    second_factor: SecondFactor
    passkeys: Passkeys
    attempts: AttemptLimiter


class LocalSignIn:
    """Signs local users in.

    Args:
        issuer: the address of the bus, which is the issuer of their accounts.
    """

    def __init__(self, parts: LocalParts, sign_in: SignIn, issuer: str) -> None:
        self.parts = parts
        self._sign_in = sign_in
        self._issuer = issuer

    async def by_password(
        self, name: str, password: str, code: str, device: str, origin: Origin, now: float
    ) -> tuple[BegunSession, LocalUser]:
        """Sign a user in, and return the session.

        Args:
            name: as it was typed.
            code: of the second factor; "" where none was typed.
            device: the id of a browser that the user has signed in with before; "" for another one.
            now: seconds since 1970.

        Raises:
            SecondFactorRequired: the password is right, and a code is needed too.
            AccountNotRegistered: the account is nobody's.
            Refusal: `sign-in-failed`, `too-many-attempts`, `invalid_grant` or `bus-unavailable`.
        """
        typed, parts = name.strip().lower(), self.parts
        await parts.attempts.begin(typed, device, now)
        found = await parts.users.by_name(typed)
        user, revision = found or (LocalUser("", ""), 0)
        if not await parts.passwords.matches(user.password, password[:MAX_PASSWORD]):
            raise _wrong()
        if user.totp:
            if not code:  # still counted: else whoever has the password could guess codes without an end
                raise _code_needed()
            used = parts.second_factor.use(user, code, now)
            if used is None:
                raise _wrong_code()
            await parts.users.save(used, revision)
        await parts.attempts.succeeded(typed, device)
        return await self._begin(user, origin, now), user

    async def by_passkey(self, state: str, credential: Mapping[str, Any], origin: Origin, now: float) -> BegunSession:
        """Sign a user in by a passkey, and return the session.

        Raises:
            AccountNotRegistered: the account is nobody's.
            Refusal: `sign-in-failed`, `invalid_grant` or `bus-unavailable`.
        """
        found = await self.parts.users.by_id(user_of(credential))
        user, revision = found or (LocalUser("", ""), 0)
        used = await self.parts.passkeys.check(user, state, credential, now)
        await self.parts.users.save(used, revision)
        return await self._begin(user, origin, now)

    async def set_password(self, name: str, link: str, password: str, now: float) -> str:
        """Set the password of a user who shows the link that an operator gave them; return the code of their account.

        Raises:
            Refusal: `sign-in-failed`, where the link does not count; `invalid-document`, where the password may not be chosen.
        """
        found = await self.parts.users.by_name(name)
        user, revision = found or (LocalUser("", ""), 0)
        if not user.link or now > user.link_expires or not hmac.compare_digest(user.link, digest_of(link)):
            raise Refusal(
                "sign-in-failed",
                vi="Liên kết này đã được dùng hoặc đã hết hạn; hãy xin người vận hành trục một liên kết mới.",
                en="This link was used already or has expired; ask an operator of the bus for another one.",
            )
        check_new_password(password, user.name)
        hashed = await self.parts.passwords.hash(password)
        await self.parts.users.save(user.with_(password=hashed, link="", link_expires=0.0), revision)
        return self.account_code(user)

    def account_code(self, user: LocalUser) -> str:
        """Return the code of a user's account."""
        return self._sign_in.codes.code(self._account(user))

    async def end_sessions(self, user: LocalUser) -> None:
        """End the sessions of a user who is forgotten, at all gateways at once.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await self._sign_in.end_sessions(self._account(user), user.id)

    async def person_by_name(self, name: str) -> str:
        """Return the opaque id of the person who signs in under a user name; "" for nobody. It takes as long for a name that does not
        exist.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._person_of(await self.parts.users.by_name(name.strip().lower()))

    async def person_by_passkey(self, credential: Mapping[str, Any]) -> str:
        """Return the opaque id of the person as whom a passkey was shown; "" for nobody.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return await self._person_of(await self.parts.users.by_id(user_of(credential)))

    async def _person_of(self, found: tuple[LocalUser, int] | None) -> str:
        return await self._sign_in.person_of(Account(self._issuer, found[0].id if found else NOBODY))

    async def _begin(self, user: LocalUser, origin: Origin, now: float) -> BegunSession:
        return await self._sign_in.begin(self._account(user), origin._replace(user=user.id), now)

    def _account(self, user: LocalUser) -> Account:
        return Account(self._issuer, user.id)


def new_link() -> tuple[str, str]:
    """Return a new link's secret, and the digest that is kept of it."""
    link = secrets.token_urlsafe(32)
    return link, digest_of(link)


def digest_of(link: str) -> str:
    """Return what is kept of a link: it is random, so its digest needs no salt."""
    return hashlib.sha256(link.encode("utf-8", "surrogatepass")).hexdigest()


def _wrong() -> Refusal:
    return Refusal(
        "sign-in-failed",
        vi="Tên đăng nhập hoặc mật khẩu không đúng; hãy kiểm tra lại, hoặc nhờ người vận hành trục đặt lại.",
        en="The user name or the password is wrong; check both, or ask an operator of the bus to reset them.",
    )


def _code_needed() -> SecondFactorRequired:
    return SecondFactorRequired(
        vi="Hãy nhập mã trong ứng dụng xác thực của bạn, hoặc một mã khôi phục.",
        en="Enter the code that your authenticator shows, or a recovery code.",
    )


def _wrong_code() -> Refusal:
    message = Text(
        "Mã này không đúng hoặc đã được dùng; hãy đợi mã tiếp theo rồi nhập lại.",
        "This code is wrong or was used already; wait for the next one and enter it.",
    )
    return Refusal(
        "sign-in-failed",
        vi=message.vi,
        en=message.en,
        violations=[Violation("/code", "/properties/code", message)],
    )
