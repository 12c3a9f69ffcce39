"""`lgsp nats`: the NATS servers of a bus in production, their configuration and the move from one to several."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from nats.aio.client import Client

from lgsp_contracts.cli.terminal import out
from lgsp_contracts.file_references import parse_size
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.nats_config import Address, Cluster, NatsServer, Tls, server_name
from lgsp_gateway.operate.stream_copy import CopiedStream, Side, copy_streams
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file
from lgsp_runtime.loopback import is_loopback
from lgsp_runtime.nats.connection import NatsEndpoint, connect
from lgsp_runtime.tls import TlsFiles

_CLIENT_PORT = 4222
_CLUSTER_PORT = 6222


def config(
    name: str,
    /,
    *,
    to: Path,
    store: Path,
    max_storage: str,
    listen: str = "127.0.0.1:4222",
    cluster: tuple[str, ...] = (),
    cluster_listen: str = "",
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    tls_ca: Path | None = None,
    encryption_key: Path | None = None,
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
) -> None:
    """Write the configuration of a NATS server: `nats.conf`, and a file for the password of each user of the bus.

    Run it once for each server of a cluster with the same folder, or with a copy of its `passwords/`: the users are those of all servers.

    Parameters
    ----------
    name
        The name of the server, such as nats-1: unique, and the same at each start.
    to
        The folder to write into: NAME.conf (it holds secrets, mode 0600) and passwords/, which gateways take as --nats-passwords.
    store
        The folder of its storage.
    max_storage
        How much it may store, such as 200GiB: what its disk can give, less a margin.
    listen
        Where clients reach it. Beyond this machine it takes TLS.
    cluster
        The servers of the cluster, this one among them, such as nats-1 nats-2:6222 nats-3; 3 or 5. None for a server by itself.
    cluster_listen
        Where the other servers reach it; by default the address of --listen with port 6222.
    tls_cert
        Its certificate with the chain; in a cluster it must also count as that of a client.
    tls_key
        The private key of the certificate.
    tls_ca
        Certificate authorities of the other servers of the cluster.
    encryption_key
        A file with the key that encrypts the storage; it is made where it is missing. Without this key the storage cannot be read.
    state_dir
        The folder of a local bus, whose keys count.
    keys
        The folder of keys of the bus, where it is another.
    """
    server_name(name)
    size = _size(max_storage)
    tls = _tls(tls_cert, tls_key, tls_ca)
    address = Address.parse(listen, _CLIENT_PORT)
    place = _cluster(cluster, Address.parse(cluster_listen or str(Address(address.host, _CLUSTER_PORT)), _CLUSTER_PORT))
    _refuse_open_address(address, place, tls)
    store_of_keys = KeyStore(keys or StateDir(state_dir).keys)
    store_of_keys.ensure()
    server = NatsServer(
        name=name,
        listen=address,
        store=store.absolute(),
        max_file_store=size,
        issuer=store_of_keys.account_key().public,
        cluster=place,
        tls=tls,
        jetstream_key=nats_users.ensure_secret(encryption_key) if encryption_key else "",
    )
    file = to / f"{name}.conf"
    durable_file.make_folder(to / "passwords")
    durable_file.write(file, server.configuration(nats_users.ensure_passwords(to / "passwords")))
    out(localized(f"đã ghi {file}\n", f"wrote {file}\n"))


def copy(
    *,
    source: str,
    target: str,
    nats_passwords: Path,
    replicas: Literal[1, 3, 5] = 3,
    nats_ca: Path | None = None,
) -> None:
    """Copy all streams of a bus from one NATS to another that is empty, such as from one server to a cluster of three.

    Stop gateways, adapters and indexers before, and start them with the addresses of the target afterwards. The source stays as it is.

    Parameters
    ----------
    source
        Addresses of the servers that have the streams, separated by commas.
    target
        Addresses of the servers that get them.
    nats_passwords
        The folder of the passwords, as gateways take it: those of both.
    replicas
        How many replicas each stream has at the target.
    nats_ca
        Certificate authorities for `tls://` addresses.
    """
    asyncio.run(_copy(source, target, nats_passwords, replicas, nats_ca))


async def _copy(source: str, target: str, passwords: Path, replicas: int, authorities: Path | None) -> None:
    tls = TlsFiles.for_client(authorities).context if authorities else None

    def report(stream: CopiedStream) -> None:
        size = f"{stream.bytes / (1 << 20):,.1f} MiB"
        out(
            localized(
                f"{stream.name}: {stream.messages} thông điệp, {size}, {stream.consumers} consumer\n",
                f"{stream.name}: {stream.messages} messages, {size}, {stream.consumers} consumers\n",
            )
        )

    async with AsyncExitStack() as stack:

        async def connect_as(url: str, user: str) -> Client:
            endpoint = NatsEndpoint.with_password_file(url, user, passwords / user, tls)
            connection = await connect(endpoint, "lgsp nats copy")
            stack.push_async_callback(connection.close)
            return connection

        sides = [
            Side(await connect_as(url, nats_users.GATEWAY), await connect_as(url, nats_users.SYSTEM))
            for url in (source, target)
        ]
        await copy_streams(sides[0], sides[1], replicas, report)


def _tls(certificate: Path | None, key: Path | None, authorities: Path | None) -> Tls | None:
    if certificate is None and key is None and authorities is None:
        return None
    if certificate is None or key is None:
        raise CannotStart(
            vi="TLS cần cả chứng thư và khóa; hãy nêu --tls-cert và --tls-key.",
            en="TLS takes a certificate and its key; give --tls-cert and --tls-key.",
        )
    return Tls(certificate.absolute(), key.absolute(), authorities.absolute() if authorities else None)


def _cluster(members: tuple[str, ...], listen: Address) -> Cluster | None:
    if not members:
        return None
    return Cluster("lgsp", listen, tuple(Address.parse(member, _CLUSTER_PORT) for member in members))


def _refuse_open_address(listen: Address, cluster: Cluster | None, tls: Tls | None) -> None:
    """Passwords, tokens and personal data pass these connections; and between servers the certificate is what lets them in."""
    if tls and (cluster is None or tls.authorities):
        return
    reached = [listen.host, *([cluster.listen.host, *(one.host for one in cluster.members)] if cluster else [])]
    if all(is_loopback(host) for host in reached):
        return
    raise CannotStart(
        vi=f"Máy chủ NATS mở ra ngoài máy này ({', '.join(reached)}) phải dùng TLS; hãy nêu --tls-cert, --tls-key, và --tls-ca khi có cụm.",
        en=f"A NATS server that others reach ({', '.join(reached)}) takes TLS; give --tls-cert, --tls-key, and --tls-ca in a cluster.",
    )


def _size(text: str) -> int:
    size = parse_size(text)
    if not size:
        raise CannotStart(
            vi=f"“{text}” không phải là dung lượng; hãy viết như 200GiB.",
            en=f'"{text}" is no size; write it as in 200GiB.',
        )
    return size


def rotate_password(
    user: str,
    /,
    *,
    configuration: Annotated[list[Path], Parameter(name="--configuration", negative="")],
    nats_passwords: Path,
) -> None:
    """Give a NATS user of the bus a new password, in its file and in the configuration of the servers of this machine.

    Then restart each server; gateways come back with the new password, and need no restart.

    Parameters
    ----------
    user
        gateway, system, archiver or people.
    configuration
        The `nats.conf` of a server of this machine; may be given several times.
    nats_passwords
        The folder of the passwords.
    """
    if user not in nats_users.NAMES:
        raise CannotStart(
            vi=f"Không có người dùng NATS {user}; hãy chọn một trong {', '.join(nats_users.NAMES)}.",
            en=f"There is no NATS user {user}; choose one of {', '.join(nats_users.NAMES)}.",
        )
    try:
        nats_users.change_password(nats_passwords, user, configuration)
    except OSError as error:
        raise CannotStart(
            vi=f"Không ghi được mật khẩu mới: {error}; hãy kiểm tra đường dẫn và quyền.",
            en=f"The new password cannot be written: {error}; check the paths and their rights.",
        ) from error
    out(
        localized(
            f"đã đổi mật khẩu của {user}; hãy chép tệp sang các máy khác rồi khởi động lại nats-server\n",
            f"the password of {user} is changed; copy the files to other machines, then restart nats-server\n",
        )
    )
