"""The configuration of a NATS server of the bus: one by itself, or one of a cluster.

Every option that the durability or the rights of the bus depend on stands here and in no document to be copied from: a server that
syncs lazily, an account that anybody enters or a payload limit below that of contracts shows only when something is lost or refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lgsp_gateway.operate import nats_users
from lgsp_problems import CannotStart

MAX_SUBSCRIPTIONS = 4_000
"""Of one connection: an adapter takes nine to announce itself and one for each operation."""

MAX_PAYLOAD = 17 * 1024 * 1024
"""Of one message: a document of 16 MiB, which a contract may allow, and what stands before it."""

MAX_PENDING = 64 * 1024 * 1024

LOG_BYTES = 4 * 1024 * 1024
LOG_FILES = 4
"""The server writes a line of each thing that it refuses a connection, as fast as that asks: 5 MB a second (measured). So its log goes
on in another file, and the oldest one goes."""


ROUTE_PINGS = {"ping_interval": "1s", "ping_max": 3}
"""Between servers. By default one that is cut off is noticed after four minutes; until then the others go on to send it calls, whose adapters
they believe to be there."""

CLIENT_PINGS = {"ping_interval": "1s", "ping_max": 3}
"""To clients. By default one that has stopped is noticed after four minutes; until then its server goes on to give an adapter its share of
the calls, which nobody answers."""

LAME_DUCK = {"lame_duck_duration": "30s", "lame_duck_grace_period": "5s"}
"""How a server that gets SIGUSR2 stops: it hands over what it leads, tells its clients to go to another server, and ends them after the
grace period, spread over the duration (30 seconds at least). By default it would take two minutes, longer than its unit waits."""


_SERVER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def server_name(text: str) -> str:
    """Check the name of a server, which is a name of files too.

    Raises:
        Refusal: `cannot-start`.
    """
    if not _SERVER_NAME.fullmatch(text):
        raise CannotStart(
            vi="Tên máy chủ NATS chỉ gồm a-z, 0-9 và dấu gạch ngang, dài nhất 63 ký tự, ví dụ nats-1.",
            en="The name of a NATS server has a-z, 0-9 and hyphens alone, at most 63, such as nats-1.",
        )
    return text


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, or is found."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int) -> "Address":
        """Read `host`, `host:port`, `[::1]` or `[::1]:port`.

        Raises:
            Refusal: `cannot-start`.
        """
        bracketed, _, rest = text.partition("]") if text.startswith("[") else ("", "", text)
        host, colon, port = (bracketed[1:], rest[:1], rest[1:]) if bracketed else text.partition(":")
        if not host or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
            raise CannotStart(
                vi=f"“{text}” không phải là địa chỉ; hãy viết máy hoặc máy:cổng, ví dụ nats-1:6222.",
                en=f'"{text}" is no address; write a host or host:port, such as nats-1:6222.',
            )
        return cls(host, int(port) if colon else default_port)

    def __str__(self) -> str:
        """Write it as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a server's TLS: its certificate and key, and who vouches for the servers that it connects to."""

    certificate: Path
    key: Path
    authorities: Path | None = None

    def options(self) -> dict[str, Any]:
        """Return them as the server's configuration takes them."""
        files = {"cert_file": str(self.certificate), "key_file": str(self.key)}
        return {**files, "ca_file": str(self.authorities)} if self.authorities else files


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server's place in a cluster: where the others reach it, and where it reaches all of them (itself among them)."""

    name: str
    listen: Address
    members: tuple[Address, ...]

    def __post_init__(self) -> None:
        """Refuse a number of servers that loses its majority with the first one."""
        if len(self.members) not in {3, 5}:
            count = len(self.members)
            raise CannotStart(
                vi=f"Cụm có {count} máy chủ NATS: phải là 3 hoặc 5, vì cụm chỉ chạy khi còn quá nửa; hãy nêu đủ 3 máy trong --cluster.",
                en=f"A cluster of {count} NATS servers: it takes 3 or 5, since a cluster works while more than half of it does; name 3 in --cluster.",
            )


@dataclass(frozen=True, slots=True)
class NatsServer:
    """A NATS server of the bus.

    Args:
        name: unique among the servers of the bus, and the same at each start.
        store: the folder of JetStream's storage.
        max_file_store: how many bytes it may take.
        issuer: the public key that vouches for whoever connects with an access token.
        log: the file of its log; None for stderr, which a supervisor keeps.
        jetstream_key: what encrypts its storage; "" for no encryption.
    """

    name: str
    listen: Address
    store: Path
    max_file_store: int
    issuer: str
    log: Path | None = None
    cluster: Cluster | None = None
    tls: Tls | None = None
    jetstream_key: str = ""

    def configuration(self, passwords: Mapping[str, str]) -> bytes:
        """Write `nats.conf`, in JSON, which the server reads too; it holds secrets.

        Args:
            passwords: of the users (`nats_users.ensure_passwords`).
        """
        config = {
            "server_name": self.name,
            "host": self.listen.host,
            "port": self.listen.port,
            **self._log(),
            "max_payload": MAX_PAYLOAD,
            "max_pending": MAX_PENDING,
            "max_subscriptions": MAX_SUBSCRIPTIONS,
            **CLIENT_PINGS,
            **LAME_DUCK,
            **({"tls": self.tls.options()} if self.tls else {}),
            "jetstream": self._jetstream(),
            **self._cluster(passwords[nats_users.ROUTES] if self.cluster else ""),
            "accounts": nats_users.accounts(dict(passwords)),
            "system_account": nats_users.SYSTEM_ACCOUNT,
            "authorization": nats_users.callout(self.issuer),
        }
        return orjson.dumps(config, option=orjson.OPT_INDENT_2)

    def _log(self) -> dict[str, Any]:
        if self.log is None:
            return {}
        return {"log_file": str(self.log), "logfile_size_limit": LOG_BYTES, "logfile_max_num": LOG_FILES}

    def _jetstream(self) -> dict[str, Any]:
        storage = {"store_dir": str(self.store), "sync_interval": "always", "max_file_store": self.max_file_store}
        return {**storage, "cipher": "chachapoly", "key": self.jetstream_key} if self.jetstream_key else storage

    def _cluster(self, password: str) -> dict[str, Any]:
        if self.cluster is None:
            return {}
        routes = [f"nats://{nats_users.ROUTES}:{password}@{member}" for member in self.cluster.members]
        listen = {"host": self.cluster.listen.host, "port": self.cluster.listen.port}
        # Between servers each proves itself to the other: whoever joins could read and write all streams. The certificate alone does not
        # say that: the authority that vouches for servers may vouch for gateways, adapters and the programs of agencies too.
        authorization = {"authorization": {"user": nats_users.ROUTES, "password": password, "timeout": 3}}
        tls = {"tls": {**self.tls.options(), "verify": True}} if self.tls else {}
        return {
            "cluster": {"name": self.cluster.name, **listen, "routes": routes, **authorization, **ROUTE_PINGS, **tls}
        }
