"""Pebble, the ACME authority for tests (Debian's package), with a DNS in which every name is this machine."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import aiohttp
from cryptography import x509

from support.authority import Authority
from support.processes import Process, apt_install, free_port
from support.waits import eventually


@dataclass(frozen=True, slots=True)
class Pebble:
    """A running authority: its directory, who vouches for its HTTPS, and the port on which it asks for challenges."""

    directory: str
    ca: Path
    http_port: int
    management: str

    async def root(self) -> bytes:
        """The certificate (PEM) with which it signs."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.management}/roots/0", ssl=False) as answer:
            return await answer.read()


@asynccontextmanager
async def running_pebble(folder: Path, life_seconds: int) -> AsyncIterator[Pebble]:
    """Pebble, whose certificates live so long."""
    if not shutil.which("pebble"):
        await asyncio.to_thread(apt_install, "pebble")
    binary, dns_binary = shutil.which("pebble"), shutil.which("pebble-challtestsrv")
    assert binary, "pebble is missing: apt-get install pebble"
    assert dns_binary, "pebble-challtestsrv is missing: apt-get install pebble"
    folder.mkdir()
    authority = Authority(folder)
    certificate, key = authority.write(
        "pebble", names=[x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    port, management, http, dns = (free_port() for _ in range(4))
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": http,
        "tlsPort": free_port(),
        "certificateValidityPeriod": life_seconds,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = Process(
        [
            dns_binary,
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
            "-dns01",
            f"127.0.0.1:{dns}",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-management",
            f"127.0.0.1:{free_port()}",
        ],
        folder / "dns.log",
    )
    pebble = Process(
        [
            "env",
            "PEBBLE_VA_NOSLEEP=1",
            binary,
            "-config",
            str(folder / "pebble.json"),
            "-dnsserver",
            f"127.0.0.1:{dns}",
        ],
        folder / "pebble.log",
    )
    await names.start(wait_ready=False)
    await pebble.start(wait_ready=False)
    found = Pebble(f"https://127.0.0.1:{port}/dir", authority.path, http, f"https://127.0.0.1:{management}")

    async def answers() -> bool:
        try:
            return bool(await found.root())
        except aiohttp.ClientError:
            return False

    try:
        await eventually(answers, seen=(folder / "pebble.log").read_text)
        yield found
    finally:
        await pebble.stop()
        await names.stop()
