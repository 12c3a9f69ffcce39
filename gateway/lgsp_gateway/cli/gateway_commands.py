"""What an operator runs: `lgsp gateway run` and `lgsp keys rotate`."""

from pathlib import Path

from lgsp_auth.keys import SigningKey
from lgsp_contracts import catalog as catalogs
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import as_yaml, out
from lgsp_gateway import app
from lgsp_gateway.cli.files import keys_in
from lgsp_gateway.evidence.archive.store import Shelf
from lgsp_gateway.http.connections import ConnectionLimits, networks
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_runtime import durable_file
from lgsp_runtime import process as running
from lgsp_runtime.nats.connection import Door
from lgsp_runtime.tls import TlsFiles


def run_gateway(
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    share_port: bool = False,
    name: str = "",
    public_url: str = "",
    nats: str = "nats://127.0.0.1:4222",
    nats_passwords: Path = DEFAULT / "nats" / "passwords",
    allow_lazy_disk: bool = False,
    keys: Path = DEFAULT / "keys",
    registry: Path = DEFAULT / "registry",
    catalog: Path | None = None,
    replicas: int = 1,
    stale_seconds: float = 300,
    issuers: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    nats_ca: Path | None = None,
    index: str = "",
    archive: str = "",
    witnesses: Path | None = None,
    timestamp_authority: str = "",
    security_log: str = "",
    head_seconds: float = 10,
    body_seconds: float = 10,
    idle_seconds: float = 120,
    send_seconds: float = 30,
    connections: int = 10_000,
    connections_each: int = 1_000,
    proxies: str = "",
) -> None:
    """Run a gateway, until SIGTERM; calls it has begun are finished first.

    Parameters
    ----------
    port, host
        Where it listens.
    share_port
        Let other gateways on this machine listen there too (SO_REUSEPORT): one process for each core.
    name
        Its name in the evidence; a random one by default. A name belongs to one gateway.
    public_url
        Where callers reach it, which is the issuer of its tokens; http://HOST:PORT by default.
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS passwords of the users `gateway` and `system`, a file each.
    allow_lazy_disk
        Run on a NATS server that does not sync each message to disk. For development only: evidence can be lost.
    keys
        The folder of signing keys, shared by all gateways.
    registry
        The folder of registry documents.
    catalog
        The folder of contracts; those that come with lgsp by default.
    replicas
        Copies of each stream: 3 on a NATS cluster.
    stale_seconds
        How long it goes on serving what it knew of the registry after it lost NATS.
    issuers
        A file that names other issuers whose tokens count (docs/operate/other-issuers.md).
    tls_cert, tls_key
        Certificate chain and private key (PEM) of the HTTP door; loaded anew when they change.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://; loaded anew when they change.
    index
        What `lgsp indexer run` fills, to search the evidence with: a file, or `postgresql://HOST/DATABASE`.
    archive
        Where `lgsp evidence archive` lays what is old, so that it can be proved and exported too: a folder, or `s3://…`.
    witnesses
        A file of verifier keys, one a line, of those whose seals on the evidence are kept (`lgsp evidence witness`).
    timestamp_authority
        The address of an RFC 3161 authority that stamps a checkpoint each minute.
    security_log
        Where security events go (ECS JSON): a file, `syslog+udp://HOST:PORT` or `syslog+tcp://HOST:PORT` (RFC 5424).
    head_seconds
        How long a caller may take to agree upon TLS, and again for the head of a request.
    body_seconds
        How long the document of a request may take to arrive.
    idle_seconds
        How long a connection is kept between two requests; longer than callers and proxies keep theirs.
    send_seconds
        How long a caller may take to read 16 KiB of an answer.
    connections, connections_each
        How many connections there may be at a time, and how many of one address.
    proxies
        Addresses or networks of reverse proxies, with commas between them: `--connections-each` does not hold for them.
    """
    tls = TlsFiles.server(tls_cert, tls_key) if tls_cert and tls_key else None
    nats_tls = TlsFiles.client(nats_ca) if nats_ca else None
    context = nats_tls.context if nats_tls else None
    settings = app.Settings(
        name=names.gateway_name(name) if name else app.random_name(),
        host=host,
        port=port,
        share_port=share_port,
        public_url=public_url or f"{'https' if tls else 'http'}://{host}:{port}",
        nats=Door.named(nats, "gateway", nats_passwords / "gateway", context),
        nats_system=None if allow_lazy_disk else Door.named(nats, "system", nats_passwords / "system", context),
        keys=keys,
        registry=registry,
        catalog=catalog or catalogs.shipped_folder(),
        replicas=replicas,
        stale_seconds=stale_seconds,
        issuers=issuers,
        tls=tls,
        nats_tls=nats_tls,
        index=index,
        archive=archive,
        witnesses={one.name: one for one in keys_in(witnesses)} if witnesses else {},
        timestamps=timestamp_authority,
        security_log=security_log,
        connections=ConnectionLimits(
            head_seconds, body_seconds, idle_seconds, send_seconds, connections, connections_each, networks(proxies)
        ),
    )
    running.run(f"gateway {settings.name}", lambda process: app.serve(settings, process))


def run_indexer(
    *,
    nats: str = "nats://127.0.0.1:4222",
    nats_passwords: Path = DEFAULT / "nats" / "passwords",
    index: str = str(DEFAULT / "index.db"),
    archive: str = "",
    keep_days: int = 0,
    nats_ca: Path | None = None,
) -> None:
    """Copy the evidence into a search index, until SIGTERM. Killed or removed, it goes on or begins again by itself.

    Parameters
    ----------
    nats
        Where NATS is: one address, or several with commas between them.
    nats_passwords
        A folder with the NATS password of the user `gateway`.
    index
        A SQLite file, which is made on first use, or `postgresql://USER@HOST/DATABASE` (password: PGPASSWORD or PGPASSFILE).
    archive
        Where `lgsp evidence archive` lays what is old: an index that begins anew is filled from there first.
    keep_days
        For how long messages can be searched; 0 for ever. Their evidence, proofs and statistics are not touched.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://.
    """
    context = TlsFiles.client(nats_ca).context if nats_ca else None
    door = Door.named(nats, "gateway", nats_passwords / "gateway", context)
    from lgsp_gateway.evidence.search import indexer  # noqa: PLC0415 - a database's library takes 0.2 s to load, for this command alone
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415

    shelf = Shelf(archive) if archive else None
    running.run("indexer", lambda process: indexer.serve(door, Index(index, writes=True), shelf, keep_days, process))


def show_keys(*, state_dir: Path = DEFAULT, keys: Path | None = None) -> None:
    """Show what others need to know of the keys: nothing of it is secret.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of keys, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys)
    store.ensure()
    out(f"signs tokens              {store.ring().current.kid}\n")
    out(f"auth callout issuer       {store.account_key().public}\n")


def rotate_keys(*, state_dir: Path = DEFAULT, keys: Path | None = None) -> None:
    """Make a new key that signs access tokens from now on. Tokens signed by the old one count until they expire.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of signing keys, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys)
    store.ensure()
    key = store.rotate()
    out(f"{key.kid} signs from now on\n")


def new_key(system: str, /, *, agency: str, title_vi: str, title_en: str, folder: Path = Path()) -> None:
    """Make the key pair of a new system: the private half stays here, the document for `lgsp apply` is printed.

    Parameters
    ----------
    system
        The system's name, such as tau-ca.
    agency
        Whose it is: an electronic identification code in the registry.
    title_vi, title_en
        What people call it.
    folder
        Where SYSTEM.pem is written; one that is there is kept.
    """
    names.system_name(system)
    names.agency_code(agency)
    key = SigningKey.from_pem(durable_file.ensure(folder / f"{system}.pem", lambda: SigningKey.generate().to_pem()))
    spec = {"agency": agency, "title": {"vi": title_vi, "en": title_en}, "jwks": [key.public_jwk()]}
    document = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": system}, "spec": spec}
    out(as_yaml([document]))
