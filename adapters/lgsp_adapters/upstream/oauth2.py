"""Token requests of OAuth 2 (RFC 6749): the grants that a program makes by itself, and each usual way of client authentication.

    oauth2:
      url: connection.idp
      path: /oauth2/token
      client: connection.client
      client-authentication: private_key_jwt
      key: connection.key                      # {file: …}, a private key in PEM
      scope: "'read'"

The ways are named as in RFC 8414 (`token_endpoint_auth_methods_supported`), so that the metadata of a provider says which to write.
"""

import base64
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lgsp_adapters.adapter import Call, Connection
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.upstream.client import Upstream
from lgsp_adapters.upstream.request_templates import unsendable_value
from lgsp_adapters.upstream.request_values import query_value
from lgsp_adapters.upstream.response import Response
from lgsp_contracts.source_location import SourceLocation

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
SESSION = {"access_token": "answer.access_token"}
SECONDS = "answer.expires_in"
_NEEDED = {
    "client_secret_basic": ("client", "secret"),
    "client_secret_post": ("client", "secret"),
    "client_secret_jwt": ("client", "secret"),
    "private_key_jwt": ("client", "key"),
    "tls_client_auth": ("client",),
    "none": (),
}
_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
)
"""Error codes of RFC 6749, section 5.2, and of RFC 8707. Another text may quote anything, so it is not logged."""
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_EXPRESSIONS = ("client", "secret", "user", "password", "scope", "audience", "resource", "key-id", "assertion-audience")


class TokenRequest:
    """The request for an access token, to be sent again whenever one is needed.

    Args:
        document: `authentication.oauth2` of the manifest.
        names: the variables of its expressions.
        has_certificate: the manifest has a client certificate.

    Raises:
        Refusal: `invalid-document`, when the client authentication lacks what it needs.
    """

    def __init__(
        self, document: Mapping[str, Any], location: SourceLocation, names: tuple[str, ...], *, has_certificate: bool
    ) -> None:
        self._path: str = document["path"]
        self._grant: str = document.get("grant", "client_credentials")
        self._method: str = document.get("client-authentication", "client_secret_post")
        _check_complete(document, location, self._grant, self._method, has_certificate=has_certificate)
        self._values = Template({name: document[name] for name in _EXPRESSIONS if name in document}, location, names)
        self._parameters = Template(document.get("parameters"), location / "parameters", names)
        self._key = Template(document.get("key"), location / "key", ("connection",))
        self._algorithm: str = document.get("algorithm", "")
        self._location = location
        self._signing_key: Any = None

    def open(self, connection: Connection) -> None:
        """Read the private key.

        Raises:
            Refusal: `invalid-document`, when it is no private key in PEM.
        """
        if self._method != "private_key_jwt":
            return
        try:
            text = str(self._key({"connection": connection}) or "")
            self._signing_key = load_pem_private_key(text.encode(), None)
            self._algorithm = self._algorithm or _algorithm_of(self._signing_key)
        except (MappingError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise (self._location / "key").refusal(
                "không phải khóa riêng dạng PEM không mật khẩu (RSA, EC hoặc Ed25519); hãy chỉ ra tệp khóa bằng {file: …}",
                "not a private key in PEM without a password (RSA, EC or Ed25519); name the file of the key with {file: …}",
            ) from error

    async def send(self, upstream: Upstream, call: Call, scope: Scope) -> Response:
        """Send the request, and return the response, whatever its status.

        Raises:
            UpstreamFailed, UpstreamLate: as the upstream says; `broken`, when a value of the manifest cannot be sent.
        """
        values, parameters = self._texts(self._values, scope), self._texts(self._parameters, scope)
        form = {"grant_type": self._grant}
        if self._grant == "password":
            form |= {"username": values["user"], "password": values["password"]}
        form |= {name: values[name] for name in ("scope", "audience", "resource") if name in values}
        authentication, headers = self._authenticate(values, upstream.base + self._path)
        return await upstream.send(
            "POST",
            self._path,
            call,
            headers={"Accept": "application/json", **headers},
            form={**form, **parameters, **authentication},
            display_path=self._path,
        )

    def _authenticate(self, values: Mapping[str, str], endpoint: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields of the form and the headers by which the client authenticates."""
        if "client" not in values:
            return {}, {}
        client = {"client_id": values["client"]}
        if self._method == "client_secret_basic":
            pair = f"{quote_plus(values['client'])}:{quote_plus(values['secret'])}"  # RFC 6749, section 2.3.1
            return {}, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        if self._method == "client_secret_post":
            return {**client, "client_secret": values["secret"]}, {}
        if self._method in ("client_secret_jwt", "private_key_jwt"):
            assertion = self._assertion(values, values.get("assertion-audience", endpoint))
            return {**client, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}
        return client, {}

    def _assertion(self, values: Mapping[str, str], audience: str) -> str:
        """Sign the assertion of RFC 7523."""
        now = int(time.time())
        claims = {"iss": values["client"], "sub": values["client"], "aud": audience, "jti": str(uuid.uuid4())}
        key = self._signing_key if self._method == "private_key_jwt" else values["secret"]
        headers = {"kid": values["key-id"]} if "key-id" in values else None
        return jwt.encode(
            {**claims, "iat": now, "exp": now + ASSERTION_SECONDS}, key, self._algorithm or "HS256", headers
        )

    def _texts(self, template: Template, scope: Scope) -> dict[str, str]:
        try:
            return {name: query_value(value) for name, value in (template(scope) or {}).items()}
        except MappingError as unmappable:
            raise unsendable_value(template, unmappable) from unmappable


def error_code(answer: Any) -> str:
    """Return the error code of RFC 6749 in what a token endpoint answers; "" where there is none."""
    code = answer.get("error") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and code in _ERRORS else ""


def _check_complete(
    document: Mapping[str, Any], location: SourceLocation, grant: str, method: str, *, has_certificate: bool
) -> None:
    needed = [*_NEEDED[method], *(("user", "password") if grant == "password" else ())]
    missing = [name for name in needed if name not in document]
    if missing:
        names = ", ".join(missing)
        raise location.refusal(
            f"client-authentication {method} và grant {grant} cần thêm: {names}",
            f"client-authentication {method} with grant {grant} also needs: {names}",
        )
    if method == "tls_client_auth" and not has_certificate:
        raise location.refusal(
            "tls_client_auth cần chứng thư của bên gọi; hãy thêm tls: {certificate: …, key: …}",
            "tls_client_auth needs a client certificate; add tls: {certificate: …, key: …}",
        )


def _algorithm_of(key: Any) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    raise ValueError("unknown kind of key")
