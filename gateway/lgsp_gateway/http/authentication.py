"""Authentication of requests: the credentials in a head, the principal that they identify (a system by its access token, a person by
their session, in the same header or in a browser's cookie), and the roles that a route requires."""

import time

from aiohttp import hdrs, web
from multidict import MultiMapping, istr

from lgsp_auth import authorization_header
from lgsp_auth.principal import Principal
from lgsp_contracts import dossiers
from lgsp_gateway.calls.identification import Caller, Identification
from lgsp_gateway.calls.model import Credentials
from lgsp_gateway.http.session_cookie import SessionCookie
from lgsp_gateway.registry.persons import principal_of_system
from lgsp_gateway.sessions.sign_in import SignedIn, SignIn, is_session_token
from lgsp_problems import Refusal

CALLER: web.RequestKey[Caller | SignedIn] = web.RequestKey("caller")
BY_COOKIE: web.RequestKey[bool] = web.RequestKey("by_cookie")
"""Set where a browser's cookie identified the caller of a request."""

_PURPOSE, _BEHALF, _KEY, _PROOF = map(istr, ("Lgsp-Purpose", "Lgsp-On-Behalf-Of", "Idempotency-Key", "DPoP"))
_REFERENCE = istr(dossiers.HEADER)
_DEFERRAL = tuple(map(istr, ("Lgsp-Ordering-Key", "Lgsp-Priority", "Lgsp-Callback")))
_SINGLE_HEADERS = (hdrs.AUTHORIZATION, _PROOF, _PURPOSE, _BEHALF, _KEY, _REFERENCE, *_DEFERRAL)
"""Headers that decide who asks for what, and how. Two of the same are refused: a proxy may have read one and the bus the other."""


class CallerAuthenticator:
    """Identifies the callers of requests, systems and persons alike.

    Args:
        cookie: carries the sessions of browsers.
    """

    def __init__(self, identification: Identification, sign_in: SignIn, cookie: SessionCookie) -> None:
        self._identification = identification
        self._sign_in = sign_in
        self._cookie = cookie

    async def identify(self, request: web.Request) -> Principal:
        """Return the principal that the credentials of a request identify.

        A request is authenticated once, since a DPoP proof can be used only once; further calls return the same principal.

        Raises:
            Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts`, `cross-site-request` or `bus-unavailable`.
        """
        if CALLER not in request:
            request[CALLER] = await self._identify(request)
        caller = request[CALLER]
        return caller.principal if isinstance(caller, SignedIn) else principal_of_system(caller.system)

    async def identify_if_present(self, request: web.Request) -> Principal | None:
        """Return the principal that the credentials of a request identify; None where it has none.

        A session in a cookie that has ended is none: browsers go on sending it, and what anybody may read stays readable.

        Raises:
            Refusal: as `identify`.
        """
        if CALLER in request or hdrs.AUTHORIZATION in request.headers:
            return await self.identify(request)
        token = self._cookie.token_in(request)
        signed_in = await self._find_in_cookie(request, token) if token else None
        if signed_in is None:
            return None
        request[CALLER] = signed_in
        return signed_in.principal

    async def signed_in(self, request: web.Request) -> SignedIn:
        """Return the person whose session a request carries, with the session.

        Raises:
            Refusal: as `identify`; `not-granted`, where a system asks.
        """
        await self.identify(request)
        caller = request[CALLER]
        if not isinstance(caller, SignedIn):
            raise Refusal(
                "not-granted",
                vi="Đường dẫn này dành cho người đã đăng nhập; hệ thống không có phiên đăng nhập.",
                en="This path is for people who have signed in; a system has no session.",
            )
        return caller

    def is_still_valid(self, request: web.Request) -> bool:
        """Return whether the caller of a request would still be authenticated now; true where the request was not authenticated."""
        caller = request.get(CALLER)
        if isinstance(caller, SignedIn):
            return self._sign_in.still_counts(caller, time.time())
        return caller is None or self._identification.still_counts(caller)

    async def _identify(self, request: web.Request) -> Caller | SignedIn:
        credentials, now = credentials_in(request), time.time()
        if cookie := self._cookie.token_in(request):
            signed_in = await self._find_in_cookie(request, cookie)
            if signed_in is None:
                raise _browser_session_ended()
            return signed_in
        scheme, _, token = (credentials.authorization or "").partition(" ")
        if not is_session_token(token.strip()):
            return await self._identification.caller(credentials, now)
        failures = self._identification.failures
        if not (failures.may_try(credentials.address) or self._sign_in.remembers(token.strip())):
            raise await failures.delayed_refusal()
        signed_in = await self._sign_in.find(token.strip(), now) if scheme.lower() == "bearer" else None
        if signed_in is None:
            failures.record_failure(credentials.address)
            raise _session_ended()
        return signed_in

    async def _find_in_cookie(self, request: web.Request, token: str) -> SignedIn | None:
        """Find the session in a browser's cookie; None where it has ended.

        One that has ended is not counted as an attempt: a browser goes on sending it, and behind the same address others work.
        """
        if not (self._identification.failures.may_try(request.remote or "") or self._sign_in.remembers(token)):
            raise await self._identification.failures.delayed_refusal()
        request[BY_COOKIE] = True
        return await self._sign_in.find(token, time.time()) if is_session_token(token) else None

    async def require_role(self, request: web.Request, *roles: str) -> Principal:
        """Return the principal that a request identifies, if it has one of these roles.

        Raises:
            Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts`, `bus-unavailable`; `not-granted` without the role.
        """
        principal = await self.identify(request)
        if not principal.has_role(*roles):
            role, caller = " / ".join(roles), principal.described()
            raise Refusal(
                "not-granted",
                vi=f"{caller.vi} không có vai trò {role}; hãy đề nghị đơn vị vận hành trục cấp.",
                en=f"{caller.en} does not have the role {role}; ask the operator of the bus for it.",
            )
        return principal


def _session_ended() -> Refusal:
    return Refusal(
        "token-invalid",
        vi="Phiên đăng nhập này không còn hiệu lực; hãy đăng nhập lại bằng lgsp login.",
        en="This session is no longer valid; sign in again with lgsp login.",
        headers={"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'},
    )


def _browser_session_ended() -> Refusal:
    return Refusal(
        "token-invalid",
        vi="Phiên đăng nhập này không còn hiệu lực; hãy đăng nhập lại.",
        en="This session is no longer valid; sign in again.",
        headers={"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'},
    )


def credentials_in(request: web.BaseRequest) -> Credentials:
    """Return the credentials in a request to the management API.

    Raises:
        Refusal: `malformed`, where a header that decides who asks for what is sent twice.
    """
    if repeated := repeated_header(request.headers):
        raise repeated_header_refusal(repeated)
    return credentials_of(request.method, request.path, request.headers, request.remote or "")


def credentials_of(method: str, path: str, headers: MultiMapping[str], address: str) -> Credentials:
    """Return the credentials in the head of a request.

    Args:
        address: the IP address of the connection.
    """
    authorization = headers.get(hdrs.AUTHORIZATION)
    return Credentials(
        authorization, headers.get(_PROOF, ""), method, path, address, authorization_header.bearer_digest(authorization)
    )


def repeated_header(headers: MultiMapping[str]) -> str:
    """Return the name of a header that may be sent once and was sent more often; "" where there is none."""
    return next((str(name) for name in _SINGLE_HEADERS if len(headers.getall(name, ())) > 1), "")


def repeated_header_refusal(name: str) -> Refusal:
    """Return the refusal of a request that sends a header twice (`malformed`)."""
    return Refusal(
        "malformed",
        vi=f"Tiêu đề {name} được gửi nhiều hơn một lần; hãy chỉ gửi một lần.",
        en=f"The header {name} is sent more than once; send it once.",
    )
