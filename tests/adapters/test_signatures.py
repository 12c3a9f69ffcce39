"""The signatures and sessions on the page about HTTP, before systems that verify them."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from aiohttp import web
from support.adapters import CONTRACT, manifest_of
from support.http_page import example
from support.national import call
from support.upstreams import ASKED, served

from lgsp_adapters.adapter import Call, LimitReached, UpstreamFailed
from lgsp_adapters.connectors.connector_lookup import build_adapter
from lgsp_problems import Refusal

SECRET, USER, AUTH_URL = "khóa bí mật", "lgsp", "https://dancuquocgia.example"
NAME = "Nguyễn Văn /?&=+ %2F"


async def said(url: str, asking: Call | None = None, **told: Any) -> Any:
    """What the adapter of an example answers."""
    manifest = manifest_of("http", url, **told)
    manifest.connection.update(
        {"secret": SECRET, "user": USER, "password": "mật khẩu", "auth-url": AUTH_URL, "url": url}
    )
    adapter = build_adapter(manifest, CONTRACT)
    await adapter.open()
    try:
        method = adapter.method("read")
        assert method
        return await method({**ASKED, "hoVaTen": NAME}, asking or call())
    finally:
        await adapter.close()


def mac(text: str, encoding: str = "hex") -> str:
    digest = hmac.digest(SECRET.encode(), text.encode(), "sha256")
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def verdict(good: bool) -> web.Response:
    return web.json_response({"said": "KHOP"}, status=200 if good else 401)


async def method_path_and_body(request: web.Request) -> web.Response:
    body, headers = await request.read(), request.headers
    text = [
        request.method,
        request.raw_path,
        hashlib.sha256(body).hexdigest(),
        headers["X-Timestamp"],
        headers["X-Nonce"],
    ]
    assert request.query["ten"] == NAME
    assert len(headers["X-Nonce"]) == 36
    return verdict(hmac.compare_digest(headers["X-Signature"], mac("\n".join(text), "base64")))


async def e_document_axis(request: web.Request) -> web.Response:
    headers = request.headers
    names = [f"XroadVnpt-{name}" for name in headers["XroadVnpt-sign-header-key"].split(";")]
    signed = headers["XroadVnpt-sign-header"]
    assert json.loads(signed) == {name: headers[name] for name in names}
    return verdict(hmac.compare_digest(headers["XroadVnpt-hash-header"], mac(signed)))


async def population(request: web.Request) -> web.Response:
    user, _, password = (
        base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    )
    text = AUTH_URL + USER + request.headers["Timestamp"] + SECRET
    return verdict((user, password) == (USER, hashlib.sha256(text.encode()).hexdigest()))


async def payment(request: web.Request) -> web.Response:
    body = await request.json()
    *values, given = body.values()
    return verdict(given == hashlib.sha256("|".join([*values, SECRET]).encode()).hexdigest() and len(body) == 6)


@pytest.mark.parametrize(
    ("heading", "verify"),
    [
        ("A signature over method, path and body", method_path_and_body),
        ("Signed headers of the e-document axis", e_document_axis),
        ("The population database", population),
        ("A digest of fields in the body", payment),
    ],
)
async def test_the_system_verifies_the_example(heading: str, verify: Any) -> None:
    async with served(verify) as url:
        assert await said(url, **example(heading)) == {"ketQua": "KHOP"}
        assert await said(f"{url}/base/path", **example(heading)) == {"ketQua": "KHOP"}


async def test_a_signature_that_is_wrong_is_refused() -> None:
    async with served(population) as url:
        told = example("The population database")
        told["headers"]["Timestamp"] = "'0'"
        told["headers"]["Authorization"] = told["headers"]["Authorization"].replace("sent.headers.Timestamp", "'1'")
        with pytest.raises(UpstreamFailed, match="HTTP 401"):
            await said(url, **told)


async def test_a_quoted_field_of_the_request_is_signed_too() -> None:
    async def verify(request: web.Request) -> web.Response:
        return verdict(request.headers["X-Sha"] == hashlib.sha256(await request.read()).hexdigest())

    operation = {
        "path": "/ask",
        "body": {"ten": "request.hoVaTen"},
        "headers": {"X-Sha": 'to_string(sent."sha256")'},
        "answer": {"ketQua": "answer.said"},
    }
    async with served(verify) as url:
        assert await said(url, operations={"read": operation}) == {"ketQua": "KHOP"}


async def test_what_is_not_known_of_a_request_is_not_signed() -> None:
    told = example("A signature over method, path and body")
    told["headers"]["X-Signature"] = "hmac(sent.sha, connection.secret)"
    with pytest.raises(Refusal, match="sent has no sha; it has: method"):
        await said("http://127.0.0.1:1", **told)


async def test_soap_signs_its_envelope_and_counts_its_requests() -> None:
    envelope = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><r><kq>KHOP</kq></r></s:Body></s:Envelope>"
    seen: list[bool] = []

    async def answer(request: web.Request) -> web.Response:
        text = request.headers["X-Time"] + "|" + (await request.read()).decode()
        seen.append(hmac.compare_digest(request.headers["X-Signature"], mac(text)))
        return web.Response(text=envelope, content_type="text/xml")

    told = {
        "soap": {"namespace": "urn:x"},
        "headers": {
            "X-Time": "now.milliseconds",
            "X-Signature": "hmac(join('|', [sent.headers.\"X-Time\", sent.body]), connection.secret)",
        },
        "limit": {"per-day": 1},
        "operations": {
            "read": {"element": "A", "fields": {"Ten": "request.hoVaTen"}, "answer": {"ketQua": "answer.kq"}}
        },
    }
    async with served(answer) as url:
        manifest = manifest_of("soap", url, **told)
        manifest.connection.update({"secret": SECRET})
        adapter = build_adapter(manifest, CONTRACT)
        await adapter.open()
        method = adapter.method("read")
        assert method
        assert await method({**ASKED, "hoVaTen": NAME}, call()) == {"ketQua": "KHOP"}
        with pytest.raises(LimitReached):
            await method({**ASKED, "hoVaTen": NAME}, call())
        await adapter.close()
    assert seen == [True]


async def test_a_session_in_the_body_is_renewed_when_a_200_says_so() -> None:
    sessions: list[str] = []
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        if request.path == "/mapi/login":
            assert body == {"username": USER, "password": "mật khẩu"}
            sessions.append(f"s-{len(sessions) + 1}")
            return web.json_response({"session": sessions[-1], "error_code": 0})
        seen.append(body["session"])
        if body["session"] == "s-1" and len(seen) > 1:
            return web.json_response({"error_code": -1, "message": "session expired"})
        return web.json_response({"error_code": 0, "said": body["session"]})

    manifest_told = example("Sessions", 1)
    async with served(answer) as url:
        manifest = manifest_of("http", url, **manifest_told)
        manifest.connection.update({"user": USER, "password": "mật khẩu"})
        adapter = build_adapter(manifest, CONTRACT)
        await adapter.open()
        method = adapter.method("read")
        assert method
        assert await method(dict(ASKED), call()) == {"ketQua": "s-1"}
        assert await method(dict(ASKED), call()) == {"ketQua": "s-2"}
        assert await method(dict(ASKED), call()) == {"ketQua": "s-2"}
        await adapter.close()
    assert seen == ["s-1", "s-1", "s-2", "s-2"]


@pytest.mark.parametrize(
    ("status", "answer", "why", "note"),
    [
        (403, {"error_code": 9}, "refused", "HTTP 403 from the login"),
        (500, "<html>", "broken", "HTTP 500 from the login"),
        (200, {"error_code": 9}, "refused", "HTTP 200: the login's answer has no id"),
    ],
)
async def test_it_is_said_that_the_login_refused(status: int, answer: Any, why: str, note: str) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response(answer, status=status)

    async with served(refuse) as url:
        with pytest.raises(UpstreamFailed) as failed:
            await said(url, **example("Sessions", 1))
    assert (failed.value.why, failed.value.private.endswith(f"/mapi/login: {note}")) == (why, True)
