"""Signs a browser in with an issuer, as its back end: authorization code with PKCE (OAuth 2.0 for Browser-Based Apps, section 6.1).

No token ever reaches the browser. What the redirect must be compared with is sealed into a cookie of the browser that began, so that
nobody else can finish the sign-in, and none can be finished in somebody else's browser (RFC 6749, section 10.12). Nothing is kept of
it before the issuer has vouched for somebody: whoever is not signed in uses up nothing that others need.
"""

import asyncio
import hmac
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

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
    require_fresh,
)
from lgsp_gateway.sessions.sealing import Sealer
from lgsp_gateway.sessions.session_store import FRESH_SECONDS
from lgsp_problems import Refusal
from lgsp_runtime import connection_errors

SIGN_IN_SECONDS = 900
"""How long somebody may take at the issuer."""
SIGN_OUT_SECONDS = 2.0
"""How long somebody who signs out waits to learn where they sign out at their issuer."""
ISSUER_SECONDS = 10.0
"""How long an issuer may take to answer."""
DISCOVERY_SECONDS = 300.0
"""How long what an issuer publishes of itself is not read again: anybody can begin a sign-in."""


class SignInPage(NamedTuple):
    """What the page of a sign-in says: the path to go to afterwards, and whether the issuer is to ask for the person's credentials, also
    where they are signed in there."""

    return_path: str
    again: bool = False


class BegunSignIn(NamedTuple):
    """Where to send the browser, and what it must bring back in its cookie."""

    url: str
    sealed: str


class ReturnedSignIn(NamedTuple):
    """A sign-in whose browser has come back with the state that it began with: with which client, what was asked, and the parameters of
    the redirect. Nothing of it is verified at the issuer yet."""

    client: Client
    request: AuthorizationRequest
    query: Mapping[str, str]
    return_path: str
    replaced: str


class VerifiedRedirect(NamedTuple):
    """What an issuer says of whoever has signed in, the path that they came from, and the id of the session that their browser held when
    it began; "" for none."""

    identity: VerifiedIdToken
    return_path: str
    replaced: str


class IssuerRedirects:
    """Sends browsers to the configured issuers, and verifies what they bring back.

    Args:
        verify: verifies an ID token (`SignIn.verify`).
        replays: sees to it that each sign-in is finished once.
        sealer: seals what a browser must bring back.
        callback: the address that issuers send browsers back to; one that does not name itself in its redirects (RFC 9207) has an address
            of its own below it, so that another issuer cannot pass the code of this one off as its own (RFC 9700, section 4.4).
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

    async def begin(self, issuer: str, page: SignInPage, now: float, *, replaced: str) -> BegunSignIn:
        """Begin a sign-in.

        Args:
            issuer: the name of a configured issuer.
            now: seconds since 1970.
            replaced: the id of the session that the browser holds; "" for none.

        Raises:
            Refusal: `sign-in-failed`.
        """
        client = self._client(issuer)
        async with _asking(issuer) as session:
            endpoints = await self._discovered(session, client)
        redirect_uri = self._callback if endpoints.names_itself else f"{self._callback}/{callback_name(issuer)}"
        request = AuthorizationRequest.create(redirect_uri, FRESH_SECONDS if page.again else 0)
        document = {
            "issuer": issuer,
            "callback": redirect_uri,
            "state": request.state,
            "nonce": request.nonce,
            "verifier": request.verifier,
            "max_age": request.max_age,
            "return": page.return_path,
            "replaced": replaced,
        }
        return BegunSignIn(request.url(endpoints, client), self._sealer.seal(document, now))

    def returned(self, sealed: str, callback: str, query: Mapping[str, str], now: float) -> ReturnedSignIn:
        """Recognize the sign-in that a browser comes back from; nobody is asked for that.

        Args:
            sealed: what the browser has brought back; "" for nothing.
            callback: the name in the path of the redirect; "" for none.
            query: the parameters of the redirect.
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`.
        """
        begun = self._begun(sealed, now)
        address = f"{self._callback}/{callback}" if callback else self._callback
        if (
            begun is None
            or begun.get("callback") != address
            or not hmac.compare_digest(query.get("state", "").encode(), begun["state"].encode())
        ):
            raise failed(
                "lần đăng nhập này bắt đầu ở một cửa sổ khác hoặc đã quá lâu; hãy bắt đầu lại",
                "this sign-in began in another window or too long ago; begin again",
            )
        request = AuthorizationRequest(address, begun["state"], begun["nonce"], begun["verifier"], begun["max_age"])
        return ReturnedSignIn(self._client(begun["issuer"]), request, query, begun["return"], begun["replaced"])

    async def finish(self, returned: ReturnedSignIn, now: float) -> VerifiedRedirect:
        """Redeem the code that a browser has brought back, and verify what the issuer says of the person.

        Args:
            now: seconds since 1970.

        Raises:
            Refusal: `sign-in-failed`, `invalid_grant` or `bus-unavailable`.
        """
        client, request = returned.client, returned.request
        async with _asking(client.issuer) as session:
            endpoints = await self._discovered(session, client)
            code = redirected_code(returned.query, client.issuer, must_name_issuer=endpoints.names_itself)
            token = await OidcClient(session, client).redeem(endpoints, request, code)
        identity = await self._verify(self._verifier, token, now)
        if identity.account.issuer != client.issuer:
            raise failed("mã định danh do bên cấp khác cấp", "the ID token is another issuer's")
        require_fresh(request, identity.authenticated, now)
        used = one_time_value(token, identity.account)
        await self._replays.use(used)
        await self._replays.use(OneTimeValue(_STATE, used.owner, request.state))
        return VerifiedRedirect(identity, returned.return_path, returned.replaced)

    async def sign_out_url(self, issuer: str) -> str:
        """Return where a person signs out at an issuer too: the next one at the same computer would be let in as them otherwise.

        Args:
            issuer: the name of an issuer.

        Returns:
            The address; "" where the issuer has no such page, does not answer at once, or is not configured.
        """
        client = self._clients.get(issuer)
        if client is None:
            return ""
        try:
            async with asyncio.timeout(SIGN_OUT_SECONDS), _asking(issuer) as session:
                url = (await self._discovered(session, client)).sign_out
        except (Refusal, TimeoutError):
            return ""  # the person is signed out of the bus already
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'client_id': client.client})}" if url else ""

    def page_of(self, sealed: str, now: float) -> SignInPage:
        """Return what a sign-in began with, also where it failed; nothing where that is not known any more."""
        begun = self._begun(sealed, now)
        return SignInPage(str(begun["return"]), bool(begun["max_age"])) if begun else SignInPage("")

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


def callback_name(issuer: str) -> str:
    """Return what an issuer's own callback address ends with: `id-quangninh-gov-vn` for `https://id.quangninh.gov.vn`."""
    return re.sub("[^a-z0-9]+", "-", issuer.partition("://")[2].lower()).strip("-")


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
    limit_per_owner=100,
    replayed=lambda: failed(
        "lần đăng nhập này đã kết thúc; hãy bắt đầu lại", "this sign-in was finished before; begin again"
    ),
    too_many=lambda: Refusal(
        "too-many-attempts",
        vi="Tài khoản này đăng nhập quá thường xuyên; hãy thử lại sau một phút.",
        en="This account signs in too often; try again in a minute.",
        retry_after=60,
    ),
)
