"""The ways of client authentication at a token endpoint on another host, each before a server that verifies it."""

import base64
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.authority import Authority
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_problems import Refusal

HTTP = {"operations": {"read": {"path": "/people", "answer": {"ketQua": "answer.a"}}}}
CLIENT, SECRET = "lgsp:quảng ninh", "p@ss word/+&=%:mật khẩu"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def quoted(text: str) -> str:
    """A text as an expression of a mapping."""
    return f"'{text}'"


class TokenServer:
    """A token endpoint that keeps the forms and headers of what it was asked."""

    def __init__(self, status: int = 200, answer: Any = None) -> None:
        self.status = status
        self.answer = answer or {"access_token": "t-1", "token_type": "Bearer", "expires_in": 300}
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []

    async def hand_out(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.headers.append(dict(request.headers))
        return web.json_response(self.answer, status=self.status)

    @property
    def basic(self) -> tuple[str, str]:
        """The client and the secret as RFC 6749, section 2.3.1 writes them."""
        pair = base64.b64decode(self.headers[-1]["Authorization"].removeprefix("Basic ")).decode()
        client, _, secret = pair.partition(":")
        return unquote_plus(client), unquote_plus(secret)


async def answer_with_token(request: web.Request) -> web.Response:
    return web.json_response({"a": request.headers["Authorization"]})


async def taken(server: TokenServer, **oauth2: Any) -> str:
    """What the system is sent after a token was taken; returns the address of the token endpoint."""
    async with served(server.hand_out) as idp, served(answer_with_token) as url:
        told = {"path": "/oauth2/token", "url": quoted(idp), "client": quoted(CLIENT), **oauth2}
        async with opened("http", url, **HTTP, authentication={"oauth2": told}) as adapter:
            assert await ask(adapter) == {"ketQua": "Bearer t-1"}
        return f"{idp}/oauth2/token"


async def test_a_secret_in_the_form_or_by_basic() -> None:
    server = TokenServer()
    await taken(server, secret=quoted(SECRET))
    assert server.forms[-1] == {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    await taken(server, secret=quoted(SECRET), **{"client-authentication": "client_secret_basic"})
    assert server.basic == (CLIENT, SECRET)
    assert server.forms[-1] == {"grant_type": "client_credentials"}


async def test_an_assertion_signed_with_the_secret() -> None:
    server = TokenServer()
    secret = "a-secret-of-at-least-32-characters-long"
    endpoint = await taken(server, secret=quoted(secret), **{"client-authentication": "client_secret_jwt"})
    form = server.forms[-1]
    assert (form["client_id"], form["client_assertion_type"]) == (CLIENT, ASSERTION)
    claims = jwt.decode(form["client_assertion"], secret, ["HS256"], audience=endpoint)
    assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)
    assert claims["exp"] - claims["iat"] == 60
    assert "client_secret" not in form


@pytest.mark.parametrize(
    ("key", "options", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), {}, "RS256"),
        (rsa.generate_private_key(65537, 2048), {"algorithm": "PS256"}, "PS256"),
        (ec.generate_private_key(ec.SECP256R1()), {}, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), {}, "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), {}, "EdDSA"),
    ],
    ids=["rsa", "pss", "p256", "p384", "ed25519"],
)
async def test_an_assertion_signed_with_a_private_key(key: Any, options: dict[str, str], algorithm: str) -> None:
    server = TokenServer()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told = {
        "client-authentication": "private_key_jwt",
        "key": quoted(pem),
        "key-id": "'k-1'",
        "assertion-audience": "'https://idp.example.vn'",
    }
    await taken(server, **told, **options)
    assertion = server.forms[-1]["client_assertion"]
    assert jwt.get_unverified_header(assertion) | {"typ": "JWT"} == {"alg": algorithm, "kid": "k-1", "typ": "JWT"}
    claims = jwt.decode(assertion, key.public_key(), [algorithm], audience="https://idp.example.vn")
    await taken(server, **told, **options)
    again = jwt.decode(
        server.forms[-1]["client_assertion"], key.public_key(), [algorithm], audience="https://idp.example.vn"
    )
    assert claims["jti"] != again["jti"]


async def test_the_client_certificate_authenticates(tmp_path: Path) -> None:
    server = TokenServer()
    authority = Authority(tmp_path)
    authority.issue()
    strict = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    strict.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    strict.verify_mode = ssl.CERT_REQUIRED
    strict.load_verify_locations(authority.path)
    tls = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    async with served(server.hand_out, strict) as idp, served(answer_with_token) as url:
        told = {
            "path": "/token",
            "url": quoted(idp),
            "client": "'lgsp'",
            "client-authentication": "tls_client_auth",
        }
        async with opened("http", url, tmp_path, tls=tls, **HTTP, authentication={"oauth2": told}) as adapter:
            assert await ask(adapter) == {"ketQua": "Bearer t-1"}
    assert server.forms == [{"grant_type": "client_credentials", "client_id": "lgsp"}]


async def test_the_password_grant_and_further_parameters() -> None:
    server = TokenServer()
    await taken(
        server,
        grant="password",
        user="'can-bo'",
        password="connection.password",
        secret="'s'",
        scope="'read write'",
        audience="'https://api.example.vn'",
        resource="'https://api.example.vn/land'",
        parameters={"acr_values": "'tenant:qn'"},
    )
    assert server.forms[-1] == {
        "grant_type": "password",
        "username": "can-bo",
        "password": "bí mật",
        "client_id": CLIENT,
        "client_secret": "s",
        "scope": "read write",
        "audience": "https://api.example.vn",
        "resource": "https://api.example.vn/land",
        "acr_values": "tenant:qn",
    }


@pytest.mark.parametrize(
    ("status", "answer", "why", "note"),
    [
        (401, {"error": "invalid_client"}, "refused", "HTTP 401 from the token endpoint (invalid_client)"),
        (400, {"error": "invalid_scope"}, "refused", "HTTP 400 from the token endpoint (invalid_scope)"),
        (400, {"error": "Nguyễn Văn An"}, "broken", "HTTP 400 from the token endpoint"),
        (500, ["<odd>", {"error": ["x"]}], "broken", "HTTP 500 from the token endpoint"),
        (200, {"error": "invalid_client"}, "refused", "HTTP 200: the token endpoint's answer has no access_token"),
        (200, {"access_token": "a\r\nX: 1"}, "unintelligible", "the access_token is no text that a header can carry"),
        (200, {"access_token": {"a": "b"}}, "unintelligible", "the access_token is no text that a header can carry"),
    ],
)
async def test_it_is_said_that_the_token_endpoint_refused(status: int, answer: Any, why: str, note: str) -> None:
    server = TokenServer(status, answer)
    with pytest.raises(UpstreamFailed) as failed:
        await taken(server, secret=quoted(SECRET))
    assert failed.value.why == why
    assert failed.value.private.endswith(f"/oauth2/token: {note}")
    assert failed.value.private.startswith("POST 127.0.0.1:")
    assert SECRET not in failed.value.private + failed.value.upstream_message


@pytest.mark.parametrize(
    ("oauth2", "sentence"),
    [
        ({"client-authentication": "private_key_jwt"}, "private_key_jwt with grant client_credentials also needs: key"),
        ({"client-authentication": "tls_client_auth"}, "tls_client_auth needs a client certificate"),
        ({"grant": "password", "secret": "'s'"}, "also needs: user, password"),
        ({"client-authentication": "private_key_jwt", "key": "'no key'"}, "not a private key in PEM"),
    ],
)
async def test_what_is_missing_is_named(oauth2: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        await taken(TokenServer(), **oauth2)
    assert sentence in refused.value.detail.en


async def bad_encoding(_: web.Request) -> web.Response:
    return web.Response(status=500, body=b"not gzip", headers={"Content-Encoding": "gzip"})


async def bad_json(_: web.Request) -> web.Response:
    return web.Response(status=500, body=b'{"a": "\xff\xfe\xd8", ', content_type="application/json")


async def bad_xml(_: web.Request) -> web.Response:
    return web.Response(status=500, body=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;", content_type="text/xml")


async def deep_json(_: web.Request) -> web.Response:
    return web.Response(status=500, body=b"[" * 100_000, content_type="application/json")


@pytest.mark.parametrize("answer", [bad_encoding, bad_json, bad_xml, deep_json])
async def test_the_status_of_an_error_with_an_odd_body_is_said(answer: Any) -> None:
    async with served(answer) as url, opened("http", url, **HTTP) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.private.startswith(f"GET {url.removeprefix('http://')}/people: HTTP 500")
