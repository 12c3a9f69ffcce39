"""What operations watches the bus with: `lgsp flows`, `lgsp adapters`, `lgsp statistics`."""

import sys
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import begin_csv, out
from lgsp_gateway.cli import tables, times
from lgsp_gateway.cli.bus_client import BusOptions

_MARK = "\ufeff"
"""By which Excel knows UTF-8, at the beginning of a file."""

Output = Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])]


def flows(
    *,
    window: Literal["1m", "1h", "1d"] = "1m",
    watch: Annotated[bool, Parameter(name=["--watch", "-w"])] = False,
    output: Output = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Show who calls what: how often, with what success, how fast.

    Parameters
    ----------
    window
        The last minute, hour or day.
    watch
        Go on showing, until Ctrl-C.
    output
        A table, or JSON.
    """
    path = f"/ops/flows?window={window}"
    for flows in bus.client().lines(path) if watch else [bus.client().get(path)]:
        if output == "json":
            out(f"{flows.decode()}\n")
        else:
            tables.show(
                ["TIME", "CONSUMER", "OPERATION", "CALLS", "PER-S", "REFUSED", "ERRORS", "P50", "P95", "P99"],
                _flows(orjson.loads(flows)),
            )


def adapters(*, output: Output = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
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
    tables.show(["SERVICE", "SYSTEM", "COPY", "OPERATION", "REQUESTS", "AVERAGE", "UPSTREAM"], rows)


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
    what = f"{flow['service'] or '?'}/{flow['operation'] or '?'}"
    return [flow["consumer"], what, str(flow["calls"]), f"{flow['perSecond']:.1f}", *rates, *times]


def _copy(copy: dict[str, Any]) -> Iterable[list[str]]:
    for name, statistics in copy["operations"].items():
        upstream = statistics.get("upstream", {})
        state = "up" if upstream.get("answered") else "not asked yet"
        if not upstream.get("up", True):
            state = f"{upstream['lastReason']} ({upstream['failedInARow']} in a row)"
        who = [f"{copy['service']} {copy['version']}", copy["system"], copy["id"][:8], name]
        yield [*who, str(statistics["requests"]), f"{statistics['averageMs']:.1f} ms", state]
