"""`/oauth2/token` and what a client needs to find it: RFC 6749, RFC 8414, RFC 7517. Refusals are those of RFC 6749."""

import time

from aiohttp import web

from lgsp_auth.client_authentication import ASSERTION_ALGORITHMS, UnauthenticatedClient
from lgsp_auth.dpop import ALGORITHMS as DPOP_ALGORITHMS
from lgsp_auth.issuing import TokenEndpoint
from lgsp_gateway.identification import Identification
from lgsp_gateway.keystore import KeyStore
from lgsp_gateway.web import answers
from lgsp_gateway.web.language import preferred
from lgsp_problems import Refusal
from lgsp_process.security import SecurityLog

MAX_FORM = 16 * 1024
_NO_CACHE = {"Pragma": "no-cache"}  # RFC 6749, section 5.1, beside Cache-Control


class Tokens:
    """The door for tokens."""

    def __init__(
        self, endpoint: TokenEndpoint, keys: KeyStore, identification: Identification, security: SecurityLog
    ) -> None:
        self._endpoint = endpoint
        self._identification = identification
        self._keys = keys
        self._security = security

    def add_routes(self, app: web.Application) -> None:
        """Add the three paths."""
        app.router.add_post("/oauth2/token", self._issue)
        app.router.add_get("/.well-known/jwks.json", self._jwks)
        app.router.add_get("/.well-known/oauth-authorization-server", self._metadata)

    async def _issue(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        try:
            if not self._identification.attempts.may_try(address):
                raise await self._identification.attempts.refuse()
            form = await self._form(request)
            shown, now = request.headers.get("DPoP", ""), time.time()
            proofs = self._identification.proofs
            proof = proofs.verify(shown, "POST", self._endpoint.issuer + request.path, now) if shown else None
            bound = proof.thumbprint if proof else ""
            issued = self._endpoint.issue(form, request.headers.get("Authorization"), now, bound)
            if proof:
                proofs.use(proof)
        except Refusal as refusal:
            if isinstance(refusal, UnauthenticatedClient):
                self._identification.attempts.failed(address)
            known = {"event__reason": refusal.code, "source__ip": address}
            self._security.event("token-not-issued", "failure", "authentication", refusal.detail.en, **known)
            description = refusal.detail.said(preferred(request.headers.get("Accept-Language")))
            return answers.document(
                {"error": refusal.code, "error_description": description},
                status=refusal.kind.status,
                headers={**_NO_CACHE, **refusal.headers, **_retry(refusal)},
            )
        return answers.document(issued, headers=_NO_CACHE)

    async def _form(self, request: web.Request) -> dict[str, str]:
        if request.content_type != "application/x-www-form-urlencoded" or (request.content_length or 0) > MAX_FORM:
            raise _malformed()
        form = await request.post()
        if len(set(form)) != len(form):  # RFC 6749, section 3.2: a parameter is sent once
            raise _malformed()
        return {name: value for name, value in form.items() if isinstance(value, str)}

    async def _jwks(self, _: web.Request) -> web.Response:
        return answers.document(self._keys.ring().jwks(), headers={"Cache-Control": "public, max-age=60"})

    async def _metadata(self, _: web.Request) -> web.Response:
        issuer = self._endpoint.issuer
        return answers.document(
            {
                "issuer": issuer,
                "token_endpoint": f"{issuer}/oauth2/token",
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "grant_types_supported": ["client_credentials"],
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


def _retry(refusal: Refusal) -> dict[str, str]:
    return {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}


def _malformed() -> Refusal:
    return Refusal(
        "invalid_request",
        vi="Hãy gửi mỗi tham số một lần, dạng application/x-www-form-urlencoded, không quá 16 KiB.",
        en="Send each parameter once, as application/x-www-form-urlencoded, in no more than 16 KiB.",
    )
