"""Who may ask which path: what a route declares is held before its handler begins.

So nothing is read, asked of NATS or kept for somebody who may not. What is left to the document (is it of the caller's own agency?)
is decided in memory by `registry.administration`, by the same table of roles. `docs/reference/rights.md` is written from the routes;
a test holds it, and tries each route as each role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiohttp import hdrs, web

from lgsp_auth import roles
from lgsp_auth.principal import Principal
from lgsp_auth.roles import Action
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_problems import Refusal

Access = Literal["public", "optional", "anybody", "token", "person", "client"]
"""Who gets in: anybody, pages of other origins too; the same, and a system's token shows more; anybody who reaches the gateway; a
system's token; a citizen's token; a client's own proof. The last two are looked at by their handlers, first of all."""


@dataclass(frozen=True, slots=True)
class Right:
    """Of a system, a role that may do something to some document of the registry.

    Args:
        kind, actions: do one of these to one of this kind.
        hidden: who may not is told that there is no such document.
    """

    kind: str
    actions: tuple[Action, ...]
    hidden: bool = False

    def scope(self, role: str) -> str:
        """Which documents of its kind a role reaches: `any`, `own`, or none (empty)."""
        scopes = {roles.TABLE.get((self.kind, action), {}).get(role) for action in self.actions}
        return "any" if roles.ANY in scopes else "own" if roles.OWN in scopes else ""


def list_right(kind: str) -> Right:
    """To see which documents of a kind there are."""
    return Right(kind, ("read",))


def read_right(kind: str) -> Right:
    """To read a document. Of one that a caller may not read, it does not learn that it is there."""
    return Right(kind, ("read",), hidden=True)


def write_right(kind: str) -> Right:
    """To write a document, or ask for what it says."""
    return Right(kind, ("change", "request"))


def step_right(kind: str) -> Right:
    """To delete a document, or take a step in its life."""
    return Right(kind, ("change",))


async def enforce(
    request: web.Request,
    callers: CallerAuthenticator,
    access: Access,
    required_roles: Sequence[str],
    right: Right | None,
) -> None:
    """Hold a request against what its route declares.

    Args:
        required_roles: roles, of which a caller needs one; empty where any system may ask.

    Raises:
        Refusal: `token-invalid`, `invalid_dpop_proof`, `too-many-attempts`, `not-granted` or `not-found`.
    """
    if access != "token" and not (access == "optional" and hdrs.AUTHORIZATION in request.headers):
        return
    if required_roles:
        await callers.require_role(request, *required_roles)
        return
    caller = await callers.identify(request)
    if right and not any(map(right.scope, caller.roles)):
        raise _hidden_refusal(right.kind) if right.hidden else _role_refusal(right.kind, caller)


def _hidden_refusal(kind: str) -> Refusal:
    return Refusal(
        "not-found",
        vi=f"Không có {kind} này, hoặc bạn không được đọc.",
        en=f"There is no such {kind}, or you may not read it.",
    )


def _role_refusal(kind: str, caller: Principal) -> Refusal:
    held, who = ", ".join(sorted(caller.roles)) or "-", caller.described()
    return Refusal(
        "not-granted",
        vi=f"{who.vi} (vai trò: {held}) không được làm việc này với {kind}; hãy nhờ quản trị viên của cơ quan chủ quản hoặc người vận hành trục.",
        en=f"{who.en} (roles: {held}) may not do this to a {kind}; ask the administrator of the agency it belongs to, or an operator of the bus.",
    )
