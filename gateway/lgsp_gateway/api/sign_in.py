"""How people sign in and out, and who a caller is: `/oauth2/issuers`, `/oauth2/revoke`, `/me`.

A session begins at `/oauth2/token` (`api.tokens`), where an ID token is exchanged for one.
"""

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.http import bodies, responses
from lgsp_gateway.http.authentication import Callers
from lgsp_gateway.http.routes import Route, Said, add
from lgsp_gateway.sessions.sign_in import SignIn

MAX_FORM = 16 * 1024

ISSUERS = Route(
    "GET",
    "/oauth2/issuers",
    "listSignInIssuers",
    "List the OpenID Connect issuers that people sign in with",
    "anybody",
    {200: Said("The issuers, with the client to sign in to", json_of("SignInIssuerList"))},
    tag="tokens",
)
REVOKE = Route(
    "POST",
    "/oauth2/revoke",
    "endSession",
    "End the session of a person, by its token (RFC 7009)",
    "client",
    {200: Said("The session has ended, if there was one", json_of("Nothing"))},
    body={"application/x-www-form-urlencoded": ref("RevocationRequest")},
    tag="tokens",
)
ME = Route(
    "GET",
    "/me",
    "readPrincipal",
    "Read who the caller is to the bus",
    "token",
    {200: Said("The caller", json_of("Principal"))},
    tag="tokens",
)


class SignInRoutes:
    """The paths for whoever signs in."""

    def __init__(self, callers: Callers, sign_in: SignIn) -> None:
        self._callers = callers
        self._sign_in = sign_in

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        add(app, ISSUERS, self._issuers)
        add(app, REVOKE, self._revoke)
        add(app, ME, self._me)

    async def _issuers(self, _: web.Request) -> web.Response:
        known = self._sign_in.tokens.issuers.values()
        items = [
            {
                "issuer": one.issuer.name,
                "client": one.client,
                "scopes": list(one.scopes),
                "algorithms": list(one.issuer.algorithms),
            }
            for one in known
        ]
        return responses.document({"items": items})

    async def _revoke(self, request: web.Request) -> web.Response:
        form = await bodies.form(request, MAX_FORM)
        await self._sign_in.end(form.get("token", ""))
        return responses.document({})

    async def _me(self, request: web.Request) -> web.Response:
        return responses.document(_shown(await self._callers.identified(request)))


def _shown(principal: Principal) -> dict[str, object]:
    who = {"system": principal.system, "person": principal.person}
    return {
        "principal": str(principal),
        **{name: value for name, value in who.items() if value},
        "agency": principal.agency,
        "roles": sorted(principal.roles),
    }
