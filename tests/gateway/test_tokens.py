"""The token endpoint: RFC 6749 client credentials with private_key_jwt (RFC 7523) and with a secret."""

import base64
import stat
import time
import uuid
from typing import Any

import jwt
import pytest
from support.workbench import Workbench

from lgsp_auth.issuing import ASSERTION_TYPE
from lgsp_auth.keys import SigningKey


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
