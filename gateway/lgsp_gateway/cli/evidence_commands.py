"""What operations uses to see what passes: `lgsp evidence tail`."""

import datetime
import sys
from pathlib import Path
from typing import Annotated, Literal

import aiohttp
import orjson
from cyclopts import Parameter

from lgsp_gateway.cli.bus_client import BusAddress, reaching
from lgsp_gateway.cli.main import language
from lgsp_gateway.local.state_dir import DEFAULT
from lgsp_problems import Refusal


def tail(
    *,
    last: Annotated[int, Parameter(name=["--last", "-n"])] = 10,
    follow: bool = True,
    output: Annotated[Literal["line", "json"], Parameter(name=["--output", "-o"])] = "line",
    as_: Annotated[str, Parameter(name="--as")] = "van-hanh",
    state_dir: Path = DEFAULT,
    url: Annotated[str, Parameter(env_var="LGSP_URL")] = "",
    access_token: Annotated[str, Parameter(name="--token", env_var="LGSP_TOKEN")] = "",
) -> None:
    """Show the newest entries of the evidence and follow what comes, until Ctrl-C.

    Parameters
    ----------
    last
        How many group commits back to begin.
    follow
        Wait for what comes.
    output
        A line to read, or the entry as JSON.
    as_
        The demo system that asks; it needs the role auditor.
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    access_token
        The access token, where no demo system asks.
    """
    address = BusAddress(state_dir, url)
    headers = {
        "Authorization": f"Bearer {access_token or address.token(as_)}",
        "Accept-Language": language(),
    }
    target = f"{address.resolved()}/evidence/entries?last={last}&follow={'true' if follow else 'false'}"
    reaching(address.resolved(), _stream(target, headers, output))


async def _stream(url: str, headers: dict[str, str], output: str) -> None:
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, headers=headers) as answer:
        if answer.status != 200:
            problem = await answer.json(content_type=None)
            raise Refusal("not-granted", vi=problem["detail"], en=problem["detail"])
        async for line in answer.content:
            if line.startswith(b"data: "):
                entry = line[6:].strip()
                sys.stdout.write((entry.decode() if output == "json" else _readable(entry)) + "\n")
                sys.stdout.flush()


def _readable(line: bytes) -> str:
    entry = orjson.loads(line)
    moment = datetime.datetime.fromtimestamp(entry["time"] / 1000).astimezone()
    what = f"{entry['service'] or '?'}/{entry['operation'] or '?'}"
    why = f" [{entry['purpose']}]" if entry["purpose"] else ""
    return (
        f"{moment:%H:%M:%S}.{entry['time'] % 1000:03d}  {entry['consumer']} → {what}{why}  "
        f"{entry['status']} {entry['outcome']}  {entry['totalMs']:.1f} ms  {entry['message']}"
    )
