"""Access to routes: what a route declares about its callers is enforced before its handler begins.

So no body is read, NATS is not asked and nothing is stored for a caller without access. What depends on the document (does it belong
to the caller's own agency?) is decided in memory by `registry.administration`, by the same table of roles. `docs/reference/rights.md`
is generated from the routes; a test compares the two, and tries each route as each role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_auth.roles import Action
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_problems import NotFound, Refusal

Access = Literal["public", "optional", "anybody", "token", "signed-in", "person", "client"]
"""Who may call a route:

* `public`: anybody, also pages of other origins;
* `optional`: the same, and a caller with a token sees more;
* `anybody`: anybody who reaches the gateway;
* `token`: a registered system, or a person who is signed in;
* `signed-in`: a person who is signed in;
* `person`: a citizen, by a token of an issuer of people or by a session in the browser;
* `client`: a client that proves itself in the form.

The handlers check the last two themselves, before anything else."""


@dataclass(frozen=True, slots=True)
class Right:
    """What a caller must be allowed to do: one of `actions`, to at least one document of `kind`.

    Args:
        kind: of documents of the registry, such as `Grant`.
        hidden: whether a caller without the right gets `not-found` rather than `not-granted`.
    """

    kind: str
    actions: tuple[Action, ...]
    hidden: bool = False

    def scope(self, role: str) -> str:
        """Return which documents of the kind a role reaches: `any`, `own` (those of the caller's agency), or "" for none."""
        scopes = {roles.TABLE.get((self.kind, action), {}).get(role) for action in self.actions}
        return "any" if roles.ANY in scopes else "own" if roles.OWN in scopes else ""


def list_right(kind: str) -> Right:
    """Return the right to list the documents of a kind."""
    return Right(kind, ("read",))


def read_right(kind: str) -> Right:
    """Return the right to read a document of a kind. A caller without it does not learn whether the document exists (`not-found`)."""
    return Right(kind, ("read",), hidden=True)


def write_right(kind: str) -> Right:
    """Return the right to create or replace a document of a kind, or to request it, as a consumer requests a grant."""
    return Right(kind, ("change", "request"))


def step_right(kind: str) -> Right:
    """Return the right to delete a document of a kind, or to move it to another state of its life cycle."""
    return Right(kind, ("change",))


async def enforce(
    request: web.Request,
    callers: CallerAuthenticator,
    access: Access,
    required_roles: Sequence[str],
    right: Right | None,
) -> None:
    """Check the caller of a request against what the route declares.

    Args:
        required_roles: the caller needs one of them; empty where any caller with a token may ask.
        right: the caller needs it in one of its roles; None where the route concerns no document of the registry.

    Raises:
        Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts`, `not-granted` or `not-found`.
    """
    if access == "optional":
        await callers.identify_if_present(request)
    if access == "signed-in" and not (await callers.identify(request)).person:
        raise _person_needed()
    if access != "token":
        return
    if required_roles:
        await callers.require_role(request, *required_roles)
        return
    caller = await callers.identify(request)
    if right and not any(map(right.scope, caller.roles)):
        raise _hidden_refusal(right.kind) if right.hidden else _role_refusal(right.kind, caller)


def _person_needed() -> Refusal:
    return Refusal(
        "not-granted",
        vi="Đường dẫn này dành cho người đã đăng nhập, không dành cho hệ thống; hãy đăng nhập bằng tài khoản của mình.",
        en="This path is for persons who are signed in, and not for systems; sign in as yourself.",
    )


def _hidden_refusal(kind: str) -> Refusal:
    return NotFound(
        vi=f"Không có {kind} này, hoặc bạn không được đọc.",
        en=f"There is no such {kind}, or you may not read it.",
    )


def _role_refusal(kind: str, caller: Principal) -> Refusal:
    roles_held, described = ", ".join(sorted(caller.roles)) or "-", caller.described()
    return Refusal(
        "not-granted",
        vi=f"{described.vi} (vai trò: {roles_held}) không được phép thực hiện thao tác này với {kind}; hãy nhờ quản trị viên của cơ quan chủ quản hoặc người vận hành trục.",
        en=f"{described.en} (roles: {roles_held}) may not do this to a {kind}; ask the administrator of the agency it belongs to, or an operator of the bus.",
    )
