"""The token endpoint: RFC 6749 client credentials with private_key_jwt (RFC 7523) and with a secret."""

import base64
import stat
import time
import uuid
from typing import Any

import jwt
import pytest
from support.workbench import Workbench

from lgsp_auth.client_authentication import ASSERTION_TYPE
from lgsp_auth.signing_keys import SigningKey

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def assertion(bus: Workbench, key: SigningKey | None = None, **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "alpha",
        "sub": "alpha",
        "aud": f"http://127.0.0.1:{bus.port}/oauth2/token",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
        **changed,
    }
    return (key or bus.keys["alpha"]).sign({name: value for name, value in claims.items() if value is not None})


async def ask(bus: Workbench, headers: dict[str, str] | None = None, **form: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "client_credentials", **form}
    async with bus.session.post("/oauth2/token", data=form, headers=headers or {}) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.json()


async def by_assertion(bus: Workbench, text: str) -> tuple[int, dict[str, Any]]:
    return await ask(bus, client_assertion_type=ASSERTION_TYPE, client_assertion=text)


async def test_a_signed_assertion_gets_a_token_that_calls(bus: Workbench) -> None:
    adapter = await bus.serve()
    status, issued = await by_assertion(bus, assertion(bus))
    assert (status, issued["token_type"], issued["expires_in"]) == (200, "Bearer", 3600)
    got = await bus.call(headers={"Authorization": f"Bearer {issued['access_token']}"})
    await bus.unserve(adapter)
    assert got.status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://elsewhere"},
        {"iss": "beta"},
        {"sub": "nobody", "iss": "nobody"},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"jti": None},
        {"exp": None},
    ],
    ids=str,
)
async def test_a_wrong_assertion_is_refused(bus: Workbench, changed: dict[str, Any]) -> None:
    status, said = await by_assertion(bus, assertion(bus, **changed))
    assert (status, said["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("seconds", [3, 10, 30, 55])
async def test_a_clock_may_differ_by_a_minute(bus: Workbench, seconds: int) -> None:
    now = int(time.time())
    ahead = assertion(bus, iat=now + seconds, nbf=now + seconds, exp=now + 300 + seconds)
    behind = assertion(bus, iat=now - 400, nbf=now - 400, exp=now - seconds)
    assert [(await by_assertion(bus, text))[0] for text in (ahead, behind)] == [200, 200]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iat": 90}, "has iat in the future: the sender's clock is"),
        ({"nbf": 90}, "has nbf in the future: the sender's clock is"),
        ({"exp": -90}, "expired"),
        ({"exp": 600}, "must expire within 300 seconds"),
        ({"aud": "https://elsewhere"}, "must have aud http://127.0.0.1"),
        ({"iss": "beta"}, "must have iss equal to sub"),
        ({"jti": 7}, "must have jti, a string"),
        ({"jti": None}, "must have jti, a string"),
        ({"exp": None}, "must have exp"),
        ({"exp": "soon"}, "must have exp, a JSON number of seconds since 1970"),
    ],
    ids=str,
)
async def test_who_signed_an_assertion_is_told_what_is_wrong_with_it(
    bus: Workbench, changed: dict[str, Any], said: str
) -> None:
    now = int(time.time())
    moved = {key: now + value if isinstance(value, int) and key != "jti" else value for key, value in changed.items()}
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(bus, **moved)}
    status, answer = await ask(bus, {"Accept-Language": "en"}, **form)
    assert (status, answer["error"]) == (401, "invalid_client")
    assert answer["error_description"].startswith("The client_assertion ")
    assert said in answer["error_description"]
    _, answer = await ask(bus, {"Accept-Language": "vi"}, **form)
    assert answer["error_description"].startswith("Client_assertion ")


async def test_the_client_id_beside_an_assertion_is_the_one_that_signed_it(bus: Workbench) -> None:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(bus), "client_id": "beta"}
    status, said = await ask(bus, {"Accept-Language": "en"}, **form)
    assert (status, said["error"]) == (401, "invalid_client")
    assert "client_id" in said["error_description"]
    assert (await ask(bus, **{**form, "client_id": "alpha"}))[0] == 200


async def test_a_system_with_several_keys_need_not_name_one(bus: Workbench) -> None:
    now = int(time.time())
    claims = {"iss": "alpha", "sub": "alpha", "aud": f"http://127.0.0.1:{bus.port}", "exp": now + 60, "jti": now}
    unnamed = jwt.encode({**claims, "jti": str(uuid.uuid4())}, bus.keys["alpha"].private, algorithm="ES256")
    assert (await by_assertion(bus, unnamed))[0] == 200


async def test_a_wrong_clock_is_not_counted_against_an_address(breakable_bus: Workbench) -> None:
    bus, now = breakable_bus, int(time.time())
    for _ in range(150):
        assert (await by_assertion(bus, assertion(bus, iat=now + 600, exp=now + 700)))[0] == 401
    assert (await by_assertion(bus, assertion(bus)))[0] == 200


async def test_an_assertion_counts_once(bus: Workbench) -> None:
    text = assertion(bus)
    assert (await by_assertion(bus, text))[0] == 200
    status, said = await by_assertion(bus, text)
    assert (status, said["error"]) == (401, "invalid_client")


async def test_an_assertion_signed_by_somebody_else_is_refused(bus: Workbench) -> None:
    for key in (bus.keys["beta"], SigningKey.generate()):
        assert (await by_assertion(bus, assertion(bus, key)))[0] == 401
    now = int(time.time())
    claims = {"iss": "alpha", "sub": "alpha", "aud": f"http://127.0.0.1:{bus.port}", "exp": now + 60, "jti": "1"}
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": bus.keys["alpha"].kid})
    assert (await by_assertion(bus, unsigned))[0] == 401


async def test_what_is_not_a_token_request_is_said_so(bus: Workbench) -> None:
    basic = "Basic " + base64.b64encode(b"alpha:wrong").decode()
    assert (await ask(bus, {"Authorization": basic}))[1]["error"] == "invalid_client"
    assert (await ask(bus, {"Authorization": "Basic !!"}))[1]["error"] == "invalid_client"
    assert (await ask(bus))[1]["error"] == "invalid_client"
    assert (await ask(bus, grant_type="password"))[1]["error"] == "unsupported_grant_type"
    assert (await ask(bus, client_assertion="x"))[1]["error"] == "invalid_request"
    async with bus.session.post("/oauth2/token", json={"grant_type": "client_credentials"}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke"])
@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({"json": {"token": "x"}}, 400, "invalid_request"),
        ({"data": b"a=1&a=2", "headers": FORM}, 400, "invalid_request"),
        ({"data": b"a=" + b"x" * 20_000, "headers": FORM}, 400, "invalid_request"),
        ({"params": {"unknown": "1"}, "data": b"a=1", "headers": FORM}, 400, "invalid_request"),
    ],
    ids=["no form", "a field twice", "too large", "a query"],
)
async def test_oauth_endpoints_refuse_as_oauth_says(
    bus: Workbench, path: str, options: dict[str, Any], status: int, error: str
) -> None:
    """RFC 6749, section 5.2; RFC 7009, section 2.2.1."""
    async with bus.session.post(path, **options) as answer:
        refused = await answer.json(content_type="application/json")
    assert (answer.status, refused["error"]) == (status, error)
    assert set(refused) == {"error", "error_description"}
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


async def test_any_oauth_client_finds_its_way(bus: Workbench) -> None:
    async with bus.session.get("/.well-known/oauth-authorization-server") as answer:
        metadata = await answer.json()
    assert metadata["issuer"] == f"http://127.0.0.1:{bus.port}"
    async with bus.session.get(metadata["jwks_uri"]) as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    issued = (await by_assertion(bus, assertion(bus)))[1]["access_token"]
    key = keys[jwt.get_unverified_header(issued)["kid"]]
    claims = jwt.decode(issued, key, algorithms=["ES256"], audience="lgsp", issuer=metadata["issuer"])
    assert claims["sub"] == claims["client_id"] == "alpha"


async def test_keys_are_readable_by_their_owner_only(bus: Workbench) -> None:
    for file in bus.state.keys.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(bus.state.keys.stat().st_mode) == 0o700
