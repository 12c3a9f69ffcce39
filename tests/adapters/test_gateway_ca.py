"""An adapter before a gateway whose certificate the machine does not know."""

import asyncio
import ipaddress
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from cryptography import x509
from support.authority import Authority
from support.preloaded import run
from support.processes import free_port
from support.workbench import Workbench

from lgsp_adapters.host.identity import SystemIdentity
from lgsp_problems import Refusal
from lgsp_runtime.tls import TlsFiles


@pytest_asyncio.fixture
async def gateway(bus: Workbench, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a gateway with a certificate of an authority of its own, `ca.pem`; the key of a system beside it."""
    pair = Authority(tmp_path).write("bus", names=(x509.IPAddress(ipaddress.ip_address("127.0.0.1")),))
    port = free_port()
    found = bus.another_gateway("private", port)
    found.command[found.command.index("--public-url") + 1] = f"https://127.0.0.1:{port}"
    found.command += ["--tls-cert", str(pair[0]), "--tls-key", str(pair[1])]
    await found.start()
    (tmp_path / "provider.pem").write_bytes(bus.keys["provider"].to_pem())
    yield f"https://127.0.0.1:{port}"
    await found.stop()


async def test_who_vouches_for_a_gateway_can_be_named(gateway: str, tmp_path: Path) -> None:
    vouching = TlsFiles.for_client(tmp_path / "ca.pem")
    token = await SystemIdentity(gateway, "provider", tmp_path / "provider.pem", vouching).token()
    assert token.value
    with pytest.raises(Refusal) as refused:
        await SystemIdentity(gateway, "provider", tmp_path / "provider.pem").token()
    said = refused.value.detail.en
    assert said.startswith(f"The gateway at {gateway} is not trusted: the certificate does not count: ")
    assert "unable to get local issuer certificate" in said
    assert "the certificate shown is bus, for 127.0.0.1, issued by Test authority" in said
    assert said.endswith("name its certificate authority with --ca, or for the gateway alone with --gateway-ca.")


async def test_the_commands_say_that_it_is_the_certificate(gateway: str, tmp_path: Path) -> None:
    head = {"service": "insurance", "major": 1, "system": "provider", "kind": "mock"}
    (tmp_path / "adapter.yaml").write_text(yaml.safe_dump(head))
    command = ["adapter", "run", str(tmp_path / "adapter.yaml"), "--gateway", gateway, "--keys", str(tmp_path)]
    lgsp = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "lgsp", *command, stderr=PIPE, stdout=PIPE
    )
    async with asyncio.timeout(20):
        said = (await lgsp.communicate())[1].decode()
    assert (lgsp.returncode, "--gateway-ca" in said, "Test authority" in said) == (1, True, True), said
    code, _, err = await run("adapters", "--url", gateway, "--token", "x")
    assert (code, "with --ca" in err, "unable to get local issuer certificate" in err) == (1, True, True), err
    assert "the certificate shown is bus, for 127.0.0.1, issued by Test authority" in err
    code, _, err = await run("adapters", "--url", f"http://127.0.0.1:{free_port()}", "--token", "x")
    assert (code, "(Connection refused)" in err) == (1, True), err
