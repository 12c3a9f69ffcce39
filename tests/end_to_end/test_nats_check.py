"""`lgsp nats check`: a real server with the configuration of `lgsp nats config` has nothing wrong; each way to spoil it is told in a sentence."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import StreamConfig
from support.preloaded import run
from support.processes import Process, free_port
from support.waits import eventually

from lgsp_gateway.operate.nats_check import findings
from lgsp_gateway.operate.nats_check.server_state import ServerState

Config = dict[str, Any]


class Servers:
    """Servers of one bus on loopback, whose configurations can be spoiled before they start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passwords = folder / "nats/passwords"
        self.processes: list[Process] = []
        self.urls: list[str] = []

    async def configure(self, name: str, *options: str) -> Path:
        self.urls.append(f"nats://127.0.0.1:{(port := free_port())}")
        where = ["--to", str(self.folder / "nats"), "--store", str(self.folder / name), "--max-storage", "1GiB"]
        listen = ["--listen", f"127.0.0.1:{port}", "--keys", str(self.folder / "keys")]
        encryption = ["--encryption-key", str(self.folder / "storage.key")]
        code, _, err = await run("nats", "config", name, *where, *listen, *encryption, *options)
        assert code == 0, err
        return self.folder / f"nats/{name}.conf"

    async def start(self, configuration: Path) -> None:
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        process = Process([binary, "-c", str(configuration)], self.folder / f"{configuration.stem}.log")
        self.processes.append(process)
        await process.start(wait_ready=False)
        await eventually(lambda: "Server is ready" in process.log.read_text())

    async def check(self, *configurations: Path) -> tuple[int, str, str]:
        files = [option for file in configurations for option in ("--configuration", str(file))]
        where = ["--nats", ",".join(self.urls), "--nats-passwords", str(self.passwords)]
        return await run("nats", "check", *where, *files, environment={"LGSP_LANG": "en"})


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    started = Servers(tmp_path)
    yield started
    await asyncio.gather(*(process.stop() for process in started.processes))


async def test_nothing_is_wrong_with_what_nats_config_writes(servers: Servers) -> None:
    file = await servers.configure("nats-1")
    await servers.start(file)
    code, out, err = await servers.check(file)
    assert (code, out) == (0, "nothing is wrong with NATS\n"), err
    stored = [one for one in (servers.folder / "nats-1").rglob("*") if "LGSP" in one.name and "streams" in str(one)]
    assert not stored, "the check makes nothing"


def _user(config: Config, name: str) -> Config:
    return next(user for user in config["accounts"]["LGSP"]["users"] if user["user"] == name)


def _jetstream_off(config: Config) -> None:
    del config["jetstream"], config["accounts"]["LGSP"]["jetstream"]


def _with_permission_to_delete(config: Config) -> None:
    _user(config, "gateway")["permissions"] = {}
    _user(config, "archiver")["permissions"]["publish"].append("$JS.API.STREAM.DELETE.>")
    _user(config, "people")["permissions"]["subscribe"] = ">"
    _user(config, "backup")["permissions"]["publish"] = "_INBOX.>"


def _open_to_anybody(config: Config) -> None:
    del config["authorization"]
    config["no_auth_user"] = "backup"


def _changed_by_hand(config: Config) -> None:
    """Faults that have nothing to do with each other, in one server to save the others."""
    del config["jetstream"]["sync_interval"], config["jetstream"]["cipher"], config["jetstream"]["key"]
    config |= {"max_payload": 1 << 20, "max_subscriptions": 100}
    config["accounts"]["GUESTS"] = {}
    config["websocket"] = {"host": "127.0.0.1", "port": free_port(), "no_tls": True}
    _user(config, "people")["password"] = "another"


_LIMITED = {"publish": ["evt.tau-services.>", "_INBOX.>"], "subscribe": ["svc.tau-services.>"]}


def _leaf_nodes_without_limits(config: Config) -> None:
    too_wide = {
        "no-rights": None,
        "all-services": {**_LIMITED, "subscribe": ["svc.>"]},
        "each-service": {**_LIMITED, "subscribe": ["svc.*.v1.>"]},
        "replies-to-others": {**_LIMITED, "subscribe": ["svc.tau-services.>", "_INBOX.>"]},
        "streams": {**_LIMITED, "publish": ["$JS.API.STREAM.INFO.LGSP_EVIDENCE"]},
        "all-but-some": {"publish": {"deny": ["evt.>"]}, "subscribe": {"allow": ["svc.tau-services.>"]}},
        "limited": _LIMITED,
    }
    config["accounts"]["LGSP"]["users"] += [
        {"user": name, "password": name, **({"permissions": rights} if rights else {})}
        for name, rights in too_wide.items()
    ]
    clients = {"user": "client-alone", "password": "c", "allowed_connection_types": ["STANDARD"]}
    config["accounts"]["LGSP"]["users"].append(clients)
    listener = {"users": [{"user": "of-the-listener", "password": "o", "account": "LGSP"}]}
    config["leafnodes"] = {"host": "127.0.0.1", "port": free_port(), "authorization": listener}


FAULTS: list[tuple[Callable[[Config], None], list[str]]] = [
    (_jetstream_off, ["JetStream is off at nats-1"]),
    (
        _with_permission_to_delete,
        [
            "user gateway can do what it must not: $JS.API.STREAM.PURGE.",
            "user archiver can do what it must not: $JS.API.STREAM.DELETE.",
            "user people can do what it must not: subscribe ",
            "user backup cannot do what the bus needs: $JS.API.STREAM.NAMES",
            "other rights than lgsp nats config: archiver, backup, gateway, people;",
        ],
    ),
    (_open_to_anybody, ["lets in whoever has no password", "does not ask gateways who may connect"]),
    (
        _leaf_nodes_without_limits,
        [
            "nats-1 lets leaf nodes connect",
            "by users without limits: all-but-some, all-services, each-service, no-rights, of-the-listener, replies-to-others, streams; whoever",
        ],
    ),
    (
        _changed_by_hand,
        [
            "set sync_interval: always",
            "stores without encryption",
            "max_payload of 1048576",
            "max_subscriptions of 100",
            "accounts that lgsp nats config does not write: GUESTS",
            "opens websocket",
            "does not let the user people in",
        ],
    ),
]


@pytest.mark.parametrize(("spoil", "says"), FAULTS, ids=[spoil.__name__.strip("_") for spoil, _ in FAULTS])
async def test_each_fault_is_told(servers: Servers, spoil: Callable[[Config], None], says: list[str]) -> None:
    file = await servers.configure("nats-1")
    config = json.loads(file.read_text())
    config["authorization"]["timeout"] = 0.5  # no gateway is there to ask
    spoil(config)
    file.write_text(json.dumps(config))
    await servers.start(file)
    code, out, err = await servers.check(file)
    assert code == 1, err
    assert [sentence for sentence in says if sentence not in out] == [], out
    assert all(line.startswith("- ") and "; " in line for line in out.splitlines()), "each says what to do"


async def test_a_cluster_of_two_and_streams_with_one_replica_are_told(servers: Servers) -> None:
    members = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    cluster = [option for member in members for option in ("--cluster", member)]
    files = [
        await servers.configure(f"nats-{number}", *cluster, "--cluster-listen", member)
        for number, member in enumerate(members, 1)
    ]
    await asyncio.gather(*(servers.start(file) for file in files))
    password = (servers.passwords / "gateway").read_text()
    connection = await nats.connect(servers.urls[0], user="gateway", password=password)

    async def makes_a_stream() -> bool:
        try:
            await connection.jetstream().add_stream(StreamConfig(name="ONCE", subjects=["once"], num_replicas=1))
        except (nats.js.errors.APIError, nats.errors.TimeoutError):
            return False
        return True

    await eventually(makes_a_stream)
    await connection.close()
    code, out, _ = await servers.check(*files)
    assert code == 1
    assert out.splitlines() == ["- Streams with fewer than 3 replicas: ONCE; restart the gateways with --replicas 3."]
    await servers.processes[2].kill()
    servers.urls.pop()
    code, out, _ = await servers.check()
    assert (code, "The cluster has 3 servers, of which 2 answer (nats-1, nats-2)" in out) == (1, True), out


async def test_an_unreadable_configuration_is_one_sentence(servers: Servers) -> None:
    file = await servers.configure("nats-1")
    file.write_text("port: 4222")
    code, out, err = await servers.check(file)
    assert (code, out) == (1, "")
    assert "name a file that lgsp nats config wrote" in err


def test_clocks_five_seconds_apart_and_an_even_number_are_told() -> None:
    servers = [ServerState("nats-1", {}, clock_ahead=0.1), ServerState("nats-2", {}, clock_ahead=-4.9)]
    told = [text.en for text in findings.of_servers(servers)]
    assert "The clock of nats-1 is 5.0 seconds ahead of nats-2; synchronize both (chrony)." in told
    assert any(sentence.startswith("The cluster has 2 servers: an even number") for sentence in told)
    slow_answer = [ServerState("nats-1", {}, clock_ahead=1.4, clock_uncertainty=0.6)]
    assert not any("clock" in text.en for text in findings.of_servers(slow_answer))


def test_what_is_reached_from_other_machines_takes_tls() -> None:
    everywhere = {"host": "0.0.0.0", "http_host": "0.0.0.0", "http_port": 8222}
    ways = {"cluster": {"addr": "10.0.0.5"}, "leaf": {"host": "10.0.0.5", "port": 7422}}
    told = [text.en for text in findings.of_servers([ServerState("nats-1", everywhere | ways)])]
    for option in ("tls", "cluster.tls", "leafnodes.tls"):
        assert any(f"without TLS; configure {option}," in sentence for sentence in told)
    assert any("shows its monitoring to the network at 0.0.0.0" in sentence for sentence in told)
    encrypted = {key: {**value, "tls_required": True} for key, value in ways.items()}
    told = [text.en for text in findings.of_servers([ServerState("nats-1", {"tls_required": True} | encrypted)])]
    assert not any("without TLS" in sentence for sentence in told)


def test_an_old_version_a_full_disk_and_a_leaf_node_in_the_wrong_account_are_told() -> None:
    variables = {"version": "2.10.4", "jetstream": {"config": {"max_storage": 100, "sync_always": True}}}
    full = ServerState("nats-1", variables, {"storage": 95, "config": {}}, leaf_accounts=("SYS",))
    ended = ServerState("nats-2", {**variables, "version": "2.16.0-RC.1"}, {"disabled": True})
    told = [text.en for text in findings.of_servers([full, ended])]
    assert any(one.startswith("nats-1 runs nats-server 2.10.4, older than") for one in told)
    assert not any(one.startswith("nats-2 runs nats-server") for one in told)
    assert any(one.startswith("nats-1 has stored") for one in told)
    assert any(one.startswith("JetStream is off at nats-2") for one in told)
    assert any(one.startswith("A leaf node is connected to account SYS of nats-1") for one in told)
