"""Signs a browser in with an issuer, as its back end: authorization code with PKCE (OAuth 2.0 for Browser-Based Apps, section 6.1).

No token ever reaches the browser. What the redirect must be compared with is sealed into a cookie of the browser that began, so that
nobody else can finish the sign-in, and none can be finished in somebody else's browser (RFC 6749, section 10.12). It counts once.
"""

import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from lgsp_auth.id_token import IdTokenVerifier, SignInIssuer, VerifiedIdToken, one_time_value
from lgsp_auth.one_time import OneTimeKind, OneTimeValue, ReplayGuard
from lgsp_auth.signed_jwt import CLOCK_SKEW
from lgsp_gateway.sessions.oidc_client import (
    AuthorizationRequest,
    Client,
    Endpoints,
    OidcClient,
    failed,
    redirected_code,
)
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_problems import Refusal
from lgsp_runtime import connection_errors

SIGN_IN_SECONDS = 900
"""How long somebody may take at the issuer."""
ISSUER_SECONDS = 10.0
"""How long an issuer may take to answer."""
DISCOVERY_SECONDS = 300.0
"""How long what an issuer publishes of itself is not read again: anybody can begin a sign-in."""


class BegunSignIn(NamedTuple):
    """Where to send the browser, and what it must bring back in its cookie."""

    url: str
    sealed: str


class VerifiedRedirect(NamedTuple):
    """What an issuer says of whoever has signed in, and the path that they came from."""

    identity: VerifiedIdToken
    return_path: str


class IssuerRedirects:
    """Sends browsers to the configured issuers, and verifies what they bring back.

    Args:
        verify: verifies an ID token (`SignIn.verify`).
        replays: sees to it that each sign-in is finished once.
        sealer: seals what a browser must bring back.
        callback: the address that issuers send browsers back to.
    """

    def __init__(
        self,
        issuers: Sequence[SignInIssuer],
        verify: Callable[[IdTokenVerifier, str, float], Awaitable[VerifiedIdToken]],
        replays: ReplayGuard,
        sealer: Sealer,
        callback: str,
    ) -> None:
        self._clients = {issuer.issuer.name: _client_of(issuer) for issuer in issuers}
        self._verifier = IdTokenVerifier(
            SignInIssuer(issuer.issuer, issuer.console_client or issuer.client) for issuer in issuers
        )
        self._verify = verify
        self._replays = replays
        self._sealer = sealer
        self._callback = callback
        self._endpoints: dict[str, tuple[float, Endpoints]] = {}

    async def begin(self, issuer: str, return_path: str, now: float) -> BegunSignIn:
        """Begin a sign-in.

        Args:
            issuer: the name of a configured issuer.
            return_path: the path to go to afterwards.
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`.
        """
        client = self._client(issuer)
        async with _asking(issuer) as session:
            endpoints = await self._discovered(session, client)
        request = AuthorizationRequest.create(self._callback)
        document = {
            "issuer": issuer,
            "state": request.state,
            "nonce": request.nonce,
            "verifier": request.verifier,
            "return": return_path,
        }
        return BegunSignIn(request.url(endpoints, client), self._sealer.seal(document, now))

    async def finish(self, sealed: str, query: Mapping[str, str], now: float) -> VerifiedRedirect:
        """Verify the parameters of an issuer's redirect.

        Args:
            sealed: what the browser has brought back; "" for nothing.
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`, `invalid_grant` or `bus-unavailable`.
        """
        begun = self._begun(sealed, now)
        if begun is None or not hmac.compare_digest(query.get("state", "").encode(), begun["state"].encode()):
            raise failed(
                "lần đăng nhập này bắt đầu ở một cửa sổ khác hoặc đã quá lâu; hãy bắt đầu lại",
                "this sign-in began in another window or too long ago; begin again",
            )
        client = self._client(begun["issuer"])
        await self._replays.use(OneTimeValue(_STATE, begun["issuer"], begun["state"]))
        request = AuthorizationRequest(self._callback, begun["state"], begun["nonce"], begun["verifier"])
        async with _asking(client.issuer) as session:
            endpoints = await self._discovered(session, client)
            code = redirected_code(query, client.issuer, must_name_issuer=endpoints.names_itself)
            token = await OidcClient(session, client).redeem(endpoints, request, code)
        identity = await self._verify(self._verifier, token, now)
        if identity.account.issuer != client.issuer:
            raise failed("mã định danh do bên cấp khác cấp", "the ID token is another issuer's")
        await self._replays.use(one_time_value(token, identity.account))
        return VerifiedRedirect(identity, begun["return"])

    def return_path_of(self, sealed: str, now: float) -> str:
        """Return the path that a browser came from when it began; "" where that is not known any more."""
        begun = self._begun(sealed, now)
        return str(begun["return"]) if begun else ""

    def _begun(self, sealed: str, now: float) -> dict[str, Any] | None:
        return self._sealer.open(sealed, now, SIGN_IN_SECONDS) if sealed else None

    def _client(self, issuer: str) -> Client:
        client = self._clients.get(issuer)
        if client is None:
            raise failed(
                "trục không dùng bên cấp này để đăng nhập; hãy chọn lại",
                "the bus does not use this issuer; choose again",
            )
        return client

    async def _discovered(self, session: aiohttp.ClientSession, client: Client) -> Endpoints:
        read_at, endpoints = self._endpoints.get(client.issuer, (float("-inf"), None))
        if endpoints is None or time.monotonic() - read_at > DISCOVERY_SECONDS:
            endpoints = await OidcClient(session, client).discover()
            self._endpoints[client.issuer] = time.monotonic(), endpoints
        return endpoints


@asynccontextmanager
async def _asking(issuer: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for requests to an issuer; one that does not answer is a sign-in that failed."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ISSUER_SECONDS)) as session:
            yield session
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = connection_errors.describe_error(error)
        raise failed(
            f"bên cấp {issuer} không trả lời ({reason}); hãy thử lại sau",
            f"the issuer {issuer} does not answer ({reason}); try again later",
        ) from error


def _client_of(issuer: SignInIssuer) -> Client:
    client = issuer.console_client or issuer.client
    return Client(issuer.issuer.name, client, issuer.scopes, issuer.issuer.algorithms, issuer.console_secret)


_STATE = OneTimeKind(
    name="sign-in",
    seconds=SIGN_IN_SECONDS + CLOCK_SKEW,
    limit=100_000,
    limit_per_owner=100_000,
    replayed=lambda: failed(
        "lần đăng nhập này đã kết thúc; hãy bắt đầu lại", "this sign-in was finished before; begin again"
    ),
    too_many=lambda: Refusal(
        "too-many-attempts",
        vi="Quá nhiều người đang đăng nhập cùng lúc; hãy thử lại sau một phút.",
        en="Too many people are signing in at the same time; try again in a minute.",
        retry_after=60,
    ),
)
