"""What operations uses to see what passes: `lgsp evidence tail | search`."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_contracts.entry import Kind, known_kind
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
    kind: Kind | None = None,
    event: str = "",
    to: str = "",
    file: str = "",
    by: str = "",
    reference: str = "",
    subject: str = "",
    min_duration: float = 0,
    min_size: int = 0,
    limit: Annotated[int, Parameter(name=["--limit", "-n"])] = 20,
    cursor: str = "",
    output: Output = "line",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Find messages, deliveries, events and files, the newest first. Times are Vietnam's.

    Parameters
    ----------
    message
        The id of the message or event, also in the form `urn:uuid:…` of problems.
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
        `answered`, `replayed`, `accepted`, `delivered`, `done`, or a problem code.
    purpose
        The purpose of the call.
    grant
        The grant under which the call was made.
    kind
        Only entries of one kind: calls, accepted messages, attempts to deliver, published events, or files.
    event
        The event.
    to
        The system, the subscription or the webhook endpoint that something was delivered to.
    file
        The id of the file.
    by
        The officer who asked by a form, or who decided: `person/` and the opaque id.
    reference
        The number of the dossier that it was asked for.
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
        One line for each message, or as JSON the complete entries with their digests, at most 100 of them in a page.
    """
    named = {
        "message": message, "trace": trace.lower(), "since": since, "until": until, "consumer": consumer, "agency": agency, "provider": provider,
        "service": service, "operation": operation, "outcome": outcome, "purpose": purpose, "grant": grant,
        "kind": kind or "", "event": event, "to": to, "file": file, "by": by, "reference": reference,
        "minDuration": min_duration, "minSize": min_size, "limit": limit, "cursor": cursor, "complete": "true" if output == "json" else "",
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
    kind = known_kind(entry)
    if kind is None:
        told = f"{entry.get('kind')}  {entry.get('message', '')}"
        return on_one_line(f"{times.in_milliseconds(entry.get('time', 0))}  {told}")
    result = f"{entry['status']} {entry['outcome']}"
    return on_one_line(
        f"{times.in_milliseconds(entry['time'])}  {_LINES[kind](entry)}  {result}{_duration(entry)}  {entry['message']}"
    )


def _matter(entry: dict[str, Any]) -> str:
    what = f"{entry['service'] or '?'}/{entry.get('operation') or entry.get('event') or '?'}"
    return f"{what} [{entry['purpose']}]" if entry.get("purpose") else what


def _delivery(entry: dict[str, Any]) -> str:
    way = "→" if entry["operation"] else "←"  # what somebody asked for, or is sent
    return f"{entry['consumer']} {way} {_matter(entry)}  #{entry['attempt']} {entry['state']} → {entry['to']}"


def _duration(entry: dict[str, Any]) -> str:
    took = entry.get("totalMs") or entry.get("providerMs") or 0.0
    return f"  {took:.1f} ms" if took or known_kind(entry) == "call" else ""


_LINES: dict[Kind, Callable[[dict[str, Any]], str]] = {
    "call": lambda entry: f"{entry['consumer']} → {_matter(entry)}",
    "accepted": lambda entry: f"{entry['consumer']} → {_matter(entry)}  accepted",
    "delivery": _delivery,
    "event": lambda entry: f"{entry['provider']} ! {_matter(entry)}",
    "file": lambda entry: (
        f"{entry['consumer'] or '-'}  file {entry['file']} {entry.get('action') or entry.get('state')}"
    ),
}
