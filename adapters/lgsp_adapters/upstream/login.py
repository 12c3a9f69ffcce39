"""How an adapter authenticates to its system, as `authentication` of the manifest describes.

    basic: {user: connection.user, password: connection.password}
    oauth2: {path: /oauth2/token, client: connection.client, secret: connection.secret, url: connection.idp}   # oauth2.py
    login:                                     # any system of its own that hands out a token
      path: /api/token/take
      body: {username: connection.username, password: md5(connection.password)}
      session: {token: answer.APIKey.access_token}
      seconds: answer.expires_in               # or until: an ISO 8601 time
      cookies: [JSESSIONID]                    # or of the login's cookies, which go out with each call
    refused: "answer.maKetQua == '401'"        # then a new token is taken, and the call is tried once more

`url` is where tokens are handed out, where that is not the system itself. A login that uses the caller (`call.consumer`) is made for each consumer,
agency and purpose: the session of one is never used for another. What `session` holds is the variable `session` of every other mapping in the manifest. Of cookies, those alone are kept that the login
itself set and the manifest names, for as long as its session counts; cookies that a call receives are dropped.
"""

import base64
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lgsp_adapters.adapter import Call, Connection, LimitReached, UpstreamFailed
from lgsp_adapters.mapping.error_rules import evaluate
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import request_scope
from lgsp_adapters.renewed_token import Lease, RenewedToken
from lgsp_adapters.upstream import oauth2
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.oauth2 import TokenRequest
from lgsp_adapters.upstream.request_limiter import RequestLimiter
from lgsp_adapters.upstream.request_templates import RequestTemplate, unsendable_value
from lgsp_adapters.upstream.request_values import header_value
from lgsp_adapters.upstream.response import TOO_MANY_REQUESTS, Response
from lgsp_adapters.upstream.response_documents import parse_document, parse_document_or_none
from lgsp_adapters.upstream.tls import TlsContexts
from lgsp_contracts.source_location import SourceLocation

Session = Mapping[str, Any]

Caller = tuple[str, ...]

BAD = 400
MAX_SESSIONS = 1000
"""Sessions that are kept where each caller has one of its own; the one that was used longest ago goes first."""
_OF_CALLER = re.compile(r"\bcall\b")
UNAUTHORIZED = 401
FORBIDDEN = 403
WITHOUT_END = 300.0
"""Seconds for which a token counts that does not say how long (RFC 6749 leaves that open)."""


class Authentication:
    """What a request carries so that the system authenticates it.

    Args:
        document: `authentication` of the manifest.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        location: SourceLocation,
        connection: Connection,
        *,
        has_certificate: bool = False,
    ) -> None:
        self._connection = connection
        names = ("connection", "call", "now")
        response_variables = (*names, "answer", "status")
        self._basic = Template(document.get("basic"), location / "basic", names)
        self._refused = Template(document.get("refused"), location / "refused", response_variables)
        kind = "oauth2" if "oauth2" in document else "login"
        login, at = document.get(kind), location / kind
        self._token_request: TokenRequest | None = None
        self._request: RequestTemplate | TokenRequest | None = None
        if "oauth2" in document:
            self._request = self._token_request = TokenRequest(
                document["oauth2"], at, names, has_certificate=has_certificate
            )
            session, seconds, until = oauth2.SESSION, oauth2.SECONDS, None
        elif login:
            self._request = RequestTemplate(login, at, names, {}, location)
            session, seconds, until = login.get("session", {}), login.get("seconds"), login.get("until")
        if login:
            self._session = Template(session, at / "session", response_variables)
            self._seconds = Template(seconds, at / "seconds", response_variables)
            self._until = Template(until, at / "until", response_variables)
        self._cookies: list[str] = (login or {}).get("cookies", [])
        self._url = Template((login or {}).get("url"), at / "url", ("connection",))
        self._of_caller = bool(_OF_CALLER.search(str(login)))
        self._tokens: OrderedDict[Caller, RenewedToken[Session, Call]] = OrderedDict()

    @property
    def address(self) -> str:
        """Return where tokens are handed out; "" where that is the system itself."""
        return "" if self._url.empty else str(self._url({"connection": self._connection}) or "")

    def open(self, upstream: Upstream, tls: TlsContexts, limiter: RequestLimiter | None) -> None:
        """Take tokens from this system, or from where the manifest says that it hands them out.

        Raises:
            Refusal: `invalid-document`, when a key of the client cannot be read.
        """
        if self._token_request:
            self._token_request.open(self._connection)
        address = self.address
        self._token_upstream = Upstream(address, tls.for_address(address), limiter) if address else None
        self._upstream = self._token_upstream or upstream

    async def close(self) -> None:
        """Close what `open` opened."""
        if self._token_upstream:
            await self._token_upstream.close()

    async def session(self, call: Call) -> Session:
        """Return the current session; empty where there is no login."""
        if not self._request:
            return {}
        return await self._token(call.context.consumer, call.context.agency, call.context.purpose).get(call)

    def _token(self, *caller: str) -> RenewedToken[Session, Call]:
        """Return the token for a caller: one for all, where the login does not name the caller."""
        key = caller if self._of_caller else ()
        token = self._tokens.setdefault(key, RenewedToken(self._take))
        self._tokens.move_to_end(key)
        if len(self._tokens) > MAX_SESSIONS:
            self._tokens.popitem(last=False)
        return token

    def headers(self, scope: Scope) -> dict[str, str]:
        """Make the `Authorization` header of basic and oauth2, and the cookies of a login."""
        if self._cookies:
            cookies = scope["session"]["cookies"]
            return {
                **self._basic_header(scope),
                "Cookie": "; ".join(f"{name}={cookies[name]}" for name in self._cookies),
            }
        if self._token_request:
            return {"Authorization": f"Bearer {scope['session']['access_token']}"}
        return self._basic_header(scope)

    def _basic_header(self, scope: Scope) -> dict[str, str]:
        if self._basic.empty:
            return {}
        try:
            credentials = self._basic(scope)
        except MappingError as unmappable:
            raise unsendable_value(self._basic, unmappable) from unmappable
        pair = f"{credentials['user']}:{credentials['password']}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}

    def is_session_refused(self, scope: Scope) -> bool:
        """Tell whether the system refused the session; the next call then takes a new one."""
        if self._request is None or not (scope["status"] == UNAUTHORIZED or evaluate(self._refused, scope)):
            return False
        caller = scope["call"]
        self._token(caller["consumer"], caller["agency"], caller["purpose"]).refused(scope["session"])
        return True

    async def _take(self, call: Call) -> Lease[Session]:
        assert self._request is not None
        scope = request_scope(self._connection, {}, call)
        response = await self._request.send(self._upstream, call, scope)
        call.requests -= 1  # a login carries out nothing of the call
        if response.status >= BAD:
            raise self._refusal_of(response)
        cookies = {name: response.cookies[name] for name in self._cookies if name in response.cookies}
        if missing := set(self._cookies) - set(cookies):
            raise response.failed(
                "refused", f"HTTP {response.status}: the login sets no cookie {', '.join(sorted(missing))}"
            )
        answer = parse_document(response) if self._session.document or not cookies else None
        scope = {**scope, "status": response.status, "answer": answer}
        session = evaluate(self._session, scope)
        if set(session or {}) != set(self._session.document):
            missing_values = ", ".join(sorted(set(self._session.document) - set(session or {})))
            raise response.failed("refused", f"HTTP {response.status}: {self._source}'s answer has no {missing_values}")
        if self._token_request and not _is_sendable(session["access_token"]):
            raise response.failed("unintelligible", "the access_token is no text that a header can carry")
        if cookies:
            session = {**session, "cookies": cookies}
        return Lease(session, self._life(scope))

    @property
    def _source(self) -> str:
        return "the token endpoint" if self._token_request else "the login"

    def _refusal_of(self, response: Response) -> UpstreamFailed | LimitReached:
        """Make the error for a login that failed: it says that it was the login and not the call, and with which status."""
        if response.status == TOO_MANY_REQUESTS:
            return response.bad_status()
        code = oauth2.error_code(parse_document_or_none(response)) if self._token_request else ""
        refused = response.status in (UNAUTHORIZED, FORBIDDEN) or bool(code)
        detail = f" ({code})" if code else ""
        return response.failed(
            "refused" if refused else "broken", f"HTTP {response.status} from {self._source}{detail}"
        )

    def _life(self, scope: Scope) -> float:
        until, seconds = evaluate(self._until, scope), evaluate(self._seconds, scope)
        try:
            if until is not None:
                ends = datetime.fromisoformat(until)
                ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
                return max(1.0, (ends - datetime.now(UTC)).total_seconds())
            return float(seconds) if seconds is not None else WITHOUT_END
        except (TypeError, ValueError) as error:
            note = "how long a token counts is neither a number nor a time"
            raise UpstreamFailed("unintelligible", note) from error


def _is_sendable(token: Any) -> bool:
    try:
        return isinstance(token, str) and bool(header_value(token))
    except MappingError:
        return False
