"""The keys and secrets of a system by command: rotated with an overlap, handed over by somebody without our tool, shown once."""

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from support.preloaded import run
from support.workbench import Workbench

from lgsp_adapters.host.identity import SystemIdentity
from lgsp_auth.signing_keys import SigningKey

NEW = ["--agency", "H49.1", "--title-vi", "Thử", "--title-en", "Try"]


class Administrator:
    """Runs commands against a bus as an operator, and asks for tokens as a program does."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        self._bus = bus
        self.folder = folder
        self.url = f"http://127.0.0.1:{bus.port}"

    async def __call__(self, *arguments: str) -> str:
        code, out, err = await self.tried(*arguments)
        assert code == 0, err
        return out

    async def tried(self, *arguments: str) -> tuple[int, str, str]:
        return await run(*arguments, "--url", self.url, "--token", self._bus.token("operator"))

    async def register(self, system: str, *options: str) -> None:
        code, document, err = await run("keys", "new", system, *NEW, "--folder", str(self.folder), *options)
        assert code == 0, err
        (self.folder / f"{system}.yaml").write_text(document)
        assert "created" in await self("apply", "-f", str(self.folder / f"{system}.yaml"))

    async def takes_a_token(self, system: str, key: Path) -> bool:
        code, _, err = await run("token", system, "--key", str(key), "--url", self.url)
        assert code == 0 or "could not be authenticated" in err, err
        return code == 0

    async def takes_a_token_with(self, system: str, secret: str) -> bool:
        form = {"grant_type": "client_credentials"}
        basic = {"Authorization": f"Basic {base64.b64encode(f'{system}:{secret}'.encode()).decode()}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/oauth2/token", data=form, headers=basic) as answer,
        ):
            assert answer.status in (200, 401)
            return answer.status == 200


@pytest_asyncio.fixture
async def lgsp(bus: Workbench, tmp_path: Path) -> AsyncIterator[Administrator]:
    administrator = Administrator(bus, tmp_path)
    yield administrator
    for document in tmp_path.glob("*.yaml"):
        await administrator("delete", "system", document.stem)


async def test_a_rotated_key_counts_until_the_overlap_ends(lgsp: Administrator) -> None:
    await lgsp.register("turning")
    key, old = lgsp.folder / "turning.pem", lgsp.folder / "turning.pem.old"
    out = await lgsp("system", "rotate-key", "turning", "--key", str(key), "--overlap", "1h", "--reason", "hằng năm")
    assert "counts until" in out
    assert "tokens taken with the old key" not in out  # it still takes new ones
    assert key.read_bytes() != old.read_bytes()
    assert [await lgsp.takes_a_token("turning", file) for file in (key, old)] == [True, True]
    listed = (await lgsp("system", "keys", "turning")).splitlines()
    assert len(listed) == 3
    assert listed[1].endswith("+07:00")
    again = await lgsp("system", "rotate-key", "turning", "--key", str(key), "--overlap", "0s")
    assert again.count("removed") == 2
    assert "tokens taken with an old key or secret count until" in again
    assert [await lgsp.takes_a_token("turning", file) for file in (key, old)] == [True, False]
    assert "hằng năm" in await lgsp("history", "system", "turning")


async def test_an_interrupted_rotation_goes_on_and_loses_no_key(lgsp: Administrator) -> None:
    await lgsp.register("halfway")
    key = lgsp.folder / "halfway.pem"
    before = key.read_bytes()
    code, _, err = await run(
        "system", "rotate-key", "halfway", "--key", str(key), "--url", "http://127.0.0.1:1", "--token", "x"
    )
    assert (code, "No bus answers" in err) == (1, True)
    prepared = (lgsp.folder / "halfway.pem.new").read_bytes()
    assert key.read_bytes() == before
    await lgsp("system", "rotate-key", "halfway", "--key", str(key))
    assert key.read_bytes() == prepared
    assert (lgsp.folder / "halfway.pem.old").read_bytes() == before
    assert await lgsp.takes_a_token("halfway", key)


async def test_a_key_without_our_tool(lgsp: Administrator) -> None:
    theirs = SigningKey.generate()
    (lgsp.folder / "theirs.pem").write_bytes(theirs.to_pem())
    handed_over = lgsp.folder / "handed-over.json"
    handed_over.write_text(json.dumps({"keys": [{k: theirs.public_jwk()[k] for k in ("kty", "crv", "x", "y")}]}))
    await lgsp.register("outsider", "--public-key", str(handed_over))
    assert not (lgsp.folder / "outsider.pem").exists()
    assert await lgsp.takes_a_token("outsider", lgsp.folder / "theirs.pem")

    second = SigningKey.generate()
    (lgsp.folder / "second.pem").write_bytes(second.to_pem())
    handed_over.write_text(json.dumps(second.public_jwk()))
    assert "new" in await lgsp("system", "add-key", "outsider", str(handed_over), "--dry-run")
    assert not await lgsp.takes_a_token("outsider", lgsp.folder / "second.pem")
    await lgsp("system", "add-key", "outsider", str(handed_over))
    assert [await lgsp.takes_a_token("outsider", lgsp.folder / f"{name}.pem") for name in ("theirs", "second")] == [
        True
    ] * 2
    assert "unchanged" in await lgsp("system", "add-key", "outsider", str(handed_over))
    await lgsp("system", "remove-key", "outsider", theirs.kid)
    assert not await lgsp.takes_a_token("outsider", lgsp.folder / "theirs.pem")
    code, _, err = await lgsp.tried(
        "system", "remove-key", "outsider", "-" + theirs.kid[1:]
    )  # some thumbprints begin so
    assert (code, second.kid in err) == (1, True)


async def test_a_secret_is_shown_once_and_ends_with_the_next(lgsp: Administrator, bus: Workbench) -> None:
    await lgsp.register("with-secret")
    first = (await lgsp("system", "new-secret", "with-secret")).strip()
    assert await lgsp.takes_a_token_with("with-secret", first)
    document = (await bus.registry("GET", "systems/with-secret")).json
    assert first not in json.dumps(document)
    second = (await lgsp("system", "new-secret", "with-secret")).strip()
    assert [await lgsp.takes_a_token_with("with-secret", secret) for secret in (first, second)] == [False, True]
    await lgsp("system", "remove-secret", "with-secret")
    assert not await lgsp.takes_a_token_with("with-secret", second)


async def test_a_key_of_the_registry_ends_by_itself(lgsp: Administrator, bus: Workbench) -> None:
    await lgsp.register("ending")
    document: dict[str, Any] = (await bus.registry("GET", "systems/ending")).json
    [jwk] = document["spec"]["jwks"]
    sent = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "ending"}}
    ended = {**document["spec"], "jwks": [{**jwk, "exp": int(time.time())}]}
    condition = {"If-Match": f'"{document["metadata"]["revision"]}"'}
    got = await bus.registry("PUT", "systems/ending", {**sent, "spec": ended}, headers=condition)
    assert got.status == 200, got.body
    assert not await lgsp.takes_a_token("ending", lgsp.folder / "ending.pem")


async def test_a_running_adapter_takes_its_next_token_with_the_new_key(lgsp: Administrator) -> None:
    await lgsp.register("adapted")
    key = lgsp.folder / "adapted.pem"
    identity = SystemIdentity(lgsp.url, "adapted", key)
    assert (await identity.token()).value
    await lgsp("system", "rotate-key", "adapted", "--key", str(key), "--overlap", "0s")
    assert (await identity.token()).value
