"""The client's side of OpenID Connect: authorization code with PKCE (RFC 7636), the same for a command on somebody's machine and for
the gateway, which signs in for a browser.

Written here after a look at Authlib 1.9, which is well kept: of what follows it would take over the address and the form of
two requests, and bring a second HTTP client. ID tokens are verified by the code that verifies tokens at the gateway.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp

from lgsp_auth import signed_jwt
from lgsp_auth.signed_jwt import MalformedJwtError
from lgsp_problems import Refusal
from lgsp_runtime.loopback import is_loopback

MAX_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Client:
    """A client of an issuer: whose, its id there, what to ask for, the algorithms that the issuer signs with, and the client's secret
    (empty for a public client)."""

    issuer: str
    client: str
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What an issuer publishes of itself (OpenID Connect Discovery 1.0). `names_itself`: its redirects say whose they are
    (RFC 9207). `device` is empty where it does not take the device grant; `secret_in_form`: it takes a client's secret in a form alone.
    `sign_out` is where people sign out there (OpenID Connect RP-Initiated Logout 1.0); empty where it has no such page."""

    authorization: str
    token: str
    device: str
    names_itself: bool
    secret_in_form: bool = False
    sign_out: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What one sign-in must find again in the redirect, and in the ID token: values that nobody else knows.

    Args:
        max_age: how many seconds ago the person may have shown the issuer who they are (OpenID Connect Core 1.0, section 3.1.2.1); 0 for
            any time, which is single sign-on.
    """

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    max_age: int = 0

    @classmethod
    def create(cls, redirect_uri: str = "", max_age: int = 0) -> "AuthorizationRequest":
        """Make one of new random values."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(redirect_uri, state, nonce, verifier, max_age)

    def url(self, endpoints: Endpoints, client: Client) -> str:
        """Return the address at the issuer to send a browser to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": client.client,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(client.scopes),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": str(self.max_age)} if self.max_age else {}),
        }
        return f"{endpoints.authorization}{'&' if '?' in endpoints.authorization else '?'}{urlencode(parameters)}"


class OidcClient:
    """Asks one issuer.

    Args:
        session: for its requests, with a time limit.
    """

    def __init__(self, session: aiohttp.ClientSession, client: Client) -> None:
        self._session = session
        self._client = client

    async def discover(self) -> Endpoints:
        """Read what the issuer publishes of itself.

        Raises:
            Refusal: `sign-in-failed`.
        """
        issuer = self._client.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with self._session.get(url, allow_redirects=False) as answer:
            body = await _json(answer)
        if body.get("issuer") != issuer:  # OpenID Connect Discovery 1.0, section 4.3
            raise failed("tài liệu khám phá là của bên cấp khác", "the discovery document is another issuer's")
        methods = body.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise failed("bên cấp không hỗ trợ PKCE S256", "the issuer does not take PKCE with S256")
        authentication = body.get("token_endpoint_auth_methods_supported")
        return Endpoints(
            _address(body, "authorization_endpoint"),
            _address(body, "token_endpoint"),
            _address(body, "device_authorization_endpoint") if "device_authorization_endpoint" in body else "",
            body.get("authorization_response_iss_parameter_supported") is True,
            isinstance(authentication, list) and "client_secret_basic" not in authentication,
            _safe_address(body.get("end_session_endpoint")),
        )

    async def redeem(self, endpoints: Endpoints, request: AuthorizationRequest, code: str) -> str:
        """Redeem an authorization code, and return the ID token, which is not verified yet but is of this sign-in.

        Raises:
            Refusal: `sign-in-failed`.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "client_id": self._client.client,
            "code_verifier": request.verifier,
        }
        answer = await self.post(endpoints.token, form, endpoints)
        token = id_token_of(answer)
        try:
            nonce = signed_jwt.parse(token).claims.get("nonce")
        except MalformedJwtError as error:
            raise failed("mã định danh không phải JWT", "the ID token is not a JWT") from error
        if nonce != request.nonce:
            raise failed(
                "mã định danh không thuộc về lần đăng nhập này (nonce)",
                "the ID token is not of this sign-in (nonce)",
            )
        return token

    async def post(self, url: str, form: Mapping[str, str], endpoints: Endpoints) -> dict[str, Any]:
        """Send a form to the issuer, as the client, and return the JSON object that it answers.

        Raises:
            Refusal: `sign-in-failed`.
        """
        headers, secret = {"Accept": "application/json"}, self._client.secret
        if secret and endpoints.secret_in_form:
            form = {**form, "client_secret": secret}
        elif secret:  # RFC 6749, section 2.3.1
            pair = f"{quote_plus(self._client.client)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            return await _json(answer)


def require_fresh(request: AuthorizationRequest, authenticated: float, now: float) -> None:
    """Refuse a sign-in that was to ask for the person's credentials and did not: whoever holds the browser can leave that out of the
    request, so the ID token's `auth_time` alone proves it.

    Args:
        authenticated: the `auth_time`, in seconds since 1970; 0 for none.
        now: seconds since 1970.

    Raises:
        Refusal: `sign-in-failed`.
    """
    if not request.max_age:
        return
    if not authenticated:
        raise failed(
            "bên cấp không cho biết bạn xác thực lúc nào (auth_time); hãy nhờ người quản trị bên cấp đưa thông tin này vào mã định danh",
            "the issuer does not say when you entered your credentials (auth_time); ask whoever runs it to put that into its ID tokens",
        )
    if now - authenticated > request.max_age:
        raise failed(
            "bên cấp không yêu cầu bạn xác thực lại; hãy đăng xuất ở bên cấp rồi đăng nhập lại",
            "the issuer did not ask for your credentials again; sign out there, then sign in again",
        )


def redirected_code(query: Mapping[str, str], issuer: str, *, must_name_issuer: bool) -> str:
    """Return the authorization code in the parameters of a redirect, whose state has been compared.

    Args:
        issuer: whose it must be.
        must_name_issuer: the issuer says that its redirects name it (RFC 9207).

    Raises:
        Refusal: `sign-in-failed`.
    """
    named, code, error = query.get("iss"), query.get("code", ""), query.get("error")
    if named not in (None, issuer) or (named is None and must_name_issuer):  # RFC 9207, section 2.4
        raise failed("câu trả lời do bên cấp khác gửi", "the answer came from another issuer")
    if error is not None or not code:
        shown = safe_code(error or "?")
        raise failed(f"bên cấp từ chối ({shown})", f"the issuer refused ({shown})")
    return code


def id_token_of(answer: Mapping[str, Any]) -> str:
    """Return the ID token in the answer of a token endpoint.

    Raises:
        Refusal: `sign-in-failed`.
    """
    refuse_error(answer)
    return text_of(answer, "id_token")


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


def refuse_error(answer: Mapping[str, Any]) -> None:
    """Refuse an answer that is an OAuth error (RFC 6749, section 5.2).

    Raises:
        Refusal: `sign-in-failed`.
    """
    if "error" in answer:
        code = safe_code(str(answer["error"]))
        raise failed(f"bên cấp từ chối ({code}); hãy thử lại", f"the issuer refused ({code}); try again")


def safe_code(text: str) -> str:
    """Return an error code of an issuer as a terminal may show it."""
    return "".join(letter for letter in text[:60] if letter.isascii() and (letter.isalnum() or letter in "_-")) or "?"


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """Return a member of an answer that must be a text.

    Raises:
        Refusal: `sign-in-failed`.
    """
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise failed(f"bên cấp không trả lời {name}", f"the issuer did not answer {name}")
    return value


def _address(metadata: Mapping[str, Any], name: str) -> str:
    """Return an endpoint: over TLS, or on this machine."""
    if url := _safe_address(text_of(metadata, name)):
        return url
    raise failed(f"{name} không dùng https", f"{name} is not https")


def _safe_address(url: Any) -> str:
    """Return an address over TLS or on this machine; "" for anything else."""
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    except ValueError:
        return ""
    return url if safe else ""
