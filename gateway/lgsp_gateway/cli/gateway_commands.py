"""What an operator runs: `lgsp gateway run` and `lgsp keys rotate`."""

from pathlib import Path

from lgsp_contracts import catalog as catalogs
from lgsp_gateway import serving
from lgsp_gateway.keystore import KeyStore
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_process import running
from lgsp_process.nats_connection import Door


def run_gateway(
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    name: str = "",
    public_url: str = "",
    nats: str = "nats://127.0.0.1:4222",
    nats_passwords: Path = DEFAULT / "nats" / "passwords",
    allow_lazy_disk: bool = False,
    keys: Path = DEFAULT / "keys",
    registry: Path = DEFAULT / "registry",
    catalog: Path | None = None,
    replicas: int = 1,
    issuers: Path | None = None,
) -> None:
    """Run a gateway, until SIGTERM; calls it has begun are finished first.

    Parameters
    ----------
    port, host
        Where it listens.
    name
        Its name in the evidence; a random one by default. A name belongs to one gateway.
    public_url
        Where callers reach it, which is the issuer of its tokens; http://HOST:PORT by default.
    nats
        Where NATS is.
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
    issuers
        A file that names other issuers whose tokens count (docs/operate/other-issuers.md).
    """
    settings = serving.Settings(
        name=name or serving.random_name(),
        host=host,
        port=port,
        public_url=public_url or f"http://{host}:{port}",
        nats=Door.named(nats, "gateway", nats_passwords / "gateway"),
        nats_system=None if allow_lazy_disk else Door.named(nats, "system", nats_passwords / "system"),
        keys=keys,
        registry=registry,
        catalog=catalog or catalogs.shipped_folder(),
        replicas=replicas,
        issuers=issuers,
    )
    running.run(f"gateway {settings.name}", lambda stop: serving.serve(settings, stop))


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
    print(f"signs tokens              {store.ring().current.kid}")  # noqa: T201
    print(f"auth callout issuer       {store.account_key().public}")  # noqa: T201


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
    print(f"{key.kid} signs from now on")  # noqa: T201
