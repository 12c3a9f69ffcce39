"""What operations watches the bus with: `lgsp flows`, `lgsp adapters`, `lgsp storage`, `lgsp statistics`."""

import sys
from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import begin_csv, out
from lgsp_gateway.cli import storage_table, tables, times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import TableOrJson

_FLOW_TITLES = (
    "TIME",
    "CONSUMER",
    "PROVIDER",
    "OPERATION",
    "CALLS",
    "PER-S",
    "REFUSED",
    "ERRORS",
    "P50",
    "P95",
    "P99",
    "STATE",
)
_MARK = "\ufeff"
"""By which Excel knows UTF-8, at the beginning of a file."""


def flows(
    *,
    window: Literal["1m", "1h", "1d"] = "1m",
    group: Literal["operation", "service", "agency"] = "operation",
    search: str = "",
    unwell: Annotated[bool, Parameter(negative="")] = False,
    watch: Annotated[bool, Parameter(name=["--watch", "-w"])] = False,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Show who calls what: how often, with what success, how fast. A published event has a provider and no consumer.

    Parameters
    ----------
    window
        The last minute, hour or day.
    group
        What is one line: an operation, a service between two systems, or two agencies.
    search
        Words in names and titles of systems, agencies and services.
    unwell
        Only what is slow, refused or failing.
    watch
        Go on showing, until Ctrl-C.
    output
        A table, or JSON.
    """
    query = {"window": window, "group": group, **({"search": search} if search else {})}
    path = f"/ops/flows?{urlencode(query | ({'unwell': 'true'} if unwell else {}))}"
    for flows in bus.client().lines(path) if watch else [bus.client().get(path)]:
        if output == "json":
            out(f"{flows.decode()}\n")
        else:
            tables.show(_FLOW_TITLES, _flows(orjson.loads(flows)))


def adapters(*, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show the adapters on the bus, and whether the systems behind them answer.

    Parameters
    ----------
    output
        A table, or JSON.
    """
    report = bus.client().get("/ops/adapters")
    if output == "json":
        out(f"{report.decode()}\n")
        return
    rows = [row for copy in orjson.loads(report)["items"] for row in _copy(copy)]
    tables.show(["SERVICE", "SYSTEM", "COPY", "STATE", "OPERATION", "REQUESTS", "AVERAGE", "UPSTREAM"], rows)


def storage(*, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show what each agency has stored and its storage quota, those that have used most of it first.

    Parameters
    ----------
    output
        A table, or JSON.
    """
    report = bus.client().get("/ops/storage")
    if output == "json":
        out(f"{report.decode()}\n")
        return
    storage_table.show(orjson.loads(report)["items"])


def statistics(
    *,
    since: str = "",
    until: str = "",
    output: Annotated[Literal["csv", "json"], Parameter(name=["--output", "-o"])] = "csv",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Write what passed by month, agency, service and purpose, for reports.

    Parameters
    ----------
    since
        The first month, such as 2026-01; by default the first with data.
    until
        The last month, such as 2026-11; by default the last with data.
    output
        CSV for a spreadsheet, or JSON.
    """
    accept = {"Accept": "text/csv" if output == "csv" else "application/json"}
    query = {name: month for name, month in (("since", since), ("until", until)) if month}
    statistics = bus.client().get("/ops/statistics", query, accept).decode()
    if statistics.startswith(_MARK) and not sys.stdout.isatty():
        begin_csv()
    out(statistics.removeprefix(_MARK))


def _flows(flows: dict[str, Any]) -> Iterable[list[str]]:
    until = times.in_seconds(flows["time"])
    return ([until, *_flow(flow)] for flow in flows["items"])


def _flow(flow: dict[str, Any]) -> list[str]:
    rates = [f"{flow[name]:.1%}" for name in ("refusedRate", "errorRate")]
    times = [f"{flow[name]:.1f} ms" for name in ("p50", "p95", "p99")]
    parties = [flow[name] or flow[f"{name}Agency"] for name in ("consumer", "provider")]
    if flow["kind"] == "event":
        parties[0] = ""
    parties = [party or tables.NO_VALUE for party in parties]
    what = "/".join(filter(None, (flow["service"] or "?", flow["operation"])))
    return [*parties, what, str(flow["calls"]), f"{flow['perSecond']:.1f}", *rates, *times, flow["state"]]


def _copy(copy: dict[str, Any]) -> Iterable[list[str]]:
    for name, statistics in copy["operations"].items():
        upstream = statistics.get("upstream", {})
        state = "up" if upstream.get("answered") else "not asked yet"
        if not upstream.get("up", True):
            state = f"{upstream['lastReason']} ({upstream['failedInARow']} in a row)"
        who = [f"{copy['service']} {copy['version']}", copy["system"], copy["id"], copy["state"], name]
        yield [*who, str(statistics["requests"]), f"{statistics['averageMs']:.1f} ms", state]
