"""`lgsp adapter watch`: the events that an adapter would publish, without a bus."""

import asyncio
from typing import Annotated, Literal

import orjson
from cyclopts import Parameter

from lgsp_adapters.adapter import LimitReached, UpstreamFailed
from lgsp_adapters.cli.contracts_option import Contracts
from lgsp_adapters.cli.operation_arguments import load_both
from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream.response import printable_text
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.source import Occurrence, Read
from lgsp_contracts import exact_json
from lgsp_contracts.cli.terminal import out
from lgsp_contracts.contract import Contract
from lgsp_problems import NotFound, Refusal

Output = Annotated[Literal["text", "json"], Parameter(name=["--output", "-o"])]


def show_events(
    name: str,
    event: str,
    /,
    *,
    after: str = "",
    limit: int = 20,
    contract: Contracts = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    output: Output = "text",
) -> None:
    """Show which events a watch would publish now; publish none, and tell the system of none.

    Values are shown, so the output is personal data where the system's are. Exits with 1 if something makes no event.

    Parameters
    ----------
    name
        The manifest: a path, or the name of one that comes with lgsp.
    event
        The event that the manifest watches for.
    after
        The watermark behind which is read; by default the `start` of the manifest.
    limit
        How many events are shown.
    contract
        A contract, or a folder of them; those that come with lgsp by default.
    output
        text, or json: one document with everything.
    """
    manifest, loaded = load_both(name, contract)
    read = asyncio.run(_read(manifest, loaded, event, after))
    shown = read.occurrences[:limit]
    if output == "json":
        items = [_as_document(occurrence) for occurrence in shown]
        out(exact_json.dumps(items, orjson.OPT_INDENT_2).decode() + "\n")
    else:
        out("".join(f"{printable_text(_as_line(occurrence))}\n" for occurrence in shown))
        more = "" if read.complete else ", and there are more"
        out(f"events: {len(read.occurrences)}{more}\n")
    faults = sum(bool(occurrence.fault) for occurrence in read.occurrences)
    if faults:
        raise Refusal(
            "invalid-document",
            vi=f"{faults} dòng không tạo được sự kiện đúng hợp đồng; hãy sửa ánh xạ hoặc dữ liệu.",
            en=f"{faults} of them make no event that keeps the contract; correct the mapping or the data.",
        )


async def _read(manifest: Manifest, contract: Contract, event: str, after: str) -> Read:
    adapter = connector_lookup.build_adapter(manifest, contract)
    source = adapter.event_sources().get(event)
    if source is None:
        known = ", ".join(adapter.event_sources()) or "-"
        raise NotFound(
            vi=f"Bản khai không theo dõi sự kiện này; có: {known}.",
            en=f"The manifest watches for no such event; it has: {known}.",
        )
    start = source.start
    if after and start is not None:
        start = int(after) if isinstance(start, int) and after.lstrip("-").isdigit() else after
        positions.parse(start)
    adapter.write_nothing()
    await adapter.open()
    try:
        return await source.read(start)
    except UpstreamFailed as failure:
        message = printable_text(failure.upstream_message)
        raise Refusal(
            "provider-failed",
            vi=f"Hệ thống không trả lời được ({failure.why}): {failure.private}. {message}",
            en=f"The system gave no answer ({failure.why}): {failure.private}. {message}",
        ) from failure
    except LimitReached:
        raise
    except AdapterError as error:
        raise Refusal(
            "provider-failed",
            vi=f"Không đọc được hệ thống: {error or type(error).__name__}.",
            en=f"The system cannot be read: {error or type(error).__name__}.",
        ) from error
    finally:
        await adapter.close()


def _as_document(occurrence: Occurrence) -> dict[str, object]:
    found: dict[str, object] = {"id": occurrence.id, "watermark": occurrence.position, "time": occurrence.time}
    found |= {"fault": occurrence.fault} if occurrence.fault else {"data": occurrence.data}
    return {key: value for key, value in found.items() if value not in (None, "")}


def _as_line(occurrence: Occurrence) -> str:
    what = occurrence.fault or exact_json.dumps(occurrence.data).decode()
    return f"{occurrence.id} {occurrence.position if occurrence.position is not None else ''}: {what}"
