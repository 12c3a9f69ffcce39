"""What operations uses to see what passes: `lgsp evidence tail | search`."""

from collections.abc import Iterable
from typing import Annotated, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_contracts.entry import is_call
from lgsp_gateway.cli import times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Text, on_one_line

NOTHING = Text("Không có thông điệp nào như vậy.", "There is no such message.")
"""What a search says that finds none."""

Output = Annotated[Literal["line", "json"], Parameter(name=["--output", "-o"])]


def tail(
    *,
    last: Annotated[int, Parameter(name=["--last", "-n"])] = 10,
    follow: bool = True,
    output: Output = "line",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
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
    """
    path = f"/evidence/entries?last={last}&follow={'true' if follow else 'false'}"
    _write(bus.client().lines(path), output)


def search(
    *,
    message: str = "",
    trace: str = "",
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
    output: Output = "line",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Find messages, the newest first. Times are Vietnam's.

    Parameters
    ----------
    message
        The message id, also in the form `urn:uuid:…` of problems.
    trace
        The trace id, such as a tracing system shows it; all calls of one trace are found.
    consumer
        The calling system.
    agency
        The agency of the calling system, by its code.
    provider
        The providing system.
    service
        The service.
    operation
        The operation.
    outcome
        `answered`, `replayed`, or a problem code.
    purpose
        The purpose of the call.
    grant
        The grant under which the call was made.
    since
        The earliest time, in ISO 8601, in Vietnam's time zone unless it has an offset; `19:40` is today.
    until
        The latest time, like --since.
    subject
        The personal number of the person whom the messages are about; only its pseudonym is searched for.
    min_duration
        The minimum duration in milliseconds.
    min_size
        The minimum size of the answer in bytes.
    limit
        The maximum number of messages.
    cursor
        The cursor that the previous page printed.
    output
        One line for each message, or the complete entries as JSON.
    """
    named = {
        "message": message, "trace": trace.lower(), "since": since, "until": until, "consumer": consumer, "agency": agency, "provider": provider,
        "service": service, "operation": operation, "outcome": outcome, "purpose": purpose, "grant": grant,
        "minDuration": min_duration, "minSize": min_size, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    query = {name: str(value) for name, value in named.items() if value}
    response = bus.client().get("/evidence/messages", query, {"Lgsp-Subject": subject} if subject else {})
    page = orjson.loads(response)
    _write(map(orjson.dumps, page["items"]), output)
    if not page["items"]:  # as kubectl does: said where programs do not read, and no failure
        err(f"{NOTHING.in_language(language())}\n")
    if page["cursor"]:
        more = localized("còn nữa", "more")
        err(f"{more}: --cursor {page['cursor']}\n")


def _write(entries: Iterable[bytes], output: str) -> None:
    for entry in entries:
        out((entry.decode() if output == "json" else _readable(entry)) + "\n")


def _readable(line: bytes) -> str:
    entry = orjson.loads(line)
    if not is_call(entry):
        kind, message = entry.get("kind"), entry.get("message", "")
        return on_one_line(f"{times.in_milliseconds(entry.get('time', 0))}  {kind}  {message}")
    what = f"{entry['service'] or '?'}/{entry['operation'] or '?'}"
    why = f" [{entry['purpose']}]" if entry["purpose"] else ""
    return on_one_line(
        f"{times.in_milliseconds(entry['time'])}  {entry['consumer']} → {what}{why}  "
        f"{entry['status']} {entry['outcome']}  {entry['totalMs']:.1f} ms  {entry['message']}"
    )
