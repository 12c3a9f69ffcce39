"""Keys in a PKCS#11 token (SoftHSM): gateways sign evidence and access tokens in it, after the keys in files have vouched for them."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.preloaded import run
from support.processes import apt_install
from support.waits import eventually
from support.workbench import Workbench

from lgsp_auth.issuing import AccessTokens
from lgsp_auth.signing_keys import ALGORITHM
from lgsp_auth.tokens import Verifier
from lgsp_auth.trusted_issuer import Issuer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.pkcs11_token import Pkcs11Token, TokenAddress

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new token with the label lgsp: the file with its PIN."""
    if not shutil.which("softhsm2-util") or not MODULE.exists():
        apt_install("softhsm2")
    assert shutil.which("softhsm2-util"), "softhsm2 is missing: apt-get install softhsm2"
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    command = ["softhsm2-util", "--init-token", "--free", "--label", "lgsp", "--pin", "135790", "--so-pin", "246800"]
    subprocess.run(command, check=True, capture_output=True)
    pin = tmp_path / "pin"
    pin.write_text("135790\n")
    return pin


async def lgsp(*arguments: str) -> str:
    environment = {"SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"]}
    code, output, said = await run(*arguments, environment=environment)
    assert code == 0, output + said
    return output


async def refusal(*arguments: str) -> str:
    """Run a command that is refused: what it said."""
    code, _, said = await run(*arguments)
    assert code == 1, said
    return said


async def test_log_and_tokens_go_on_with_keys_in_the_token(tmp_path: Path, softhsm: Path) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        await bus.serve()
        assert (await bus.call()).status == 200
        async with bus.session.get("/evidence/keys") as answer:
            first = await answer.text()
        (tmp_path / "keys.txt").write_text(first)
        moved = ["keys", "move-to-token", "--module", str(MODULE), "--pin-file", str(softhsm)]
        await lgsp(*moved, "--keys", str(bus.state.keys))
        await lgsp(*moved, "--keys", str(bus.state.keys))  # once more changes nothing
        assert len(KeyStore(bus.state.keys).log_successions()) == 1
        assert (await bus.call()).status == 200
        await bus.gateway.stop()
        for command in (
            ["keys", "rotate"],
            ["keys", "rotate-log"],
        ):  # it would leave the token, and make a second successor
            assert "was moved to a PKCS#11 token" in await refusal(*command, "--keys", str(bus.state.keys))
        assert "was moved to a PKCS#11 token" in await refusal(*bus.gateway.command)
        (bus.state.keys / "evidence-log.key").unlink()  # it has vouched, and is destroyed
        assert "was moved to a PKCS#11 token" in await refusal(*bus.gateway.command)
        assert not (bus.state.keys / "evidence-log.key").exists()
        bus.gateway.command += ["--pkcs11-module", str(MODULE), "--pkcs11-pin-file", str(softhsm)]
        await bus.gateway.start()
        await bus.ready()
        secret = await bus.registry("GET", "systems/alpha")
        assert secret.status == 200
        assert (await bus.call()).status == 200  # with a token that the key in the file has signed
        async with bus.session.get("/.well-known/jwks.json") as answer:
            kids = [key["kid"] for key in (await answer.json())["keys"]]
        assert len(kids) == 2
        auditor = {"Authorization": f"Bearer {bus.token('auditor')}"}

        async def signed_in_the_token() -> bool:
            async with bus.session.get("/evidence/logs", headers=auditor) as answer:
                return "\nsuccessor " in (await answer.json())["items"][0]["checkpoint"]

        await eventually(signed_in_the_token)
        token = ["--keys", str(bus.state.keys), *bus.gateway.command[-4:]]
        for command in ("rotate", "rotate-log"):
            await lgsp("keys", command, *token)

        async def signed_by_the_next() -> bool:
            assert (await bus.call()).status == 200
            async with bus.session.get("/evidence/logs", headers=auditor) as answer:
                return str((await answer.json())["items"][0]["checkpoint"]).count("\nsuccessor ") == 2

        await eventually(signed_by_the_next)
        async with bus.session.get("/.well-known/jwks.json") as answer:
            assert set(kids) < {key["kid"] for key in (await answer.json())["keys"]}
        assert (await bus.call()).status == 200
        verified = await lgsp(
            *("evidence", "verify", "--key", str(tmp_path / "keys.txt")),
            *("--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")),
        )
        assert "whole" in verified or "nguyên vẹn" in verified
    finally:
        await bus.stop()


def test_a_token_signs_what_every_library_verifies(tmp_path: Path, softhsm: Path) -> None:
    token = Pkcs11Token(TokenAddress(MODULE, "lgsp", softhsm))
    store = KeyStore(tmp_path / "keys", "https://bus", token)
    store.ensure()
    moved = store.move_signing_key_to_token()
    assert store.move_signing_key_to_token() == moved
    assert KeyStore(tmp_path / "keys", "https://bus", token).ring().current.kid == moved
    signed = AccessTokens("https://bus", store.ring).sign("mot-cua", time.time())
    verifier = Verifier([Issuer("https://bus", (ALGORITHM,), store.find)])
    assert verifier.verify(f"Bearer {signed}", time.time()).system == "mot-cua"
