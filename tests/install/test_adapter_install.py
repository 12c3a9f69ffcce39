"""`lgsp adapter install`: an adapter on the machine of an office, with a key of its own, over TLS to gateway and NATS."""

import shlex
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
import yaml
from cryptography import x509
from install.tls_nats import TlsNats
from support import preloaded
from support.preloaded import Preloaded
from support.processes import LGSP, Process, free_port
from support.waits import eventually
from support.workbench import ALL, CONTRACTS, NUMBER, TEXT, document, grant

from lgsp_auth.issuing import AccessTokens
from lgsp_auth.signing_keys import SigningKey
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.operate.install.adapter_installation import read_environment
from lgsp_runtime.tls import TlsFiles


class Bus:
    """A bus whose doors both speak TLS, by an authority that no machine knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loopback = x509.IPAddress(ip_address("127.0.0.1"))
        self.nats = TlsNats(folder, [self.loopback])
        self.ca = self.nats.authority.path
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.key = SigningKey.generate()
        self._processes: list[Process] = []

    async def start(self) -> None:
        registry, catalog = self.folder / "registry", self.folder / "catalog"
        registry.mkdir()
        catalog.mkdir()
        (catalog / "desk.yaml").write_text(yaml.safe_dump(CONTRACTS[0], allow_unicode=True))
        provider = document("System", "provider", agency="H49.1", title=TEXT, jwks=[self.key.public_jwk()])
        consumer = document("System", "alpha", agency="H49.1", title=TEXT)
        documents = [
            document("Agency", "H49.1", title=TEXT),
            provider,
            consumer,
            grant("alpha-desk", "alpha", read=ALL),
        ]
        (registry / "registry.yaml").write_text(yaml.safe_dump_all(documents, allow_unicode=True))
        (self.folder / "provider.pem").write_bytes(self.key.to_pem())
        self._processes.append(await self.nats.start())
        cert, key = self.nats.authority.write("gateway", names=[self.loopback])
        settings = {
            "name": "gw-1",
            "port": str(self.port),
            "nats": f"tls://127.0.0.1:{self.nats.port}",
            "nats-ca": str(self.ca),
            "nats-passwords": str(self.nats.passwords),
            "keys": str(self.folder / "keys"),
            "registry": str(registry),
            "catalog": str(catalog),
            "tls-cert": str(cert),
            "tls-key": str(key),
            "public-url": self.url,
        }
        flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._processes.append(await Preloaded(["gateway", "run", *flags], self.folder / "gw.log").start())

    async def stop(self) -> None:
        for process in reversed(self._processes):
            await process.stop()

    async def call(self) -> tuple[int, str]:
        token = AccessTokens(self.url, KeyStore(self.folder / "keys").ring).sign("alpha", time.time())
        headers = {"Authorization": f"Bearer {token}", "Lgsp-Purpose": "thu-nghiem"}
        context = TlsFiles.for_client(self.ca).context
        async with (
            aiohttp.ClientSession(self.url, headers=headers) as session,
            session.post("/services/desk/v1/read", json={"soDinhDanh": NUMBER}, ssl=context) as answer,
        ):
            return answer.status, await answer.text()


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    started = Bus(tmp_path)
    await started.start()
    yield started
    await started.stop()


async def test_an_office_installs_its_adapter(bus: Bus, tmp_path: Path) -> None:
    own, root = tmp_path / "office", tmp_path / "root"
    own.mkdir()
    head = {"service": "desk", "major": 1, "system": "provider", "kind": "mock"}
    (own / "adapter.yaml").write_text(yaml.safe_dump(head))
    (own / "secrets").write_text('OFFICE_PASSWORD="mật khẩu"\n')

    async def install(*more: str, **other: str) -> tuple[int, str, str]:
        answers = {
            "manifest": str(own / "adapter.yaml"),
            "nats": f"tls://127.0.0.1:{bus.nats.port}",
            "gateway": bus.url,
            "key": str(bus.folder / "provider.pem"),
            "catalog": str(bus.folder / "catalog"),
            "root": str(root),
            "prefix": "/opt/lgsp",
            **other,
        }
        flags = [part for name, value in answers.items() for part in (f"--{name}", value)]
        return await preloaded.run("adapter", "install", "mot-cua", *flags, *more)

    code, _, err = await install()
    assert (code, "so nothing was installed: The gateway at" in err, "issued by Test authority" in err) == (
        1,
        True,
        True,
    ), err
    stranger = bus.folder / "strangers"
    stranger.mkdir()
    (stranger / "provider.pem").write_bytes(SigningKey.generate().to_pem())
    code, _, err = await install("--ca", str(bus.ca), key=str(stranger / "provider.pem"))
    assert (code, "so nothing was installed" in err) == (1, True), err
    code, _, err = await install("--ca", str(bus.ca), key=str(bus.ca))
    assert (code, "must be called provider.pem" in err) == (1, True), err
    assert not root.exists()

    code, out, err = await install("--ca", str(bus.ca), "--secrets", str(own / "secrets"))
    assert code == 0, err
    assert "systemctl enable --now lgsp-adapter@mot-cua" in out
    files = root / "etc/lgsp/adapters"
    assert (files / "mot-cua.env").stat().st_mode & 0o777 == 0o600
    assert (files / "keys/provider.pem").stat().st_mode & 0o777 == 0o600
    copied = [file for file in (files / "mot-cua").rglob("*") if file.is_file()]
    assert not [file for file in copied if "mật khẩu" in file.read_text()], "everybody may read these"
    code, _, err = await install("--ca", str(bus.ca))
    assert code == 0, err
    environment = read_environment(files / "mot-cua.env")
    assert environment["OFFICE_PASSWORD"] == "mật khẩu", "a secret that is not given anew stays"

    unit = (root / "etc/systemd/system/lgsp-adapter@.service").read_text()
    [start] = [line.removeprefix("ExecStart=") for line in unit.splitlines() if line.startswith("ExecStart=")]
    there = {name: value.replace("/etc/lgsp", f"{root}/etc/lgsp") for name, value in environment.items()}
    for name, value in there.items():
        start = start.replace(f"${{{name}}}", value).replace(f"${name}", value)
    _, *arguments = shlex.split(start.replace("--keys /etc/lgsp", f"--keys {root}/etc/lgsp"))
    adapter = Process([*LGSP, *arguments], tmp_path / "adapter.log", there)
    await adapter.start()

    async def answers() -> bool:
        return (await bus.call())[0] == 200

    await eventually(answers)
    assert await adapter.stop() == 0
