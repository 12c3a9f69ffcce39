"""What `lgsp adapter …` and `lgsp sandbox …` do."""

import asyncio
from pathlib import Path
from typing import Annotated

import aiohttp
from cyclopts import Parameter

from lgsp_adapters import manifest
from lgsp_adapters.sandbox import faults, serving
from lgsp_adapters.serving.following import Contracts
from lgsp_adapters.serving.hosting import Host
from lgsp_adapters.serving.identity import SystemIdentity
from lgsp_contracts import catalog as catalogs
from lgsp_problems import Refusal
from lgsp_process import running
from lgsp_process.tls_files import TlsFiles


def run_adapters(
    manifests: list[str],
    /,
    *,
    nats: str = "nats://127.0.0.1:4222",
    gateway: str = "http://127.0.0.1:8080",
    keys: Path = Path(".lgsp/credentials"),
    catalog: Path | None = None,
    nats_ca: Path | None = None,
) -> None:
    """Run adapters in this process, until SIGTERM; calls they have begun are finished first.

    Parameters
    ----------
    manifests
        The adapters' manifests: a path to `adapter.yaml`, or the name of one that comes with lgsp.
    nats
        Where NATS is.
    gateway
        Where the bus hands out tokens.
    keys
        A folder with the private key of each system, SYSTEM.pem each.
    catalog
        The folder of contracts; those that come with lgsp by default.
    nats_ca
        The authorities (PEM) that vouch for NATS servers reached by tls://; loaded anew when they change.
    """
    tls = TlsFiles.client(nats_ca) if nats_ca else None
    loaded = [manifest.load(manifest.located(name)) for name in manifests]
    identities = [SystemIdentity(gateway, found.system, keys / f"{found.system}.pem") for found in loaded]
    contracts = Contracts(catalog or catalogs.shipped_folder())
    pairs = list(zip(loaded, identities, strict=True))
    names = ", ".join(found.service for found in loaded)
    running.run(f"adapter {names}", Host(pairs, nats, contracts, tls).run)


def run_sandbox(server: str, /, *, port: int, data: Path = Path(".lgsp/sandbox")) -> None:
    """Run the server that plays a system: population, enterprise-registry, insurance, or provincial for the offices' own.

    Parameters
    ----------
    server
        Which one.
    port
        Where it listens, on 127.0.0.1.
    data
        The folder of its database, which is made on first use.
    """
    running.run(f"sandbox {server}", lambda stop: serving.serve(server, port, data, stop))


def tell_sandbox(
    url: str,
    /,
    *,
    delay_ms: int = 0,
    garbage: Annotated[str | None, Parameter(help="Answer this text instead.")] = None,
    status: int = 0,
    drop: bool = False,
    expire_tokens: bool = False,
) -> None:
    """Tell a sandbox server to misbehave; with no option, to behave again.

    Parameters
    ----------
    url
        The server, as `lgsp up` shows it.
    delay_ms
        Answer so much later.
    status
        Answer with this HTTP status.
    drop
        Close connections without an answer.
    expire_tokens
        Forget all tokens, once.
    """
    told = {"delayMs": delay_ms, "garbage": garbage, "status": status, "drop": drop, "expireTokens": expire_tokens}

    async def tell() -> None:
        async with aiohttp.ClientSession() as session, session.post(url.rstrip("/") + faults.PATH, json=told):
            pass

    try:
        asyncio.run(tell())
    except aiohttp.ClientError:
        raise Refusal(
            "bus-not-found",
            vi=f"Không có máy chủ thử nghiệm nào trả lời ở {url}; `lgsp up` cho biết địa chỉ của chúng.",
            en=f"No sandbox server answers at {url}; `lgsp up` shows where they are.",
        ) from None
