"""The client's side of OpenID Connect for a command on somebody's machine: authorization code with PKCE on a loopback redirect
(RFC 8252, RFC 7636), and the device grant (RFC 8628) where there is no browser.

Written here after a look at Authlib 1.9, which is well kept: of what follows it would take over the address and the form of
two requests, and bring a second HTTP client. ID tokens are verified by the same code as at the gateway.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from lgsp_auth import signed_jwt
from lgsp_auth.id_token import IdTokenVerifier, SignInIssuer
from lgsp_auth.issuer_keys import IssuerKeys
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.cli.loopback_redirect import LoopbackRedirect
from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SIGN_IN_SECONDS = 300.0
"""How long somebody may take to sign in in their browser."""
DEFAULT_INTERVAL = 5.0
"""Seconds between two questions of the device grant, where the issuer names none (RFC 8628, section 3.2)."""
MAX_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Client:
    """What the bus says of an issuer that its people sign in with: its name, the client to be there, what to ask for, and the
    algorithms that it signs with."""

    issuer: str
    client: str
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What an issuer publishes of itself (OpenID Connect Discovery 1.0). `names_itself`: its redirects say whose they are
    (RFC 9207). `device` is empty where it does not take the device grant."""

    authorization: str
    token: str
    device: str
    names_itself: bool


class OidcClient:
    """Signs somebody in with one issuer."""

    def __init__(self, session: aiohttp.ClientSession, client: Client) -> None:
        self._session = session
        self._client = client

    async def by_browser(self, visit: Callable[[str], None]) -> str:
        """Sign a person in with the browser of this machine, and return their ID token.

        Args:
            visit: opens an address in the browser, or shows it.

        Raises:
            Refusal: `sign-in-failed`.
        """
        endpoints = await self._discover()
        verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        expected = self._client.issuer
        async with LoopbackRedirect(state, expected, must_name_issuer=endpoints.names_itself) as redirect:
            parameters = {
                "response_type": "code",
                "client_id": self._client.client,
                "redirect_uri": redirect.uri,
                "scope": " ".join(self._client.scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            visit(f"{endpoints.authorization}{'&' if '?' in endpoints.authorization else '?'}{urlencode(parameters)}")
            code = await redirect.code(SIGN_IN_SECONDS)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect.uri,
            "client_id": self._client.client,
            "code_verifier": verifier,
        }
        return await self._checked(await self._post(endpoints.token, form), nonce)

    async def by_device(self, show_code: Callable[[str, str], None]) -> str:
        """Sign a person in on another device (RFC 8628), and return their ID token.

        Args:
            show_code: shows where to go, and the code to enter there.

        Raises:
            Refusal: `sign-in-failed`.
        """
        endpoints = await self._discover()
        if not endpoints.device:
            raise failed(
                "bên cấp không hỗ trợ mã thiết bị; hãy bỏ --device",
                "the issuer takes no device codes; leave out --device",
            )
        parameters = {"client_id": self._client.client, "scope": " ".join(self._client.scopes)}
        begun = await self._post(endpoints.device, parameters)
        _refuse_error(begun)
        device, shown = _text(begun, "device_code"), _text(begun, "user_code")
        show_code(str(begun.get("verification_uri_complete") or _text(begun, "verification_uri")), shown)
        interval, ends = (
            _seconds(begun, "interval", DEFAULT_INTERVAL),
            time.monotonic() + _seconds(begun, "expires_in", 0),
        )
        form = {"grant_type": DEVICE_GRANT, "device_code": device, "client_id": self._client.client}
        while time.monotonic() < ends:
            await asyncio.sleep(interval)
            answer = await self._post(endpoints.token, form)
            if answer.get("error") == "slow_down":
                interval += DEFAULT_INTERVAL
            elif answer.get("error") != "authorization_pending":
                return await self._checked(answer, None)
        raise failed("mã thiết bị đã hết hạn; hãy thử lại", "the device code has expired; try again")

    async def _discover(self) -> Endpoints:
        issuer = self._client.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with self._session.get(url, allow_redirects=False) as answer:
            body = await _json(answer)
        if body.get("issuer") != issuer:  # OpenID Connect Discovery 1.0, section 4.3
            raise failed("tài liệu khám phá là của bên cấp khác", "the discovery document is another issuer's")
        methods = body.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise failed("bên cấp không hỗ trợ PKCE S256", "the issuer does not take PKCE with S256")
        return Endpoints(
            _address(body, "authorization_endpoint"),
            _address(body, "token_endpoint"),
            _address(body, "device_authorization_endpoint") if "device_authorization_endpoint" in body else "",
            body.get("authorization_response_iss_parameter_supported") is True,
        )

    async def _checked(self, answer: Mapping[str, Any], nonce: str | None) -> str:
        """Return the ID token of a token response after validating it (OpenID Connect Core 1.0, section 3.1.3.7)."""
        _refuse_error(answer)
        token = _text(answer, "id_token")
        keys = IssuerKeys(self._client.issuer)
        if not await keys.refresh():
            raise failed("không đọc được khóa của bên cấp", "the keys of the issuer cannot be read")
        issuer = Issuer(self._client.issuer, self._client.algorithms, keys.find)
        IdTokenVerifier([SignInIssuer(issuer, self._client.client)]).verify(token, time.time())
        if nonce is not None and signed_jwt.parse(token).claims.get("nonce") != nonce:
            raise failed(
                "mã định danh không thuộc về lần đăng nhập này (nonce)",
                "the ID token is not of this sign-in (nonce)",
            )
        return token

    async def _post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            return await _json(answer)


def failed(vi: str, en: str) -> Refusal:
    """Return the refusal of a sign-in that did not succeed.

    Args:
        vi, en: the rest of a sentence: why.
    """
    return Refusal("sign-in-failed", vi=f"Không đăng nhập được: {vi}.", en=f"The sign-in failed: {en}.")


async def _json(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    content = b""
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER:
            break
    try:
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as error:
        raise failed(
            f"bên cấp trả lời HTTP {answer.status}, không phải JSON",
            f"the issuer answered HTTP {answer.status} and no JSON",
        ) from error
    return document


def _refuse_error(answer: Mapping[str, Any]) -> None:
    if "error" in answer:
        code = safe_code(str(answer["error"]))
        raise failed(f"bên cấp từ chối ({code}); hãy thử lại", f"the issuer refused ({code}); try again")


def safe_code(text: str) -> str:
    """Return an error code of an issuer as a terminal may show it."""
    return "".join(letter for letter in text[:60] if letter.isascii() and (letter.isalnum() or letter in "_-")) or "?"


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise failed(f"bên cấp không trả lời {name}", f"the issuer did not answer {name}")
    return value


def _seconds(answer: Mapping[str, Any], name: str, usual: float) -> float:
    value = answer.get(name, usual)
    return min(max(float(value), 0.0), 3600.0) if isinstance(value, (int, float)) else usual


def _address(metadata: Mapping[str, Any], name: str) -> str:
    """Return an endpoint: over TLS, or on this machine."""
    url = _text(metadata, name)
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url
    raise failed(f"{name} không dùng https", f"{name} is not https")
