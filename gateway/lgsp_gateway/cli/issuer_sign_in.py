"""Signs somebody in from a command on their machine: in the browser, by a loopback redirect (RFC 8252), or on another device (RFC 8628)
where the machine has no browser."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp

from lgsp_auth.id_token import IdTokenVerifier, SignInIssuer
from lgsp_auth.issuer_keys import IssuerKeys
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.cli.loopback_redirect import LoopbackRedirect
from lgsp_gateway.sessions.oidc_client import (
    AuthorizationRequest,
    Client,
    OidcClient,
    failed,
    id_token_of,
    refuse_error,
    require_fresh,
    text_of,
)
from lgsp_gateway.sessions.session_store import FRESH_SECONDS

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SIGN_IN_SECONDS = 300.0
"""How long somebody may take to sign in in their browser."""
DEFAULT_INTERVAL = 5.0
"""Seconds between two questions of the device grant, where the issuer names none (RFC 8628, section 3.2)."""


async def sign_in_by_browser(
    session: aiohttp.ClientSession, client: Client, visit: Callable[[str], None], *, again: bool = False
) -> str:
    """Sign a person in with the browser of this machine, and return their ID token.

    Args:
        visit: opens an address in the browser, or shows it.
        again: have the issuer ask for the person's credentials, also where they are signed in there.

    Raises:
        Refusal: `sign-in-failed`.
    """
    oidc = OidcClient(session, client)
    endpoints = await oidc.discover()
    request = AuthorizationRequest.create(max_age=FRESH_SECONDS if again else 0)
    async with LoopbackRedirect(request.state, client.issuer, must_name_issuer=endpoints.names_itself) as redirect:
        request = replace(request, redirect_uri=redirect.uri)
        visit(request.url(endpoints, client))
        code = await redirect.code(SIGN_IN_SECONDS)
    return await _verified(client, await oidc.redeem(endpoints, request, code), request)


async def sign_in_by_device(
    session: aiohttp.ClientSession, client: Client, show_code: Callable[[str, str], None]
) -> str:
    """Sign a person in on another device (RFC 8628), and return their ID token.

    Args:
        show_code: shows where to go, and the code to enter there.

    Raises:
        Refusal: `sign-in-failed`.
    """
    oidc = OidcClient(session, client)
    endpoints = await oidc.discover()
    if not endpoints.device:
        raise failed(
            "bên cấp không hỗ trợ mã thiết bị; hãy bỏ --device", "the issuer takes no device codes; leave out --device"
        )
    parameters = {"client_id": client.client, "scope": " ".join(client.scopes)}
    begun = await oidc.post(endpoints.device, parameters, endpoints)
    refuse_error(begun)
    device, shown = text_of(begun, "device_code"), text_of(begun, "user_code")
    show_code(str(begun.get("verification_uri_complete") or text_of(begun, "verification_uri")), shown)
    interval, ends = _seconds(begun, "interval", DEFAULT_INTERVAL), time.monotonic() + _seconds(begun, "expires_in", 0)
    form = {"grant_type": DEVICE_GRANT, "device_code": device, "client_id": client.client}
    while time.monotonic() < ends:
        await asyncio.sleep(interval)
        answer = await oidc.post(endpoints.token, form, endpoints)
        if answer.get("error") == "slow_down":
            interval += DEFAULT_INTERVAL
        elif answer.get("error") != "authorization_pending":
            return await _verified(client, id_token_of(answer))
    raise failed("mã thiết bị đã hết hạn; hãy thử lại", "the device code has expired; try again")


async def _verified(client: Client, token: str, request: AuthorizationRequest | None = None) -> str:
    """Return an ID token after validating it (OpenID Connect Core 1.0, section 3.1.3.7)."""
    keys = IssuerKeys(client.issuer)
    if not await keys.refresh():
        raise failed("không đọc được khóa của bên cấp", "the keys of the issuer cannot be read")
    issuer = Issuer(client.issuer, client.algorithms, keys.find)
    now = time.time()
    verified = IdTokenVerifier([SignInIssuer(issuer, client.client)]).verify(token, now)
    if request is not None:
        require_fresh(request, verified.authenticated, now)
    return token


def _seconds(answer: Mapping[str, Any], name: str, usual: float) -> float:
    value = answer.get(name, usual)
    return min(max(float(value), 0.0), 3600.0) if isinstance(value, (int, float)) else usual
