"""What `lgsp sandbox …` does. Four of them start with `lgsp up`, so they load nothing of what serves adapters."""

import asyncio
from pathlib import Path
from typing import Annotated

import aiohttp
from cyclopts import Parameter

from lgsp_adapters.sandbox import fault_injection
from lgsp_adapters.sandbox.server import serve
from lgsp_problems import Refusal
from lgsp_runtime import process as running
from lgsp_runtime.state_paths import state_folder


def run_sandbox(server: str, /, *, port: int, data: Path | None = None) -> None:
    """Run a stand-in for a system: population, enterprise-registry, insurance, or provincial for those of the offices.

    Parameters
    ----------
    server
        Which one.
    port
        Where it listens, on 127.0.0.1.
    data
        The folder of its database, which is made on first use; `sandbox` in the folder of the local bus by default.
    """
    running.run(f"sandbox {server}", lambda process: serve(server, port, data or state_folder() / "sandbox", process))


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
    """Make a sandbox server misbehave; without options, make it behave again.

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
    faults = {"delayMs": delay_ms, "garbage": garbage, "status": status, "drop": drop, "expireTokens": expire_tokens}

    async def tell() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url.rstrip("/") + fault_injection.PATH, json=faults),
        ):
            pass

    try:
        asyncio.run(tell())
    except aiohttp.ClientError as error:
        raise Refusal(
            "bus-not-found",
            vi=f"Không có máy chủ thử nghiệm nào trả lời ở {url}; `lgsp up` cho biết địa chỉ của chúng.",
            en=f"No sandbox server answers at {url}; `lgsp up` shows where they are.",
        ) from error
