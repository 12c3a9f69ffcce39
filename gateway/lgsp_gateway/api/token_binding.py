"""Tokens that are bound to a key, where a grant asks for them: not only to call, but wherever what it gives can be had.

A stolen token without a key must open nothing under such a grant, and end nothing: whoever redirects, pauses or deletes a subscription, has it
passed over by a replay, acknowledges what nobody has seen, or gives a dead letter up takes from the system what it would have received. So the
rule is one: whatever changes something needs a bound token, and so does whatever shows data; only what is told of their state does not. An operator
is not the holder of the grant, and no such rule applies. A person's session is bound to no key: whoever finds a browser open must not lead
events elsewhere, nor delete what waits for a decision, so the person has to have shown who they are a moment ago. A new session alone does not say that: an issuer at which
somebody is still signed in asks nothing (single sign-on).
"""

from collections.abc import Iterable
from time import time

from aiohttp import web

from lgsp_auth import policy
from lgsp_auth.policy import Grant
from lgsp_gateway.calls.identification import Caller
from lgsp_gateway.http.authentication import CALLER
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.sessions.session_store import FRESH_SECONDS
from lgsp_gateway.sessions.sign_in import SignedIn
from lgsp_problems import Refusal


def refuse_unbound(request: web.Request, grants: Iterable[Grant]) -> None:
    """Refuse the token of a system that is not bound to a key, where a grant asks for that. A person's session has no such rule.

    Args:
        request: its caller is authenticated.

    Raises:
        Refusal: `token-not-bound`.
    """
    caller = request[CALLER]
    if isinstance(caller, Caller) and not caller.bound:
        for grant in grants:
            if grant.sender_constrained:
                raise policy.token_not_bound(grant)


def refuse_weak_for_events(request: web.Request, system: str, registry: RegistrySnapshot) -> None:
    """Refuse credentials that are too weak to decide where the events of a system go: an unbound token, where one of its grants on events
    asks for a bound one, and the session of a person who showed who they are some time ago.

    Args:
        request: its caller is authenticated.

    Raises:
        Refusal: `token-not-bound` or `sign-in-too-old`.
    """
    refuse_old_sign_in(request)
    refuse_unbound_for_events(request, system, registry)


def refuse_old_sign_in(request: web.Request) -> None:
    """Refuse the session of a person who showed who they are some time ago: a browser that stands open must decide nothing of this kind.

    Args:
        request: its caller is authenticated.

    Raises:
        Refusal: `sign-in-too-old`.
    """
    caller = request[CALLER]
    if isinstance(caller, SignedIn) and not caller.session.is_fresh(time()):
        raise _sign_in_too_old()


def refuse_unbound_for_events(request: web.Request, system: str, registry: RegistrySnapshot) -> None:
    """Refuse an unbound token that is to change whether its system gets its events, where one of its grants on events asks for a bound one.

    Args:
        request: its caller is authenticated.

    Raises:
        Refusal: `token-not-bound`.
    """
    if not _is_of(request, system):
        return
    now = time()
    refuse_unbound(
        request, (grant for grant in registry.grants.held_by(system) if grant.events and grant.in_force(now))
    )


def refuse_unbound_for_service(
    request: web.Request, system: str, service: str, major: int, registry: RegistrySnapshot
) -> None:
    """Refuse an unbound token that is to decide about a message or a dead letter of its system, where one of its grants on the service asks
    for a bound one.

    Args:
        request: its caller is authenticated.

    Raises:
        Refusal: `token-not-bound`.
    """
    if _is_of(request, system):
        refuse_unbound(request, registry.grants_held(system, service, major))


def _is_of(request: web.Request, system: str) -> bool:
    caller = request[CALLER]
    return isinstance(caller, Caller) and caller.system.name == system


def _sign_in_too_old() -> Refusal:
    return Refusal(
        "sign-in-too-old",
        vi=f"Việc này quyết định dữ liệu được gửi đi đâu hoặc xóa dữ liệu, nên bạn phải vừa xác thực lại trong {FRESH_SECONDS // 60} phút qua; hãy đăng nhập lại (trên dòng lệnh: lgsp login --again) rồi gửi lại.",
        en=f"This decides where data is sent, or deletes it, so you must have entered your credentials within the last {FRESH_SECONDS // 60} minutes; sign in again (in a terminal: lgsp login --again), then send it again.",
    )
