"""`/oauth2/token` and what a client needs to find it: RFC 6749, RFC 8414, RFC 7517. Refusals are those of RFC 6749."""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from lgsp_auth.client_authentication import ASSERTION_ALGORITHMS, UnauthenticatedClient, oauth_refusal
from lgsp_auth.dpop import ALGORITHMS as DPOP_ALGORITHMS
from lgsp_auth.dpop import verify_proof
from lgsp_auth.id_token import InvalidGrant
from lgsp_auth.issuing import TokenEndpoint
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import repeated_header
from lgsp_gateway.http.parameter_types import text_parameter
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.sessions.sign_in import TOKEN_EXCHANGE, SignIn
from lgsp_problems import Refusal
from lgsp_runtime.security_events import SecurityLog

MAX_FORM = 16 * 1024
_NO_CACHE = {"Pragma": "no-cache"}  # RFC 6749, section 5.1, beside Cache-Control
_ERROR = json_of("TokenError")

ISSUE = Route(
    "POST",
    "/oauth2/token",
    "issueToken",
    "Take an access token of a system (RFC 6749, section 4.4), or a person's session for an ID token (RFC 8693)",
    "client",
    {
        200: ResponseSpec("The token", json_of("Token")),
        400: ResponseSpec("invalid_request, invalid_grant, unsupported_grant_type", _ERROR),
        401: ResponseSpec("invalid_client, invalid_dpop_proof", _ERROR),
        429: ResponseSpec("Too many invalid attempts from this address", _ERROR),
        503: ResponseSpec(
            "bus-unavailable: whether an assertion or a proof was used before cannot be told now", _ERROR
        ),
    },
    parameters=(
        text_parameter(
            "DPoP", "a proof of the key that the token is to be bound to (RFC 9449)", max_length=8192, location="header"
        ),
    ),
    body={"application/x-www-form-urlencoded": ref("TokenRequest")},
    errors="oauth",
    tag="tokens",
)
JWKS = Route(
    "GET",
    "/.well-known/jwks.json",
    "readKeys",
    "Read the keys that tokens are signed with (RFC 7517)",
    "public",
    {200: ResponseSpec("The keys", json_of("Keys"))},
    tag="tokens",
)
METADATA = Route(
    "GET",
    "/.well-known/oauth-authorization-server",
    "readAuthorizationServer",
    "Read how tokens are taken (RFC 8414)",
    "public",
    {200: ResponseSpec("The metadata", json_of("AuthorizationServer"))},
    tag="tokens",
)


class TokenRoutes:
    """The routes of the token endpoint."""

    def __init__(
        self,
        endpoint: TokenEndpoint,
        keys: KeyStore,
        identification: Identification,
        security: SecurityLog,
        sign_in: SignIn,
    ) -> None:
        self._sign_in = sign_in
        self._endpoint = endpoint
        self._identification = identification
        self._keys = keys
        self._security = security

    def add_routes(self, app: web.Application) -> None:
        """Add the three paths to an application."""
        add_route(app, ISSUE, self._issue)
        add_route(app, JWKS, self._jwks)
        add_route(app, METADATA, self._metadata)

    async def _issue(self, request: web.Request) -> web.Response:
        try:
            issued = await self._issued(request)
        except Refusal as refusal:
            self._report(refusal, request)
            raise
        return json_responses.json_response(issued, headers=_NO_CACHE)

    async def _issued(self, request: web.Request) -> Mapping[str, Any]:
        """Return the token that a request asks for, with what is said of it.

        Raises:
            Refusal: `invalid_request`, or what is wrong with its form; `invalid_client`, `invalid_grant`, `invalid_dpop_proof`,
                `unsupported_grant_type`, `too-many-attempts` or `bus-unavailable`.
        """
        if not self._identification.failures.may_try(request.remote or ""):
            raise await self._identification.failures.delayed_refusal()
        if repeated := repeated_header(request.headers):
            raise oauth_refusal(
                "invalid_request", f"tiêu đề {repeated} có mặt hai lần", f"the header {repeated} came twice"
            )
        form = await decoded_bodies.read_form(request, MAX_FORM)
        shown, now = request.headers.get("DPoP", ""), time.time()
        proof = verify_proof(shown, "POST", self._endpoint.issuer + request.path, now) if shown else None
        authorization = request.headers.get("Authorization")
        if form.get("grant_type") == TOKEN_EXCHANGE:
            issued = await self._sign_in.exchange(form, authorization, now)
        else:
            issued = await self._endpoint.issue(form, authorization, now, proof.thumbprint if proof else "")
        if proof:
            await self._identification.replays.use(proof.one_time)
        return issued

    def _report(self, refusal: Refusal, request: web.Request) -> None:
        """Report a refusal to those on watch, and count an attempt that failed by its address."""
        address = request.remote or ""
        if isinstance(refusal, UnauthenticatedClient | InvalidGrant):
            self._identification.failures.record_failure(address)
        self._security.event(
            "token-not-issued",
            "failure",
            "authentication",
            refusal.detail.en,
            event__reason=refusal.code,
            source__ip=address,
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return json_responses.json_response(self._keys.ring().jwks(), headers={"Cache-Control": "public, max-age=60"})

    async def _metadata(self, _: web.Request) -> web.Response:
        issuer = self._endpoint.issuer
        return json_responses.json_response(
            {
                "issuer": issuer,
                "token_endpoint": f"{issuer}/oauth2/token",
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "revocation_endpoint": f"{issuer}/oauth2/revoke",
                "grant_types_supported": ["client_credentials", TOKEN_EXCHANGE],
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": [
                    "private_key_jwt",
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
                "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
            }
        )
