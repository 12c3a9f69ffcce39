"""`lgsp adapter run`: run adapters in this process."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lgsp_adapters import manifest
from lgsp_adapters.host.adapter_host import AdapterHost
from lgsp_adapters.host.identity import SystemIdentity
from lgsp_adapters.host.instance import Trials
from lgsp_adapters.host.manifest_reloader import ContractFolder
from lgsp_contracts import catalog as catalogs
from lgsp_runtime import process
from lgsp_runtime.state_paths import state_folder
from lgsp_runtime.tls import TlsFiles

FastPath = Annotated[Literal["on", "off"], Parameter(env_var="LGSP_FAST_PATH")]
SecurityLogAddress = Annotated[str, Parameter(env_var="LGSP_SECURITY_LOG")]


def run_adapters(  # noqa: PLR0913 - the options of a command
    manifests: list[str],
    /,
    *,
    nats: str = "nats://127.0.0.1:4222",
    gateway: str = "http://127.0.0.1:8080",
    keys: Path | None = None,
    catalog: Path | None = None,
    nats_ca: Path | None = None,
    gateway_ca: Path | None = None,
    fast_path: FastPath = "on",
    security_log: SecurityLogAddress = "",
    trials: Trials = "none",
) -> None:
    """Run adapters in this process, until SIGTERM; calls that have begun are finished first.

    Parameters
    ----------
    manifests
        The adapters' manifests: a path to `adapter.yaml`, or the name of one that comes with lgsp.
    nats
        Addresses of NATS servers, separated by commas.
    gateway
        Address of the gateway, which issues tokens.
    keys
        A folder with the private key of each system, SYSTEM.pem each; by default that of the local bus, `.lgsp/credentials` or
        `$LGSP_STATE_DIR/credentials`.
    catalog
        The folder of contracts; those that come with lgsp by default.
    nats_ca
        The authorities (PEM) that vouch for NATS servers at tls://; reloaded when they change.
    gateway_ca
        The authorities (PEM) that vouch for a gateway at https://; those that the machine trusts by default.
    fast_path
        Carry calls with the NATS client of lgsp (on), or with nats-py's public interface alone (off): slower, to tell a fault apart.
    security_log
        Destination of security events (ECS JSON): a file, `syslog+udp://HOST:PORT` or `syslog+tcp://HOST:PORT` (RFC 5424).
    trials
        Answer what people try in the catalogue: `only` that, where the manifests' systems are sandboxes beside real ones, or `also`, on a
        bus that has sandboxes alone. An adapter before a real system leaves it out.
    """
    tls = TlsFiles.for_client(nats_ca) if nats_ca else None
    loaded = [manifest.load(manifest.find_manifest(name)) for name in manifests]
    gateway_tls = TlsFiles.for_client(gateway_ca) if gateway_ca else None
    key_folder = keys or state_folder() / "credentials"
    identities = [
        SystemIdentity(gateway, adapter_manifest.system, key_folder / f"{adapter_manifest.system}.pem", gateway_tls)
        for adapter_manifest in loaded
    ]
    contracts = ContractFolder(catalog or catalogs.shipped_folder())
    pairs = list(zip(loaded, identities, strict=True))
    names = ", ".join(adapter_manifest.service for adapter_manifest in loaded)
    host = AdapterHost(
        pairs, nats, contracts, tls, fast_path=fast_path == "on", security_log=security_log, trials=trials
    )
    process.run(f"adapter {names}", host.run)
