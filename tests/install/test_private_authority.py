"""A province's own certificate authority, named once for all connections; and what is said where a certificate does not count."""

import asyncio
import os
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from install.tls_nats import TlsNats
from support import processes
from support.processes import LGSP, Process, free_port
from support.waits import SECONDS

from lgsp_problems import Refusal
from lgsp_runtime import authorities
from lgsp_runtime.nats import connect as nats_connect
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[TlsNats]:
    started = TlsNats(tmp_path, [x509.IPAddress(ip_address("127.0.0.1"))])
    process = await started.start()
    yield started
    await process.stop()


async def test_who_does_not_trust_nats_says_so_at_once_and_why(nats: TlsNats, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = NatsEndpoint.with_password_file(f"tls://127.0.0.1:{nats.port}", "gateway", nats.passwords / "gateway")
    for module in (
        nats_connect,
        nats_connection,
    ):  # a server that is not there is waited for longer than this test waits
        monkeypatch.setattr(module, "START_SECONDS", 2 * SECONDS)
    for fast_path in (True, False):
        with pytest.raises(Refusal) as refused:
            async with asyncio.timeout(SECONDS):
                await connect_for_calls(endpoint, "test", fast_path=fast_path)
        said = refused.value.detail.en
        assert "unable to get local issuer certificate" in said
        assert "the certificate shown is nats, for 127.0.0.1, issued by Test authority" in said
        assert "--ca" in said


async def test_one_server_of_several_that_is_not_trusted_keeps_nobody_from_the_others(
    nats: TlsNats, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = TlsNats(tmp_path / "other", [x509.DNSName("nats-2.example.vn")])
    process = await other.start()
    context = TlsFiles.for_client(nats.authority.path).context
    url = f"tls://127.0.0.1:{other.port},tls://127.0.0.1:{nats.port}"
    connection = await connect(
        NatsEndpoint.with_password_file(url, "gateway", nats.passwords / "gateway", context), "test"
    )
    assert connection.connected_url is not None
    assert connection.connected_url.port == nats.port
    await connection.close()
    await process.stop()


async def test_one_option_trusts_an_authority_for_every_connection(nats: TlsNats, tmp_path: Path) -> None:
    """A whole gateway over TLS to NATS and to its callers; nothing but `--ca` and `LGSP_CA` names the authority."""
    cert, key = nats.authority.write("gateway", names=[x509.IPAddress(ip_address("127.0.0.1"))])
    for folder in ("registry", "catalog"):
        (tmp_path / folder).mkdir()
    port = free_port()
    settings = {
        "name": "gw-1",
        "port": port,
        "nats": f"tls://127.0.0.1:{nats.port}",
        "nats-passwords": nats.passwords,
        "keys": tmp_path / "keys",
        "registry": tmp_path / "registry",
        "catalog": tmp_path / "catalog",
        "tls-cert": cert,
        "tls-key": key,
        "public-url": f"https://127.0.0.1:{port}",
    }
    flags = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    gateway = Process([*LGSP, "gateway", "run", *flags, f"--ca={nats.authority.path}"], tmp_path / "gateway.log")
    await gateway.start()
    try:
        doctor = ("doctor", "--url", f"https://127.0.0.1:{port}", "--token", "none")
        code, out, _ = await processes.run(*doctor, environment={"LGSP_CA": str(nats.authority.path)})
        assert (code, "token" in out, "is not trusted" in out) == (1, True, False), out
        code, out, _ = await processes.run(*doctor)
        assert (code, "is not trusted" in out, "issued by Test authority" in out) == (1, True, True), out
    finally:
        assert await gateway.stop() == 0


def test_the_option_stands_anywhere_before_two_hyphens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(authorities.VARIABLE, raising=False)
    assert authorities.take_option(["call", "--ca", "a.pem", "x"]) == (["call", "x"], "a.pem")
    assert authorities.take_option(["--ca=a.pem", "call", "--", "--ca"]) == (["call", "--", "--ca"], "a.pem")
    assert authorities.take_option(["call"]) == (["call"], "")
    with pytest.raises(Refusal, match="--ca"):
        authorities.take_option(["call", "--ca"])


def test_a_file_without_certificates_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    before = dict(os.environ)
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(Refusal, match=r"check its path"):
            authorities.trust(tmp_path / name)
    assert dict(os.environ) == before
