"""What operations uses to see what passes: `lgsp evidence tail`."""

import datetime
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

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


def search(
    *,
    message: str = "",
    since: str = "",
    until: str = "",
    consumer: str = "",
    agency: str = "",
    provider: str = "",
    service: str = "",
    operation: str = "",
    outcome: str = "",
    purpose: str = "",
    grant: str = "",
    subject: str = "",
    min_duration: float = 0,
    min_size: int = 0,
    limit: Annotated[int, Parameter(name=["--limit", "-n"])] = 20,
    cursor: str = "",
    output: Annotated[Literal["line", "json"], Parameter(name=["--output", "-o"])] = "line",
    as_: Annotated[str, Parameter(name="--as")] = "van-hanh",
    state_dir: Path = DEFAULT,
    url: Annotated[str, Parameter(env_var="LGSP_URL")] = "",
    access_token: Annotated[str, Parameter(name="--token", env_var="LGSP_TOKEN")] = "",
) -> None:
    """Find messages, the newest first.

    Parameters
    ----------
    message, consumer, agency, service, operation, outcome, purpose, grant
        Exactly this.
    provider
        The system that provides the service.
    since, until
        ISO 8601, in Vietnam's time where no zone is given.
    subject
        The number of the person whom the messages are about; only its pseudonym is looked for.
    min_duration
        Milliseconds that they took at least.
    min_size
        Bytes that their answers had at least.
    limit
        How many.
    cursor
        Where the last page ended.
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
    headers = {"Authorization": f"Bearer {access_token or address.token(as_)}", "Accept-Language": language()}
    if subject:
        headers["Lgsp-Subject"] = subject
    named = {
        "message": message, "since": since, "until": until, "consumer": consumer, "agency": agency, "provider": provider,
        "service": service, "operation": operation, "outcome": outcome, "purpose": purpose, "grant": grant,
        "minDuration": min_duration, "minSize": min_size, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    query = {name: str(value) for name, value in named.items() if value}
    page = reaching(address.resolved(), _page(address.resolved(), query, headers))
    for entry in page["items"]:
        line = orjson.dumps(entry)
        sys.stdout.write((line.decode() if output == "json" else _readable(line)) + "\n")
    if page["cursor"]:
        sys.stderr.write(f"more: --cursor {page['cursor']}\n")


async def _page(url: str, query: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    target = f"{url}/evidence/messages"
    async with aiohttp.ClientSession() as session, session.get(target, params=query, headers=headers) as answer:
        found: dict[str, Any] = await answer.json(content_type=None)
        if answer.status != 200:
            raise Refusal(found["code"], vi=found["detail"], en=found["detail"])
        return found


def _readable(line: bytes) -> str:
    entry = orjson.loads(line)
    moment = datetime.datetime.fromtimestamp(entry["time"] / 1000).astimezone()
    what = f"{entry['service'] or '?'}/{entry['operation'] or '?'}"
    why = f" [{entry['purpose']}]" if entry["purpose"] else ""
    return (
        f"{moment:%H:%M:%S}.{entry['time'] % 1000:03d}  {entry['consumer']} → {what}{why}  "
        f"{entry['status']} {entry['outcome']}  {entry['totalMs']:.1f} ms  {entry['message']}"
    )
