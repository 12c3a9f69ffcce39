"""A call from end to end: every status of the table, in both languages, and the evidence that each leaves."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from support.at_rest import stored_bytes
from support.workbench import NAME, NUMBER, Workbench, idempotency_key

from lgsp_adapters.adapter import Call, Declared, UpstreamFailed
from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.keys.key_store import KeyStore

PERSON = {"soDinhDanh": NUMBER, "hoVaTen": NAME}


async def broken(request: dict[str, Any], call: Call) -> dict[str, Any]:
    raise RuntimeError(f"about {request['soDinhDanh']}")


@pytest.fixture
async def served(bus: Workbench) -> Any:
    adapter = await bus.serve()
    yield adapter
    await bus.unserve(adapter)


async def test_an_answer_carries_what_a_caller_needs(bus: Workbench, served: Any) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    got = await bus.call("read", PERSON, headers={"traceparent": trace})
    assert (got.status, got.json) == (200, {"ketQua": "KHOP"})
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert got.headers["traceparent"] != trace
    assert "provider;dur=" in got.headers["Server-Timing"]
    assert "evidence;dur=" in got.headers["Server-Timing"]
    assert got.headers["RateLimit-Policy"] == '"grant";q=100000;w=3600'
    assert got.headers["RateLimit"].startswith('"grant";r=')
    entry = await bus.entry(got.message)
    assert entry["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (entry["consumer"], entry["agency"], entry["grant"]) == ("alpha", "H49.1", "alpha-desk")
    assert (entry["outcome"], entry["status"], entry["service"]) == ("answered", 200, "desk")


async def test_the_adapter_learns_who_asks_why_and_until_when(bus: Workbench) -> None:
    seen: list[Call] = []

    async def look(request: dict[str, Any], call: Call) -> dict[str, Any]:
        seen.append(call)
        return {"ketQua": "KHOP"}

    adapter = await bus.serve(read_person=look)
    got = await bus.call("read-person", PERSON, headers={"Lgsp-Purpose": "thu-nghiem"})
    await bus.unserve(adapter)
    [call] = seen
    assert got.status == 200
    assert call.context.message == got.message
    assert (call.context.consumer, call.context.agency, call.context.purpose) == ("alpha", "H49.1", "thu-nghiem")
    assert 0 < call.remaining < 0.7


async def test_only_granted_fields_are_seen(bus: Workbench) -> None:
    async def everything(request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {"ketQua": "KHOP", "biMat": "x", "cha": {"hoVaTen": NAME, "tonGiao": "y"}}

    adapter = await bus.serve(narrow=everything)
    got = await bus.call("narrow", PERSON)
    await bus.unserve(adapter)
    assert got.json == {"ketQua": "KHOP", "cha": {"hoVaTen": NAME}}


def refusals() -> Iterator[Any]:
    """Each row: what is sent, and the status and code that come back. The adapter below breaks in the ways named."""
    nan, deep = b'{"soDinhDanh": NaN}', b"[" * 1000 + b"]" * 1000
    twice = b'{"soDinhDanh": "022093001234", "soDinhDanh": "022093001235"}'
    yield pytest.param({"body": b"{"}, 400, "malformed", id="not-json")
    yield pytest.param({"body": nan}, 400, "malformed", id="nan")
    yield pytest.param({"body": twice}, 400, "malformed", id="duplicate-keys")
    yield pytest.param({"body": deep}, 400, "malformed", id="deep")
    yield pytest.param({"body": b"\xff"}, 400, "malformed", id="not-utf-8")
    yield pytest.param({"operation": "read-person"}, 400, "malformed", id="no-purpose")
    yield pytest.param({"headers": {"Idempotency-Key": "short"}}, 400, "malformed", id="short-idempotency-key")
    yield pytest.param({"headers": {"Authorization": ""}}, 401, "token-invalid", id="no-token")
    yield pytest.param({"headers": {"Authorization": "Basic YTpi"}}, 401, "token-invalid", id="basic")
    yield pytest.param({"headers": {"Authorization": "Bearer x.y.z"}}, 401, "token-invalid", id="not-a-jwt")
    yield pytest.param({"headers": {"Authorization": "Bearer " + "x" * 7000}}, 401, "token-invalid", id="long-token")
    yield pytest.param({"system": "gamma"}, 403, "not-granted", id="no-grant")
    yield pytest.param({"system": "beta", "operation": "register"}, 403, "not-granted", id="other-operation")
    yield pytest.param(
        {"operation": "read-person", "headers": {"Lgsp-Purpose": "khac"}}, 403, "purpose-not-granted", id="purpose"
    )
    yield pytest.param({"service": "nothing"}, 404, "unknown-service", id="unknown-service")
    yield pytest.param({"operation": "nothing"}, 404, "unknown-service", id="unknown-operation")
    yield pytest.param({"service": "hidden", "system": "beta"}, 404, "unknown-service", id="hidden-service")
    yield pytest.param(
        {"service": "hidden", "system": "beta", "operation": "x"}, 404, "unknown-service", id="hidden-operation"
    )
    yield pytest.param({"service": "đất"}, 404, "unknown-service", id="no-service-name")
    yield pytest.param({"body": b"a" * 2_000_000}, 413, "too-large", id="too-large")
    yield pytest.param({"headers": {"Content-Type": "text/plain"}}, 415, "unsupported-media-type", id="text")
    latin = {"Content-Type": "application/json; charset=latin-1"}
    yield pytest.param({"headers": latin}, 415, "unsupported-media-type", id="latin-1")
    yield pytest.param({"body": {"soDinhDanh": "12"}}, 422, "contract-violation", id="contract")
    yield pytest.param({"body": {"soDinhDanh": "1"}}, 422, "contract-violation", id="number")
    yield pytest.param({"body": {"soDinhDanh": NUMBER, "hoVaTen": "declared"}}, 404, "person-not-found", id="declared")
    yield pytest.param({"body": {"soDinhDanh": NUMBER, "hoVaTen": "wrong"}}, 502, "provider-broke-contract", id="wrong")
    yield pytest.param(
        {"body": {"soDinhDanh": NUMBER, "hoVaTen": "undeclared"}}, 502, "provider-broke-contract", id="undeclared"
    )
    yield pytest.param({"body": {"soDinhDanh": NUMBER, "hoVaTen": "broken"}}, 502, "provider-failed", id="broken")
    yield pytest.param({"body": {"soDinhDanh": NUMBER, "hoVaTen": "down"}}, 502, "provider-failed", id="down")
    yield pytest.param({"service": "hidden"}, 503, "no-adapter", id="no-adapter")
    yield pytest.param({"body": {"soDinhDanh": NUMBER, "hoVaTen": "late"}}, 504, "provider-timeout", id="late")


@pytest.fixture(scope="module")
async def misbehaving(bus: Workbench) -> Any:
    async def misbehave(request: dict[str, Any], call: Call) -> dict[str, Any]:
        match request.get("hoVaTen"):
            case "declared":
                raise Declared("person-not-found")
            case "undeclared":
                raise Declared("something-else")
            case "wrong":
                return {"ketQua": 7, NUMBER: NAME}
            case "broken":
                return await broken(request, call)
            case "down":
                raise UpstreamFailed("unreachable", "ClientConnectorError")
            case "late":
                await asyncio.Event().wait()
        return {"ketQua": "KHOP"}

    adapter = await bus.serve(read=misbehave)
    yield adapter
    await bus.unserve(adapter)


@pytest.mark.parametrize(("sent", "status", "code"), list(refusals()))
async def test_every_no_is_a_problem_document(
    bus: Workbench, misbehaving: Any, sent: dict[str, Any], status: int, code: str
) -> None:
    said = {}
    for language in ("vi", "en"):
        arguments = {**sent, "headers": {**sent.get("headers", {}), "Accept-Language": language}}
        got = await bus.call(**arguments)
        problem = got.json
        assert (got.status, problem["code"], problem["status"]) == (status, code, status)
        assert got.headers["Content-Type"] == "application/problem+json"
        assert got.headers["Content-Language"] == language
        assert problem["type"] == f"urn:lgsp:problem:{code}"
        assert problem["instance"] == f"urn:uuid:{got.message}"
        assert NUMBER not in got.body.decode()
        assert NAME not in got.body.decode()
        said[language] = problem["title"], problem["detail"]
    assert said["vi"][0] != said["en"][0]
    assert said["vi"][1] != said["en"][1]
    assert said["en"][1].isascii()
    if status == 401:
        assert got.headers["WWW-Authenticate"].startswith('Bearer realm="lgsp"')
    else:
        entry = await bus.entry(got.message)
        assert (entry["outcome"], entry["status"], entry["answerDigest"]) == (code, status, "")
    if status == 503:
        assert int(got.headers["Retry-After"]) > 0


async def test_a_violation_says_where_and_what(bus: Workbench) -> None:
    got = await bus.call("read", {"hoVaTen": 7, "la": 1}, headers={"Accept-Language": "en"})
    assert {(error["pointer"], error["message"]) for error in got.json["errors"]} == {
        ("/soDinhDanh", "is required"),
        ("/hoVaTen", "must be a string"),
        ("/la", "is not part of the contract"),
    }


async def test_a_used_up_quota_is_429(bus: Workbench, served: Any) -> None:
    answers = [await bus.call("read", system="poor") for _ in range(5)]
    assert [got.status for got in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["RateLimit"].startswith('"grant";r=2;t=')
    assert answers[3].code == "quota-exceeded"
    assert answers[3].headers["RateLimit"].startswith('"grant";r=0;t=')
    assert 0 < int(answers[3].headers["Retry-After"]) <= 3600


async def test_a_wrong_method_is_405(bus: Workbench) -> None:
    async with bus.session.get("/services/desk/v1/read") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert (await answer.json(content_type=None))["code"] == "method-not-allowed"


def forged_tokens(bus: Workbench) -> dict[str, str]:
    """Tokens that must not count, each wrong in one way."""
    now = int(time.time())
    issuer = f"http://127.0.0.1:{bus.port}"
    good = {"iss": issuer, "sub": "alpha", "aud": "lgsp", "iat": now, "exp": now + 600, "jti": "1"}
    key = KeyStore(bus.state.keys).ring().current
    stranger = SigningKey.generate()
    public_pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"kid": key.kid, "typ": "at+jwt"}

    def hmac_with_public_key() -> str:
        def part(value: Any) -> bytes:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

        signed = part({**head, "alg": "HS256"}) + b"." + part(good)
        signature = base64.urlsafe_b64encode(hmac.digest(public_pem, signed, hashlib.sha256)).rstrip(b"=")
        return (signed + b"." + signature).decode()

    return {
        "alg none": jwt.encode(good, None, algorithm="none", headers=head),
        "HS256 with the public key": hmac_with_public_key(),
        "a stranger's key under our kid": jwt.encode(good, stranger.private, algorithm="ES256", headers=head),
        "a stranger's kid": stranger.sign(good, "at+jwt"),
        "expired": key.sign({**good, "exp": now - 1}, "at+jwt"),
        "from another issuer": key.sign({**good, "iss": "https://elsewhere"}, "at+jwt"),
        "for another audience": key.sign({**good, "aud": "other"}, "at+jwt"),
        "not yet issued": key.sign({**good, "iat": now + 600}, "at+jwt"),
        "without expiry": key.sign({k: v for k, v in good.items() if k != "exp"}, "at+jwt"),
        "without id": key.sign({k: v for k, v in good.items() if k != "jti"}, "at+jwt"),
        "a client assertion": key.sign(good, "JWT"),
        "of an unknown system": key.sign({**good, "sub": "nobody"}, "at+jwt"),
        "with a changed payload": _changed(key.sign(good, "at+jwt")),
    }


def _changed(token: str) -> str:
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "beta"}).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


async def test_forged_tokens_do_not_count(bus: Workbench, served: Any) -> None:
    for what, token in forged_tokens(bus).items():
        got = await bus.call(headers={"Authorization": f"Bearer {token}"})
        assert (got.status, got.code) == (401, "token-invalid"), what
        assert 'error="invalid_token"' in got.headers["WWW-Authenticate"]
    assert (await bus.call()).status == 200


async def test_an_expired_token_stops_counting_while_it_is_remembered(bus: Workbench, served: Any) -> None:
    headers = {"Authorization": f"Bearer {bus.token('alpha', life=2)}"}
    assert (await bus.call(headers=headers)).status == 200
    got = await bus.answers(lambda got: got.status != 200, headers=headers)
    assert got.code == "token-invalid"


async def test_evidence_and_logs_hold_no_person(bus: Workbench, misbehaving: Any) -> None:
    # contracts show NUMBER and NAME in their examples, so other ones are looked for
    number, secret_name = "022093009876", "Trần Bí Mật"
    for name in (secret_name, "wrong", "broken", "declared"):
        body = {"soDinhDanh": number, "hoVaTen": name}
        await bus.call("read", body, headers={"Idempotency-Key": idempotency_key(), "Lgsp-Purpose": f"a{number}"})
        await bus.call(number, body, service=number)
        await bus.call("read", {number: secret_name})
    store = await stored_bytes(bus)
    logs = b"".join(path.read_bytes() for path in bus.state.logs.iterdir())
    assert b"alpha-desk" in store
    for secret in (number, secret_name):
        assert secret.encode() not in store
        assert secret.encode() not in logs
