"""The NATS servers of a local bus: loopback, one by itself or a cluster, each with a folder of its own."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.nats_config import Address, Cluster, NatsServer
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file

LOG = "nats-server.log"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """One of them: its name (`nats-server`, or with a number in a cluster), its port and its configuration."""

    name: str
    port: int
    config: Path


def passwords(state: StateDir) -> Path:
    """Return the folder that holds the passwords of the users, a file each."""
    return state.nats / "passwords"


def storage(state: StateDir, number: int = 1) -> Path:
    """Return the folder of JetStream's storage of a server; they are numbered from 1."""
    return state.nats / ("data" if number == 1 else f"data-{number}")


def write(state: StateDir, ports: Sequence[tuple[int, int]], account: str) -> list[LocalServer]:
    """Write the configuration of each server for this start.

    Args:
        ports: of each server, for clients and for the other servers.
        account: the public key that vouches for whoever connects with an access token.

    Raises:
        Refusal: `cannot-start`, when the folder began with another number of servers.
    """
    _refuse_another_number(state, len(ports))
    state.logs.mkdir(parents=True, exist_ok=True)
    secrets = nats_users.ensure_passwords(passwords(state))
    members = tuple(Address(_LOOPBACK, route) for _, route in ports)
    servers = []
    for number, (port, route) in enumerate(ports, 1):
        clustered = len(ports) > 1
        store = storage(state, number)
        server = NatsServer(
            name=f"lgsp-{number}" if clustered else "lgsp-embedded",
            listen=Address(_LOOPBACK, port),
            store=store.absolute(),
            max_file_store=_max_file_store(store, len(ports)),
            issuer=account,
            log=(state.logs / (LOG if number == 1 else f"nats-server-{number}.log")).absolute(),
            cluster=Cluster("lgsp-local", Address(_LOOPBACK, route), members) if clustered else None,
        )
        path = state.nats / ("nats.conf" if number == 1 else f"nats-{number}.conf")
        durable_file.write(path, server.configuration(secrets))
        servers.append(LocalServer(f"nats-server {number}" if clustered else "nats-server", port, path))
    return servers


def _refuse_another_number(state: StateDir, servers: int) -> None:
    """Keep a folder to the number of servers that it began with.

    A server that stored by itself and becomes one of a cluster deletes its streams 30 seconds later, as orphans that the cluster does not
    know (nats-server 2.15, tried): registry, evidence and what waits.
    """
    began = sum(storage(state, number).exists() for number in range(1, 6))
    if began not in {0, servers}:
        raise CannotStart(
            vi=f"Thư mục {state.root} đã bắt đầu với {began} máy chủ NATS; hãy chạy với --servers {began}, hoặc chọn thư mục khác bằng --state-dir.",
            en=f"The folder {state.root} began with {began} NATS servers; run it with --servers {began}, or choose another folder with --state-dir.",
        )


def _max_file_store(folder: Path, servers: int) -> int:
    """Return how many bytes a server may store: what it has stored now, and its share of three quarters of what the disk has left.

    By default the server takes three quarters of what is left at each start, whatever it has stored; so a server that had filled half of its disk
    would store nothing any more after a restart, not even evidence.
    """
    used = sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file()) if folder.exists() else 0
    return used + shutil.disk_usage(folder.parent).free * 3 // 4 // servers
