"""The gateways get the certificate of their domain from a real ACME authority, share it, and renew it before it ends."""

import datetime
import ssl
from pathlib import Path

import aiohttp
from cryptography import x509
from support.pebble import Pebble, running_pebble
from support.processes import Process, free_port
from support.waits import WORK_SECONDS, eventually
from support.workbench import Workbench

DOMAIN = "lgsp.quangninh.example"


def with_certificate(bus: Workbench, name: str, folder: Path, pebble: Pebble) -> Process:
    """One more gateway, which gets its certificate from pebble."""
    gateway = bus.another_gateway(name, free_port())
    at = gateway.command.index("--public-url")
    gateway.command[at + 1] = f"https://{DOMAIN}"
    gateway.command += ["--domain", DOMAIN, "--tls-cert", str(folder / f"{name}.pem")]
    gateway.command += ["--tls-key", str(folder / f"{name}-key.pem"), "--acme-directory", pebble.directory]
    gateway.command += ["--acme-ca", str(pebble.ca), "--acme-port", str(pebble.http_port)]
    return gateway


def serial_of(file: Path) -> int:
    return x509.load_pem_x509_certificates(file.read_bytes())[0].serial_number


async def test_two_gateways_share_one_certificate_of_a_real_authority(tmp_path: Path) -> None:
    bus = await Workbench(tmp_path).start()
    try:
        async with running_pebble(tmp_path / "pebble", life_seconds=90 * 86_400) as pebble:
            gateways = [with_certificate(bus, name, tmp_path, pebble) for name in ("one", "two")]
            for gateway in gateways:
                await gateway.start()
            root = (await pebble.root()).decode()
            files = [tmp_path / f"{name}.pem" for name in ("one", "two")]

            def issued() -> bool:
                texts = [file.read_text() for file in files]
                leaves = [x509.load_pem_x509_certificates(text.encode())[0] for text in texts]
                return leaves[0].serial_number == leaves[1].serial_number and leaves[0].issuer != leaves[0].subject

            await eventually(
                issued, within=WORK_SECONDS, seen=lambda: [one.log.read_text()[-3000:] for one in gateways]
            )
            [leaf, *_] = x509.load_pem_x509_certificates(files[0].read_bytes())
            assert leaf.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=80)
            port = int(gateways[0].command[gateways[0].command.index("--port") + 1])

            seen: list[object] = []

            async def is_served() -> bool:
                try:
                    async with bus.session.get(
                        f"https://127.0.0.1:{port}/livez",
                        ssl=ssl.create_default_context(cadata=root),
                        server_hostname=DOMAIN,
                    ) as answer:
                        return answer.status == 200
                except aiohttp.ClientError as error:
                    seen[:] = [error]
                    return False

            await eventually(is_served, seen=lambda: seen)
            for gateway in gateways:
                await gateway.stop()
    finally:
        await bus.stop()
