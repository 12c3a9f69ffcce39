"""Begins sessions of people who have signed in with an issuer in their browser (`issuer_redirects`)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lgsp_auth.id_token import SignInIssuer
from lgsp_auth.one_time import ReplayGuard
from lgsp_gateway.sessions.issuer_redirects import BegunSignIn, IssuerRedirects
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.session_store import Origin
from lgsp_gateway.sessions.sign_in import SignIn

CALLBACK = "/console/callback"

_PATH = re.compile(r"/console([/?#][!-\[\]-~]*)?")


class FinishedSignIn(NamedTuple):
    """The token of the session that has begun, and the path that the person came from."""

    token: str
    return_path: str


class IssuerSignIn:
    """Signs browsers in with the configured issuers.

    Args:
        replays: sees to it that each sign-in is finished once.
        keys: returns the storage keys of the bus by number.
        public_url: the address under which browsers reach the bus.
    """

    def __init__(
        self,
        sign_in: SignIn,
        issuers: Sequence[SignInIssuer],
        replays: ReplayGuard,
        keys: Callable[[], Mapping[int, bytes]],
        public_url: str,
    ) -> None:
        self._sign_in = sign_in
        self._redirects = IssuerRedirects(
            issuers, sign_in.verify, replays, Sealer(keys, "sign-in"), f"{public_url}{CALLBACK}"
        )

    async def begin(self, issuer: str, return_path: str, now: float) -> BegunSignIn:
        """Begin a sign-in.

        Args:
            issuer: the name of a configured issuer.
            return_path: the path to go to afterwards; another one than of the console is ignored.
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`.
        """
        return await self._redirects.begin(issuer, own_path(return_path), now)

    async def finish(self, sealed: str, query: Mapping[str, str], origin: Origin, now: float) -> FinishedSignIn:
        """Finish a sign-in with the parameters of the issuer's redirect.

        Args:
            sealed: what the browser has brought back; "" for nothing.
            now: seconds since 1970.

        Raises:
            AccountNotRegistered: the account is nobody's.
            Refusal: `sign-in-failed`, `invalid_grant` or `bus-unavailable`.
        """
        verified = await self._redirects.finish(sealed, query, now)
        account, key = verified.identity.account, verified.identity.key
        return FinishedSignIn(await self._sign_in.begin(account, origin, now, key), verified.return_path)

    def return_path_of(self, sealed: str, now: float) -> str:
        """Return the path that a browser came from when it began, also where the sign-in failed."""
        return own_path(self._redirects.return_path_of(sealed, now))


def own_path(path: str) -> str:
    """Return a path of the console; `/console` for anything else, so that nobody is led away."""
    return path if _PATH.fullmatch(path) and len(path) <= 2000 else "/console"
