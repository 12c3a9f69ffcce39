"""The bus's own token endpoint: OAuth 2 client credentials (RFC 6749, section 4.4).

A system proves who it is with `private_key_jwt` (RFC 7523): the bus then holds no secret of it. A shared secret is there
for programs that can do no better; it is long and random, so its plain SHA-256 is what the registry keeps.
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import jwt

from lgsp_auth.keys import KeyRing
from lgsp_auth.tokens import AUDIENCE, TOKEN_TYPE
from lgsp_problems import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "ES384", "EdDSA", "PS256", "RS256")
MAX_ASSERTION_LIFE = 300
DEFAULT_LIFE = 3600


@dataclass(frozen=True, slots=True)
class Client:
    """How one system proves who it is: public keys as JWKs, and the SHA-256 of a secret in hex, if it has one."""

    system: str
    jwks: tuple[Mapping[str, Any], ...]
    secret_sha256: str = ""


class TokenEndpoint:
    """Issues access tokens.

    Args:
        issuer: the `iss` of the tokens.
        addresses: what a client assertion may name as its audience: the issuer and the endpoint's own address.
        keys: gives the ring of the moment, so that a rotation needs no restart.
        find: the client of a client id, or None.
        life: how long a token counts, in seconds.
    """

    def __init__(
        self,
        issuer: str,
        addresses: tuple[str, ...],
        keys: Callable[[], KeyRing],
        find: Callable[[str], Client | None],
        life: int = DEFAULT_LIFE,
    ) -> None:
        self.issuer = issuer
        self._addresses = addresses
        self._keys = keys
        self._find = find
        self._life = life
        self._used_assertions: dict[tuple[str, str], float] = {}

    def issue(self, form: Mapping[str, str], authorization: str | None, now: float, bound: str = "") -> dict[str, Any]:
        """The answer to a token request.

        Args:
            form: the parameters of the request's body.
            authorization: the request's `Authorization` header.
            now: seconds since 1970.
            bound: the thumbprint of the key that the token is to be bound to (RFC 9449), if any.

        Raises:
            Refusal: with an error code of RFC 6749, section 5.2.
        """
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise _refused("invalid_request", "thiếu tham số grant_type", "the parameter grant_type is missing")
        if grant_type != "client_credentials":
            raise _refused(
                "unsupported_grant_type", "chỉ hỗ trợ client_credentials", "only client_credentials is supported"
            )
        client = self._authenticate(form, authorization, now)
        kind = "DPoP" if bound else "Bearer"
        return {"access_token": self.token(client.system, now, bound), "token_type": kind, "expires_in": self._life}

    def token(self, system: str, now: float, bound: str = "") -> str:
        """A signed access token for a system, as RFC 9068 has it."""
        claims = {
            "iss": self.issuer,
            "sub": system,
            "client_id": system,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + self._life,
            "jti": str(uuid.uuid4()),
            **({"cnf": {"jkt": bound}} if bound else {}),
        }
        return self._keys().current.sign(claims, typ=TOKEN_TYPE)

    def _authenticate(self, form: Mapping[str, str], authorization: str | None, now: float) -> Client:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION_TYPE:
                raise _refused(
                    "invalid_request",
                    f"client_assertion_type phải là {ASSERTION_TYPE}",
                    f"client_assertion_type must be {ASSERTION_TYPE}",
                )
            return self._by_assertion(form["client_assertion"], now)
        return self._by_secret(*_credentials(form, authorization))

    def _by_secret(self, client_id: str, secret: str) -> Client:
        client = self._find(client_id)
        given = hashlib.sha256(secret.encode()).hexdigest()
        known = client.secret_sha256 if client else ""
        if client is None or not known or not hmac.compare_digest(given, known):
            raise _unknown_client()
        return client

    def _by_assertion(self, assertion: str, now: float) -> Client:
        try:
            header = jwt.get_unverified_header(assertion)
            client_id = str(jwt.decode(assertion, options={"verify_signature": False}).get("sub", ""))
        except jwt.InvalidTokenError:
            raise _unknown_client() from None
        client = self._find(client_id)
        key = _choose_key(client.jwks if client else (), header.get("kid"))
        if client is None or key is None or header.get("alg") not in ASSERTION_ALGORITHMS:
            raise _unknown_client()
        try:
            claims = jwt.decode(
                assertion,
                key.key,
                algorithms=[key.algorithm_name],
                audience=list(self._addresses),
                issuer=client_id,
                leeway=5,
                options={"require": ["exp", "sub", "aud", "iss", "jti"]},
            )
        except jwt.InvalidTokenError:
            raise _unknown_client() from None
        self._refuse_replay(client_id, str(claims["jti"]), float(claims["exp"]), now)
        return client

    def _refuse_replay(self, client_id: str, jti: str, expires: float, now: float) -> None:
        if expires > now + MAX_ASSERTION_LIFE + 5:
            raise _refused(
                "invalid_client",
                f"client_assertion chỉ được có hiệu lực tối đa {MAX_ASSERTION_LIFE} giây",
                f"a client_assertion may live at most {MAX_ASSERTION_LIFE} seconds",
            )
        self._used_assertions = {used: until for used, until in self._used_assertions.items() if until > now - 5}
        if (client_id, jti) in self._used_assertions:
            raise _refused(
                "invalid_client",
                "client_assertion đã được dùng một lần; hãy ký một cái mới cho mỗi yêu cầu",
                "this client_assertion was used before; sign a new one for each request",
            )
        self._used_assertions[client_id, jti] = expires


def _choose_key(jwks: tuple[Mapping[str, Any], ...], kid: Any) -> jwt.PyJWK | None:
    for jwk in jwks:
        if kid is None or jwk.get("kid") == kid:
            return jwt.PyJWK.from_dict(dict(jwk))
    return None


def _credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """Client id and secret, from the Basic header (form-encoded as RFC 6749, section 2.3.1 asks) or from the form."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _unknown_client() from None
        return unquote_plus(client_id), unquote_plus(secret)
    if "client_id" in form and "client_secret" in form:
        return form["client_id"], form["client_secret"]
    raise _refused(
        "invalid_client",
        "yêu cầu không cho biết hệ thống nào đang hỏi; hãy gửi client_assertion hoặc mã hệ thống và mật khẩu",
        "the request does not say who asks; send a client_assertion, or client id and secret",
    )


def _unknown_client() -> Refusal:
    return _refused(
        "invalid_client",
        "không xác thực được hệ thống; hãy kiểm tra mã hệ thống và khóa đã đăng ký",
        "the client could not be authenticated; check its id and the key registered for it",
    )


def _refused(code: str, vi: str, en: str) -> Refusal:
    headers = {"WWW-Authenticate": 'Basic realm="lgsp"'} if code == "invalid_client" else {}
    return Refusal(code, vi=f"{vi[0].upper()}{vi[1:]}.", en=f"{en[0].upper()}{en[1:]}.", headers=headers)
