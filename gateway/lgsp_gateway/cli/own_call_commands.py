"""What the developer of a program asks about its own calls: `lgsp calls` and `lgsp quota`."""

from typing import Any

import orjson

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_gateway.cli import storage_table, tables
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import TableOrJson
from lgsp_problems import Text


def calls(
    *,
    failed: bool = False,
    service: str = "",
    since: str = "",
    until: str = "",
    limit: int = 50,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Show the calls of one system, the newest first, and why some were refused. The system itself asks: --as or --token.

    Parameters
    ----------
    failed
        Only calls that were refused or failed.
    service
        Only calls of this service.
    since
        Only calls at or after this time (ISO 8601, +07:00 where it has no offset); of the last 24 hours by default.
    until
        Only calls before this time.
    limit
        At most so many.
    output
        A table, or JSON.
    """
    given = {
        "service": service,
        "since": since,
        "until": until,
        "failed": "true" if failed else "",
        "limit": str(limit),
    }
    page = bus.client().get("/me/calls", {name: value for name, value in given.items() if value})
    if output == "json":
        out(f"{page.decode()}\n")
        return
    items: list[dict[str, Any]] = orjson.loads(page)["items"]
    rows = [
        (
            *(str(call[name]) for name in ("time", "status", "outcome")),
            f"{call['service']}/{call['operation']}",
            call["purpose"],
            f"{call['totalMs']:.1f}",
            call["message"],
            call.get("reason", ""),
        )
        for call in items
    ]
    tables.show(["TIME", "STATUS", "OUTCOME", "OPERATION", "PURPOSE", "MS", "MESSAGE", "REASON"], rows)
    if not items:
        err(f"{Text('Không có lời gọi nào trong thời gian này.', 'No calls in this time.').in_language(language())}\n")


def quota(*, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show how much of its quotas a system has used, and its agency of its storage quota. The system itself asks: --as or --token.

    Parameters
    ----------
    output
        A table, or JSON.
    """
    page = bus.client().get("/me/quotas")
    if output == "json":
        out(f"{page.decode()}\n")
        return
    found = orjson.loads(page)
    rows = [
        [str(quota[name]) for name in ("grant", "service", "requests", "seconds", "used", "left", "resets")]
        for quota in found["items"]
    ]
    tables.show(["GRANT", "SERVICE", "QUOTA", "SECONDS", "USED", "LEFT", "RESETS"], rows)
    if rows:
        out("\n")
    storage_table.show([found["storage"]])
