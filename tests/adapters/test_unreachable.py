"""Why a system is not reached: which certificate, which name, which port; said in the log, in health, to the integrator."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from support.authority import Authority
from support.processes import free_port
from support.upstreams import ask, opened, served

from lgsp_adapters.adapter import UpstreamFailed, UpstreamLate
from lgsp_adapters.host.health import Health

HTTP: dict[str, Any] = {"operations": {"read": {"path": "/so/{request.soDinhDanh}", "answer": {"ketQua": "answer.a"}}}}
CA = {"ca": "ca.pem"}
ADDRESS = (x509.IPAddress(ipaddress.ip_address("127.0.0.1")),)
OTHER = (x509.DNSName("so-khac.example.vn"),)


async def well(_request: web.Request) -> web.Response:
    return web.json_response({"a": "KHOP"})


def server_tls(pair: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server shows."""
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    found.load_cert_chain(*pair)
    return found


async def why(url: str, folder: Path, tls: dict[str, str], *, connected: bool = True) -> str:
    """The reason that is told; whether a connection was made, so that one more says nothing of the system being well."""
    async with opened("http", url, folder, tls=tls, **HTTP) as adapter:
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert (failed.value.why, failed.value.connected) == ("unreachable", connected)
    host = url.partition("//")[2]
    assert failed.value.private.startswith(f"GET {host}/so/{{request.soDinhDanh}}: ")
    return failed.value.private.partition(": ")[2]


@pytest.mark.parametrize(
    ("shown", "tls", "said"),
    [
        ({"names": ADDRESS}, {}, ("unable to get local issuer certificate", "issued by Test authority")),
        (
            {"names": ADDRESS, "below": True, "with_chain": False},
            CA,
            ("unable to get local issuer certificate", "issued by Authority below"),
        ),
        (
            {"names": OTHER},
            CA,
            ("IP address mismatch, certificate is not valid for '127.0.0.1'", "for so-khac.example.vn"),
        ),
        ({}, CA, ("IP address mismatch", "asked for 127.0.0.1", "a common name alone does not count")),
        ({"names": ADDRESS, "days": (-9, -1)}, CA, ("certificate has expired", "valid from ")),
        ({"names": ADDRESS, "days": (1, 9)}, CA, ("certificate is not yet valid", "valid from ")),
    ],
)
async def test_a_certificate_that_does_not_count(
    tmp_path: Path, shown: dict[str, Any], tls: dict[str, str], said: tuple[str, ...]
) -> None:
    authority = Authority(tmp_path)
    async with served(well, server_tls(authority.write("so", **shown))) as url:
        reason = await why(url, tmp_path, tls)
    assert all(part in reason for part in said), reason
    assert "asked for 127.0.0.1, the certificate shown is so, for " in reason


async def test_a_name_that_the_certificate_does_not_have(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with served(well, server_tls(authority.write("so", names=OTHER)), host="localhost") as url:
        reason = await why(url, tmp_path, CA)
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in reason


async def test_a_chain_that_is_whole_is_believed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.write("so", names=ADDRESS, below=True)
    async with served(well, server_tls(pair)) as url, opened("http", url, tmp_path, tls=CA, **HTTP) as adapter:
        assert await ask(adapter) == {"ketQua": "KHOP"}


async def test_a_system_that_speaks_old_tls_alone(tmp_path: Path) -> None:
    old = server_tls(Authority(tmp_path).write("so", names=ADDRESS))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with served(well, old) as url:  # asyncio's servers end such a handshake without a word
        assert "a version older than 1.2" in await why(url, tmp_path, CA)
    with socket.create_server(("127.0.0.1", 0)) as listening:  # OpenSSL itself says what is wrong

        def once() -> None:
            with contextlib.suppress(OSError):
                old.wrap_socket(listening.accept()[0], server_side=True)

        answering = asyncio.get_running_loop().run_in_executor(None, once)
        reason = await why(f"https://127.0.0.1:{listening.getsockname()[1]}", tmp_path, CA)
        await answering
    assert "no TLS 1.2 or newer is spoken there: tlsv1 alert protocol version" in reason


async def test_a_system_that_speaks_no_tls_at_all(tmp_path: Path) -> None:
    async with served(well) as url:
        assert "no TLS 1.2 or newer is spoken there" in await why(url.replace("http:", "https:"), tmp_path, {})


async def test_a_handshake_that_is_never_finished(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with opened("http", url, tmp_path, **HTTP) as adapter:
        with pytest.raises(UpstreamLate) as late:
            await ask(adapter, seconds=0.5)
    assert late.value.private.endswith("/so/{request.soDinhDanh}: no connection in time")
    server.close()


async def test_an_answer_that_never_comes() -> None:
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with served(slow) as url, opened("http", url, **HTTP) as adapter:
        with pytest.raises(UpstreamLate) as late:
            await ask(adapter, seconds=0.3)
    assert late.value.private.endswith(": no answer in time")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{}", "Connection refused"),
        ("http://khong-co.invalid:{}", "not known"),
    ],
)
async def test_nobody_there(tmp_path: Path, url: str, said: str) -> None:
    assert said in await why(url.format(free_port()), tmp_path, {}, connected=False)


def test_a_system_that_takes_connections_and_is_not_believed_is_not_well_by_another_connection() -> None:
    health = Health()
    health.record_failure("unreachable", "certificate has expired", connected=True)
    assert not health.unreachable
    health.record_failure("unreachable", "Connection refused")
    assert health.unreachable


async def test_a_connection_that_breaks_off(tmp_path: Path) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    assert "closed the connection without an answer" in await why(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", tmp_path, {}
    )
    server.close()


async def test_it_is_the_address_of_the_token_that_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    oauth2 = {"path": "/oauth2/token", "client": "'a'", "secret": "'bí mật'"}
    async with (
        served(well, server_tls(authority.write("so", names=OTHER))) as url,
        opened("http", url, tmp_path, tls=CA, authentication={"oauth2": oauth2}, **HTTP) as adapter,
    ):
        with pytest.raises(UpstreamFailed) as failed:
            await ask(adapter)
    assert failed.value.private.startswith(
        f"POST {url.removeprefix('https://')}/oauth2/token: the certificate does not"
    )
    assert "bí mật" not in failed.value.private
