"""Tokens of other issuers: a certified OpenID provider (`oidc-provider` from npm), and one that fails on purpose."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from support.oidc_modules import CLIENTS, oidc_modules
from support.preloaded import Preloaded
from support.processes import Process, free_port
from support.replays import LocalReplayGuard
from support.waits import eventually
from support.workbench import NUMBER, Workbench, grant

from lgsp_auth.issuer_keys import IssuerKeys
from lgsp_auth.signing_keys import KeyRing, SigningKey
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.calls.identification import Credentials, Identification
from lgsp_gateway.local import nats_config
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal


@pytest.fixture(scope="module")
def modules() -> Path:
    return oidc_modules()


class Certified:
    """The provider and a gateway that trusts it."""

    def __init__(self, bus: Workbench, port: int, session: aiohttp.ClientSession, gateway: str) -> None:
        self.bus = bus
        self.gateway = gateway
        self.issuer = f"http://127.0.0.1:{port}"
        self.session = session

    async def token(self, client: str) -> str:
        headers = {"Authorization": aiohttp.encode_basic_auth(client, "secret-of-the-client")}
        form = {"grant_type": "client_credentials"}
        async with self.session.post(f"{self.issuer}/token", data=form, headers=headers) as answer:
            return str((await answer.json())["access_token"])

    async def call(self, token: str, operation: str = "read", **headers: str) -> tuple[int, dict[str, Any], str]:
        sent = {
            "Authorization": f"Bearer {token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        url = f"{self.gateway}/services/desk/v1/{operation}"
        async with self.session.post(url, json={"soDinhDanh": NUMBER}, headers=sent) as got:
            return got.status, await got.json(content_type=None), got.headers["Lgsp-Message-Id"]


@pytest_asyncio.fixture(scope="module")
async def certified(
    bus: Workbench, modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Certified]:
    folder = tmp_path_factory.mktemp("oidc")
    port, gateway_port = free_port(), free_port()
    provider = await Process(["node", str(CLIENTS), str(port), str(modules)], folder / "log").start()
    issuer = {"issuer": f"http://127.0.0.1:{port}", "audience": "lgsp", "algorithms": ["RS256"]}
    people = {"claim": "so_dinh_danh", "kind": "citizen"}
    entry = {**issuer, "systems": {"claim": "client_id", "names": {"app-1": "alpha"}}, "people": people}
    (folder / "issuers.yaml").write_text(yaml.safe_dump({"issuers": [entry]}))
    gateway = bus.another_gateway("oidc", gateway_port)
    gateway.command += ["--issuers", str(folder / "issuers.yaml")]
    await gateway.start()
    adapter = await bus.serve()
    async with aiohttp.ClientSession() as session:
        yield Certified(bus, port, session, f"http://127.0.0.1:{gateway_port}")
    await bus.unserve(adapter)
    await gateway.stop()
    await provider.stop()


async def test_a_token_of_a_certified_provider_calls(certified: Certified) -> None:
    token = await certified.token("app-1")
    status, answer, message = await certified.call(token)
    assert (status, answer) == (200, {"ketQua": "KHOP"})
    assert (await certified.bus.entry(message))["consumer"] == "alpha"
    async with certified.session.get(
        f"{certified.gateway}/catalog/services", headers={"Authorization": f"Bearer {token}"}
    ) as got:
        assert got.status == 200


async def test_a_client_that_no_system_is_named_after_is_nobody(certified: Certified) -> None:
    status, problem, _ = await certified.call(await certified.token("citizen-app"))
    assert (status, problem["code"]) == (401, "token-invalid")


async def test_another_algorithm_than_the_pinned_one_does_not_count(certified: Certified) -> None:
    claims = {"iss": certified.issuer, "sub": "app-1", "client_id": "app-1", "aud": "lgsp", "exp": 2**33, "iat": 1}
    token = jwt.encode(claims, "secret-of-the-client" * 3, algorithm="HS256", headers={"kid": "x"})
    assert (await certified.call(token))[0] == 401


async def test_on_behalf_of_a_person(certified: Certified) -> None:
    bus = certified.bus
    system = {"agency": "H49.1", "title": {"vi": "Thử", "en": "Try"}}
    made = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "behalf"}, "spec": system}
    assert (await bus.registry("POST", "systems", made)).status == 201
    sent = grant("behalf", "behalf", read=["*"])
    sent["spec"]["onBehalfOf"] = "citizen"
    assert (await bus.registry("POST", "grants", sent)).status == 201
    token, person = bus.token("behalf"), await certified.token("citizen-app")

    status, problem, _ = await certified.call(token)
    assert (status, problem["code"]) == (403, "person-required")
    status, problem, message = await certified.call(token, Lgsp_On_Behalf_Of="x.y.z")
    assert (status, problem["code"]) == (401, "token-invalid")
    assert (await bus.entry(message))["outcome"] == "token-invalid"
    assert (await certified.call(token, Lgsp_On_Behalf_Of=await certified.token("app-1")))[0] == 401
    status, answer, message = await certified.call(token, Lgsp_On_Behalf_Of=person)
    assert (status, answer) == (200, {"ketQua": "KHOP"})
    entry = await bus.entry(message)
    assert len(entry["onBehalfOf"]) == 32
    assert entry["onBehalfOf"] == entry["subject"]  # this citizen asked about themselves

    changed = await bus.registry("GET", "grants/behalf")
    document = {**changed.json, "spec": {**changed.json["spec"], "onBehalfOf": "officer"}}
    await bus.registry("PUT", "grants/behalf", document, headers={"If-Match": changed.headers["ETag"]})

    async def is_refused() -> bool:
        return (await certified.call(token, Lgsp_On_Behalf_Of=person))[1].get("code") == "person-required"

    await eventually(is_refused)


async def test_a_citizen_sees_who_read_about_them(breakable_bus: Workbench, modules: Path, tmp_path: Path) -> None:
    bus, port, index = breakable_bus, free_port(), str(tmp_path / "index.db")
    provider = await Process(["node", str(CLIENTS), str(port), str(modules)], tmp_path / "log").start()
    people = {"claim": "so_dinh_danh", "kind": "citizen"}
    entry = {"issuer": f"http://127.0.0.1:{port}", "audience": "lgsp", "algorithms": ["RS256"], "people": people}
    (tmp_path / "issuers.yaml").write_text(yaml.safe_dump({"issuers": [entry]}))
    await bus.gateway.stop()
    bus.gateway.command += ["--issuers", str(tmp_path / "issuers.yaml"), "--index", index]
    await bus.gateway.start()
    command = ["indexer", "run", "--nats", bus.nats_url, "--index", index]
    command += ["--nats-passwords", str(nats_config.passwords(bus.state))]
    indexer = await Preloaded(command, tmp_path / "indexer.log").start()
    await bus.serve()
    about = await bus.call("read-person", headers={"Lgsp-Purpose": "thu-nghiem"})
    other = await bus.call(body={"soDinhDanh": "022093005678"})
    async with aiohttp.ClientSession() as session:
        citizen = await Certified(bus, port, session, "").token("citizen-app")

    async def access_log(token: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with bus.session.get("/me/access-log", headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async with asyncio.timeout(20):
        while about.message not in str(found := (await access_log(citizen))[1]):
            await asyncio.sleep(0.05)
        while "chính bạn" not in str(found := (await access_log(citizen))[1]):
            await asyncio.sleep(0.05)
    [read] = [item for item in found["items"] if item["message"] == about.message]
    assert "mục đích thu-nghiem; căn cứ Thử nghiệm; đã nhận được kết quả" in read["text"]
    assert other.message not in str(found)
    assert NUMBER not in str(found)
    for token in (bus.token("alpha"), bus.token("auditor"), "x.y.z"):
        assert (await access_log(token))[0] == 401
    await indexer.stop()
    await provider.stop()


class Flaky:
    """An issuer that a test can break, and that counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = [SigningKey.generate()]
        self.asked = 0
        self.broken = False
        self.beside: list[Any] = []  # what it publishes beside its keys
        self.url = ""

    async def discovery(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.broken:
            return web.Response(status=500)
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [*KeyRing(self.keys).jwks()["keys"], *self.beside]})

    def token(self) -> str:
        claims = {"iss": self.url, "sub": "alpha", "aud": "lgsp", "iat": 1, "exp": 2**33, "jti": "1"}
        return "Bearer " + self.keys[-1].sign(claims, "at+jwt")


@pytest_asyncio.fixture
async def flaky() -> AsyncIterator[Flaky]:
    issuer = Flaky()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.discovery)
    app.router.add_get("/jwks", issuer.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield issuer
    await runner.cleanup()


def identification(flaky: Flaky, keys: IssuerKeys, least: float) -> Identification:
    issuer = Issuer(flaky.url, ("ES256",), keys.find, refresh=lambda: keys.refresh(least))
    registry = RegistrySnapshot()
    return Identification(Verifier([issuer]), registry, "https://bus", LocalReplayGuard())


async def outcome(who: Identification, token: str) -> str:
    """`known` when the token counts: nobody is registered, so the refusal says so."""
    with pytest.raises(Refusal) as refused:
        await who.caller(Credentials(token, "", "POST", "/", ""), 1000)
    return "known" if "not registered" in refused.value.detail.en else "unknown"


async def test_keys_are_found_rotated_and_kept_while_the_issuer_is_down(flaky: Flaky) -> None:
    keys = IssuerKeys(flaky.url)
    who = identification(flaky, keys, 0)
    assert await outcome(who, flaky.token()) == "known"
    flaky.keys.append(SigningKey.generate())
    assert await outcome(who, flaky.token()) == "known"
    assert flaky.asked == 2
    flaky.broken = True
    known = flaky.token()
    assert not await keys.refresh(0)
    assert await outcome(who, known) == "known"


async def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(flaky: Flaky) -> None:
    keys = IssuerKeys(flaky.url)
    who = identification(flaky, keys, 10)
    assert await outcome(who, flaky.token()) == "known"
    stranger = Flaky()
    for _ in range(20):
        stranger.keys = [SigningKey.generate()]
        stranger.url = flaky.url
        assert await outcome(who, stranger.token()) == "unknown"
    assert flaky.asked == 1


async def test_a_discovery_document_of_somebody_else_is_not_believed(flaky: Flaky) -> None:
    honest, flaky.url = flaky.url, "https://elsewhere"
    keys = IssuerKeys(honest)
    assert not await keys.refresh(0)
    assert keys.find(flaky.keys[0].kid) is None


async def test_what_an_issuer_publishes_is_held(flaky: Flaky) -> None:
    other = SigningKey.generate().public_jwk()
    weak = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
    flaky.beside = [
        "abc",
        None,
        {"kid": ["x"]},
        {**weak, "kid": "weak"},
        {**other, "kid": "to-encrypt", "use": "enc"},
        {**other, "kid": "to-sign", "key_ops": ["sign"]},
        {**other, "kid": "other-alg", "alg": "RS256"},
        {**other, "kid": "broken", "x": "AAAA"},
    ]
    keys = IssuerKeys(flaky.url)
    assert await keys.refresh(0)
    assert all(keys.find(name) is None for name in ("weak", "to-encrypt", "to-sign", "other-alg", "broken"))
    assert await outcome(identification(flaky, keys, 10), flaky.token()) == "known"


async def test_a_key_of_an_issuer_verifies_with_its_own_algorithm_alone(flaky: Flaky) -> None:
    private = rsa.generate_private_key(65537, 2048)
    published = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    flaky.beside = [{**published, "kid": "pss", "alg": "PS256"}, {**published, "kid": "any"}]
    keys = IssuerKeys(flaky.url)
    issuer = Issuer(flaky.url, ("PS256", "RS256"), keys.find, refresh=lambda: keys.refresh(10))
    who = Identification(Verifier([issuer]), RegistrySnapshot(), "https://bus", LocalReplayGuard())
    claims = {"iss": flaky.url, "sub": "alpha", "aud": "lgsp", "iat": 1, "exp": 2**33}
    for kid, algorithm, expected in (
        ("pss", "PS256", "known"),
        ("pss", "RS256", "unknown"),
        ("any", "PS256", "known"),
        ("any", "RS256", "known"),
    ):
        token = jwt.encode(claims, private, algorithm, {"kid": kid, "typ": "at+jwt"})
        assert await outcome(who, f"Bearer {token}") == expected, (kid, algorithm)
