"""Keys in a PKCS#11 token (SoftHSM): gateways sign evidence and access tokens in it, after the keys in files have vouched for them."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
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


def lgsp(*arguments: str) -> str:
    command = [sys.executable, "-m", "lgsp_gateway", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


async def test_log_and_tokens_go_on_with_keys_in_the_token(tmp_path: Path, softhsm: Path) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        await bus.serve()
        assert (await bus.call()).status == 200
        async with bus.session.get("/evidence/keys") as answer:
            first = await answer.text()
        (tmp_path / "keys.txt").write_text(first)
        moved = ["keys", "move-to-token", "--module", str(MODULE), "--pin-file", str(softhsm)]
        lgsp(*moved, "--keys", str(bus.state.keys))
        await bus.gateway.stop()
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
        verified = lgsp(
            *("evidence", "verify", "--key", str(tmp_path / "keys.txt")),
            *("--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("auditor")),
        )
        assert "whole" in verified or "nguyên vẹn" in verified
    finally:
        await bus.stop()


def test_a_token_signs_what_every_library_verifies(tmp_path: Path, softhsm: Path) -> None:
    token = Pkcs11Token(TokenAddress(MODULE, "lgsp", softhsm))
    held = token.make_signing_key()
    store = KeyStore(tmp_path / "keys", "https://bus", token)
    store.ensure()
    assert store.ring().current.kid == held.kid
    signed = AccessTokens("https://bus", store.ring).sign("mot-cua", time.time())
    verifier = Verifier([Issuer("https://bus", (ALGORITHM,), store.find)])
    assert verifier.verify(f"Bearer {signed}", time.time()).system == "mot-cua"
