"""TLS on both doors from files, renewed without a restart."""

import asyncio
import json
import shutil
import signal
import ssl
import sys
from pathlib import Path

import pytest
from cryptography import x509
from support.authority import Authority
from support.processes import Process, free_port
from support.workbench import Workbench

from lgsp_problems import Refusal
from lgsp_process.tls_files import TlsFiles


async def serial(port: int, authority: Authority) -> int:
    """The serial number of the certificate that an HTTPS door shows."""
    context = ssl.create_default_context(cafile=authority.path)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


async def nats_serial(port: int, authority: Authority) -> int:
    """The same of a NATS server, which speaks before it encrypts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    await writer.start_tls(ssl.create_default_context(cafile=authority.path), server_hostname="127.0.0.1")
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


async def test_both_doors_speak_tls_and_renew_it(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus = breakable_bus
    authority = Authority(tmp_path)
    first = authority.issue()
    nats_port, port = free_port(), free_port()
    config = json.loads((bus.state.nats / "nats.conf").read_text())
    config |= {
        "port": nats_port,
        "tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")},
    }
    config["jetstream"]["store_dir"] = str(tmp_path / "data")
    (tmp_path / "nats.conf").write_text(json.dumps(config))
    binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    nats = await Process([str(binary), "-c", str(tmp_path / "nats.conf")], tmp_path / "nats.log").start(
        wait_ready=False
    )
    async with asyncio.timeout(10):
        while "Server is ready" not in (tmp_path / "nats.log").read_text():
            await asyncio.sleep(0.01)
    gateway = bus.another_gateway("tls", port)
    place = gateway.command.index("--nats") + 1
    gateway.command[place] = f"tls://127.0.0.1:{nats_port}"
    gateway.command += ["--nats-ca", str(authority.path)]
    gateway.command += ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
    await gateway.start()
    assert any("READY https://" in line for line in gateway.output)
    assert await serial(port, authority) == first
    assert await nats_serial(nats_port, authority) == first

    second = authority.issue()
    async with asyncio.timeout(10):
        while await serial(port, authority) != second:
            await asyncio.sleep(0.05)
    nats.signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while await nats_serial(nats_port, authority) != second:
            await asyncio.sleep(0.05)

    (tmp_path / "cert.pem").write_text("not a certificate")
    async with asyncio.timeout(10):
        while "tls files unusable" not in gateway.log.read_text():
            await asyncio.sleep(0.05)
    assert await serial(port, authority) == second
    await gateway.stop()
    await nats.stop()


def test_files_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("not a certificate")
    for make in (
        lambda: TlsFiles.server(tmp_path / "cert.pem", tmp_path / "cert.pem"),
        lambda: TlsFiles.client(tmp_path / "none.pem"),
    ):
        with pytest.raises(Refusal, match="Cannot use the TLS files"):
            make()
