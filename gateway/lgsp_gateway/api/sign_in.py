"""How people sign in and out, and who a caller is: `/oauth2/issuers`, `/oauth2/revoke`, `/me`.

A session begins at `/oauth2/token` (`api.token_endpoint`), where an ID token is exchanged for one.
"""

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.api.token_endpoint import MAX_FORM
from lgsp_gateway.http import decoded_bodies, responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.sessions.sign_in import SignIn

ISSUERS = Route(
    "GET",
    "/oauth2/issuers",
    "listSignInIssuers",
    "List the OpenID Connect issuers that people sign in with",
    "anybody",
    {200: ResponseSpec("The issuers, with the client to sign in to", json_of("SignInIssuerList"))},
    tag="tokens",
)
REVOKE = Route(
    "POST",
    "/oauth2/revoke",
    "endSession",
    "End the session of a person, by its token (RFC 7009)",
    "client",
    {200: ResponseSpec("The session has ended, if there was one", json_of("Nothing"))},
    body={"application/x-www-form-urlencoded": ref("RevocationRequest")},
    tag="tokens",
)
ME = Route(
    "GET",
    "/me",
    "readPrincipal",
    "Read who the caller is to the bus",
    "token",
    {200: ResponseSpec("The caller", json_of("Principal"))},
    tag="tokens",
)


class SignInRoutes:
    """The paths for whoever signs in."""

    def __init__(self, callers: CallerAuthenticator, sign_in: SignIn) -> None:
        self._callers = callers
        self._sign_in = sign_in

    def add_routes(self, app: web.Application) -> None:
        """Add the paths."""
        add_route(app, ISSUERS, self._issuers)
        add_route(app, REVOKE, self._revoke)
        add_route(app, ME, self._me)

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
        return responses.json_response({"items": items})

    async def _revoke(self, request: web.Request) -> web.Response:
        form = await decoded_bodies.read_form(request, MAX_FORM)
        await self._sign_in.end(form.get("token", ""))
        return responses.json_response({})

    async def _me(self, request: web.Request) -> web.Response:
        return responses.json_response(_shown(await self._callers.identify(request)))


def _shown(principal: Principal) -> dict[str, object]:
    who = {"system": principal.system, "person": principal.person}
    return {
        "principal": str(principal),
        **{name: value for name, value in who.items() if value},
        "agency": principal.agency,
        "roles": sorted(principal.roles),
    }
