"""`lgsp nats config`: real servers run with what it writes, by themselves and as a cluster over TLS; what would be unsafe is refused."""

import asyncio
import json
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import nats
import pytest
from cryptography import x509
from nats.aio.msg import Msg
from nats.js.api import StreamConfig
from support.authority import Authority
from support.preloaded import run
from support.processes import Process, free_port
from support.waits import eventually


class Servers:
    """Servers of one bus, whose configurations stand in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    async def config(self, name: str, *options: str) -> tuple[int, str, str]:
        where = ["--to", str(self.folder / "nats"), "--store", str(self.folder / name)]
        where += [] if "--max-storage" in options else ["--max-storage", "1GiB"]
        return await run("nats", "config", name, *where, "--keys", str(self.folder / "keys"), *options)

    async def start(self, name: str) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        command = [binary, "-c", str(self.folder / f"nats/{name}.conf")]
        process = Process(command, self.folder / f"{name}.log")
        self.processes.append(process)
        await process.start(wait_ready=False)
        await eventually(lambda: "Server is ready" in process.log.read_text())

    async def connect(self, url: str, context: ssl.SSLContext | None = None) -> nats.NATS:
        password = (self.folder / "nats/passwords/gateway").read_text()
        return await nats.connect(url, user="gateway", password=password, tls=context, allow_reconnect=False)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    started = Servers(tmp_path)
    yield started
    await asyncio.gather(*(process.stop() for process in started.processes))


async def test_a_server_by_itself_stores_encrypted(servers: Servers) -> None:
    port = free_port()
    key = servers.folder / "storage.key"
    code, out, err = await servers.config("nats-1", "--listen", f"127.0.0.1:{port}", "--encryption-key", str(key))
    assert code == 0, err
    assert str(servers.folder / "nats/nats-1.conf") in out
    secrets = [key, servers.folder / "nats/nats-1.conf", *(servers.folder / "nats/passwords").iterdir()]
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}
    await servers.start("nats-1")
    connection = await servers.connect(f"nats://127.0.0.1:{port}")
    await connection.jetstream().add_stream(StreamConfig(name="S", subjects=["s"]))
    await connection.jetstream().publish("s", b"022093001234")
    await connection.close()
    stored = [file.read_bytes() for file in (servers.folder / "nats-1").rglob("*") if file.is_file()]
    assert stored
    assert not [content for content in stored if b"022093001234" in content]


async def _hears_calls_beside(servers: Servers, members: list[str], tls: dict[str, Any], connection: nats.NATS) -> bool:
    """Start a server of somebody else's, with a certificate of the same authority; tell whether it gets what the cluster is told."""
    port, heard = free_port(), list[bytes]()
    cluster = {"name": "lgsp", "host": "127.0.0.1", "port": free_port(), "tls": tls}
    cluster["routes"] = [f"tls://{member}" for member in members]
    accounts = {"LGSP": {"users": [{"user": "anybody", "password": "known"}]}}
    written = json.dumps({"host": "127.0.0.1", "port": port, "cluster": cluster, "accounts": accounts})
    (servers.folder / "nats/intruder.conf").write_text(written)
    await servers.start("intruder")
    log = servers.processes[-1].log
    await eventually(
        lambda: any(word in log.read_text() for word in ("Authorization Violation", "Route connection created"))
    )

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    spy = await nats.connect(f"nats://127.0.0.1:{port}", user="anybody", password="known", allow_reconnect=False)
    await spy.subscribe("svc.>", cb=hear)
    for _ in range(20):
        await connection.publish("svc.population.v1.verify-citizen", b"022093001234")
        await asyncio.gather(connection.flush(), spy.flush())
    await spy.close()
    return bool(heard)


async def test_three_servers_become_a_cluster_over_tls(servers: Servers) -> None:
    authority = Authority(servers.folder)
    cert, key = authority.write("nats", names=[x509.IPAddress(ip_address("127.0.0.1"))])
    ports, members = [free_port() for _ in range(3)], [f"127.0.0.1:{free_port()}" for _ in range(3)]
    tls = ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-ca", str(authority.path)]
    for number, port in enumerate(ports):
        name, cluster = f"nats-{number + 1}", [option for member in members for option in ("--cluster", member)]
        listen = ["--listen", f"127.0.0.1:{port}", "--cluster-listen", members[number]]
        code, _, err = await servers.config(name, *listen, *cluster, *tls)
        assert code == 0, err
        await servers.start(name)
    connection = await servers.connect(f"tls://127.0.0.1:{ports[0]}", ssl.create_default_context(cafile=authority.path))

    async def stores_three_times() -> bool:
        try:
            await connection.jetstream().add_stream(StreamConfig(name="S", subjects=["s"], num_replicas=3))
        except (nats.js.errors.APIError, nats.errors.TimeoutError):
            return False
        return True

    await eventually(stores_three_times)
    info = await connection.jetstream().stream_info("S")
    assert info.cluster
    assert len(info.cluster.replicas or []) == 2
    of_a_program, key = authority.write("program", names=[x509.IPAddress(ip_address("127.0.0.1"))])
    files = {"cert_file": str(of_a_program), "key_file": str(key), "ca_file": str(authority.path), "verify": True}
    assert not await _hears_calls_beside(servers, members, files, connection), (
        "a certificate alone makes nobody a server"
    )
    await connection.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--cluster", "a", "--cluster", "b"], "A cluster of 2 NATS servers: it takes 3 or 5"),
        (["--listen", "10.0.0.5:4222"], "takes TLS; give --tls-cert"),
        (["--listen", "nats-1:abc"], "is no address"),
        (["--max-storage", "lots"], "is no size; write it as in 200GiB"),
        (["--tls-cert", "a.pem"], "give --tls-cert and --tls-key"),
    ],
)
async def test_what_would_be_unsafe_is_refused(servers: Servers, options: list[str], says: str) -> None:
    code, _, err = await servers.config("nats-1", *options)
    assert code == 1
    assert says in err
    assert not (servers.folder / "nats").exists()


async def test_a_secret_that_is_none_is_refused(servers: Servers) -> None:
    for number, content in enumerate((b"\n", b"\xff\xfe\x00", b"one\ntwo", "khóa".encode())):
        file = servers.folder / f"{number}.key"
        file.write_bytes(content)
        code, _, err = await servers.config("nats-1", "--encryption-key", str(file))
        assert (code, f"{file} must hold a secret" in err) == (1, True), err
    password = servers.folder / "nats/passwords/gateway"
    password.parent.mkdir(parents=True, exist_ok=True)
    password.write_text("")
    code, _, err = await servers.config("nats-1")
    assert (code, f"{password} must hold a secret" in err) == (1, True), err
    assert not (servers.folder / "nats/nats-1.conf").exists()
