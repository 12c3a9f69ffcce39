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
from lgsp_runtime.tls import TlsFiles


async def serial(port: int, authority: Authority) -> int:
    """The serial number of the certificate that an HTTPS server shows."""
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
        "log_file": str(tmp_path / "nats.log"),
        "tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")},
    }
    config["jetstream"]["store_dir"] = str(tmp_path / "data")
    (tmp_path / "nats.conf").write_text(json.dumps(config))
    binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    nats = await Process([str(binary), "-c", str(tmp_path / "nats.conf")], tmp_path / "out").start(wait_ready=False)
    async with asyncio.timeout(10):
        while not (tmp_path / "nats.log").exists() or "Server is ready" not in (tmp_path / "nats.log").read_text():
            await asyncio.sleep(0.01)
    gateway = bus.another_gateway("tls", port)
    place = gateway.command.index("--nats") + 1
    gateway.command[place] = f"tls://127.0.0.1:{nats_port}"
    gateway.command[gateway.command.index("--public-url") + 1] = f"https://127.0.0.1:{port}"  # not beside its original
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
        lambda: TlsFiles.for_server(tmp_path / "cert.pem", tmp_path / "cert.pem"),
        lambda: TlsFiles.for_client(tmp_path / "none.pem"),
    ):
        with pytest.raises(Refusal, match="Cannot use the TLS files"):
            make()


async def shows(files: TlsFiles, authority: Authority) -> int:
    """The serial number that a new handshake sees, by somebody who holds it against the authority."""

    def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=files.context)
    async with server:
        return await serial(server.sockets[0].getsockname()[1], authority)


async def test_a_pair_that_does_not_work_changes_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first = authority.issue()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    old = certificate.read_bytes(), key.read_bytes()
    files = TlsFiles.for_server(certificate, key)
    second = authority.issue()
    new = certificate.read_bytes(), key.read_bytes()
    authority.issue(days=-1, starts=-3)
    expired = certificate.read_bytes(), key.read_bytes()
    authority.issue(days=5, starts=3)
    early = certificate.read_bytes(), key.read_bytes()
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")  # its key fits nothing here
    other.issue()
    steps: list[tuple[bytes | None, bytes | None]] = [
        (new[0], old[1]), (b"", old[1]), (new[0], b""), (None, old[1]), (None, None), (new[0][:200], old[1]), (new[0], new[1][:90]),
        (new[0], (tmp_path / "other" / "key.pem").read_bytes()), expired, early, (new[0] + b"rubbish", old[1]), (new[1], new[0]), (b"\xff" * 999, b"\x00"),
    ]  # fmt: skip
    for number, (chain, private) in enumerate(steps):
        for file, content in ((certificate, chain), (key, private)):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_bytes(content)
            files.reload_if_changed()
            assert await shows(files, authority) == first, number
    certificate.write_bytes(new[0])
    files.reload_if_changed()
    assert await shows(files, authority) == first
    key.write_bytes(new[1])
    files.reload_if_changed()
    assert await shows(files, authority) == second


async def test_a_renewal_file_by_file_drops_no_handshake(bus: Workbench, tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port()
    serials = [authority.issue()]
    gateway = bus.another_gateway("renewed", port)
    gateway.command += ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
    await gateway.start()
    (tmp_path / "next").mkdir()
    seen: list[int] = []
    old = (tmp_path / "cert.pem").read_bytes(), (tmp_path / "key.pem").read_bytes()
    serials.append(authority.issue())
    new = (tmp_path / "cert.pem").read_bytes(), (tmp_path / "key.pem").read_bytes()
    for name, content in (("cert.pem", new[0]), ("key.pem", old[1])):
        (tmp_path / "next" / name).write_bytes(content)
        (tmp_path / "next" / name).rename(tmp_path / name)
    async with asyncio.timeout(15):
        while "tls files unusable" not in gateway.log.read_text():
            seen.append(await serial(port, authority))
            await asyncio.sleep(0.02)
        (tmp_path / "next" / "key.pem").write_bytes(new[1])
        (tmp_path / "next" / "key.pem").rename(tmp_path / "key.pem")
        while serials[1] not in seen:
            seen.append(await serial(port, authority))
            await asyncio.sleep(0.02)
    assert set(seen) == set(serials)
    assert await gateway.stop() == 0


def test_authorities_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = TlsFiles.for_client(authority.path)
    context, believed = files.context, len(files.context.get_ca_certs())
    for content in (b"", b"rubbish", authority.path.read_bytes()[:100]):
        authority.path.write_bytes(content)
        files.reload_if_changed()
        assert (files.context, len(files.context.get_ca_certs())) == (context, believed)
    Authority(tmp_path)
    files.reload_if_changed()
    assert files.context is context
    assert len(files.context.get_ca_certs()) == believed + 1
