"""`/oauth2/issuers`, `/oauth2/revoke`, `/me`: where people sign in, how they sign out, and who the caller is.

A session begins at `/oauth2/token` (`api.token_endpoint`), where an ID token is exchanged for it.
"""

from dataclasses import asdict

from aiohttp import web

from lgsp_auth.principal import Principal
from lgsp_gateway.api.schemas import json_of, ref
from lgsp_gateway.api.token_endpoint import MAX_FORM
from lgsp_gateway.http import decoded_bodies, json_responses
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.local_users.user_store import LocalUserStore
from lgsp_gateway.sessions.sign_in import SignIn

ISSUERS = Route(
    "GET",
    "/oauth2/issuers",
    "listSignInIssuers",
    "List the OpenID Connect issuers that people sign in with",
    "anybody",
    {200: ResponseSpec("The issuers, each with the client id to sign in with", json_of("SignInIssuerList"))},
    tag="tokens",
)
REVOKE = Route(
    "POST",
    "/oauth2/revoke",
    "endSession",
    "End a person's session by its token (RFC 7009)",
    "client",
    {200: ResponseSpec("The session has ended, if there was one", json_of("Nothing"))},
    body={"application/x-www-form-urlencoded": ref("RevocationRequest")},
    errors="oauth",
    tag="tokens",
)
ME = Route(
    "GET",
    "/me",
    "readPrincipal",
    "Read as whom the bus identifies the caller",
    "token",
    {200: ResponseSpec("The caller", json_of("Principal"))},
    tag="tokens",
)


class SignInRoutes:
    """The routes for people who sign in."""

    def __init__(
        self, callers: CallerAuthenticator, sign_in: SignIn, users: LocalUserStore, registry: RegistrySnapshot
    ) -> None:
        self._registry = registry
        self._callers = callers
        self._sign_in = sign_in
        self._users = users

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, ISSUERS, self._list_issuers)
        add_route(app, REVOKE, self._end_session)
        add_route(app, ME, self._read_principal)

    async def _list_issuers(self, _: web.Request) -> web.Response:
        items = [
            {
                "issuer": one.issuer.name,
                "client": one.client,
                "scopes": list(one.scopes),
                "algorithms": list(one.issuer.algorithms),
                **({"title": dict(one.title)} if one.title else {}),
            }
            for one in self._sign_in.tokens.issuers.values()
        ]
        return json_responses.json_response({"items": items, "localUsers": await self._users.any_exist()})

    async def _end_session(self, request: web.Request) -> web.Response:
        form = await decoded_bodies.read_form(request, MAX_FORM)
        await self._sign_in.end(form.get("token", ""))
        return json_responses.json_response({})

    async def _read_principal(self, request: web.Request) -> web.Response:
        return json_responses.json_response(principal_document(await self._callers.identify(request), self._registry))


def principal_document(principal: Principal, registry: RegistrySnapshot) -> dict[str, object]:
    """Return what a caller is told of itself."""
    optional = {"system": principal.system, "person": principal.person}
    return {
        "principal": str(principal),
        **{name: value for name, value in optional.items() if value},
        "agency": principal.agency,
        **({"agencyTitle": asdict(title)} if (title := registry.agencies.get(principal.agency)) else {}),
        "roles": sorted(principal.roles),
    }
