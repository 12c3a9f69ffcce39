"""What could not be delivered: `lgsp dead-letters …`. The system itself asks (--as or --token); an operator sees and steers all."""

from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli import tables
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.message_commands import print_attempts
from lgsp_gateway.cli.pages import read_pages
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Refusal

Kind = Literal["", "message", "event", "expired"]


def list_letters(
    *,
    kind: Kind = "",
    service: str = "",
    reason: str = "",
    system: str = "",
    resolved: bool = False,
    limit: int = 50,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List the dead letters of the asking system, the newest first; for operators, of all systems.

    Parameters
    ----------
    kind
        Only messages, only events, or only events that expired before they were taken.
    service
        Only of this service.
    reason
        Only with this reason, a problem code.
    system
        Only of this system.
    resolved
        Those that somebody dealt with in the last 30 days, in place of those that wait.
    limit
        At most so many.
    output
        A table, or JSON.
    """
    query = {**_filter(kind, service, reason, system), "resolved": "true" if resolved else ""}
    items = read_pages(bus.client(), "/dead-letters", query, limit)
    if output == "json":
        print_json(items)
        return
    rows = [
        (
            one["diedAt"],
            one["kind"],
            one["system"],
            f"{one['service']}/{one['name']}",
            one["reason"]["code"],
            one.get("resolution", ""),
            one["id"],
        )
        for one in items
    ]
    titles = [
        localized("KHÔNG GIAO ĐƯỢC TỪ", "DIED"),
        localized("LOẠI", "KIND"),
        localized("HỆ THỐNG", "SYSTEM"),
        localized("TÊN", "NAME"),
        localized("LÝ DO", "REASON"),
        localized("KẾT CỤC", "RESOLUTION"),
        localized("MÃ", "LETTER"),
    ]
    tables.show(titles, rows)
    if not items:
        err(f"{localized('Không có thông điệp nào không giao được.', 'There are no dead letters.')}\n")


def show(
    letter: str,
    /,
    *,
    payload: bool = False,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Show a dead letter: why it could not be delivered, and each attempt.

    Parameters
    ----------
    letter
        Its id.
    payload
        Print what could not be delivered instead; only its own system may, and the evidence says who did.
    output
        Lines, or JSON.
    """
    client = bus.client()
    if payload:
        out(f"{client.get(f'{_path(letter)}/payload').decode()}\n")
        return
    document = orjson.loads(client.get(_path(letter)))
    if output == "json":
        print_json(document)
    else:
        _print(document)


def retry(
    letter: str = "",
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all")] = False,
    kind: Kind = "",
    service: str = "",
    reason: str = "",
    system: str = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Have a dead letter delivered again within a new deadline; with --all, each that the other options select.

    Parameters
    ----------
    letter
        Its id.
    all_
        All dead letters that the following options select.
    kind
        With --all: only messages, or only events.
    service
        With --all: only of this service.
    reason
        With --all: only with this reason, a problem code.
    system
        With --all: only of this system.
    """
    if bool(letter) == all_:
        raise Refusal(
            "malformed",
            vi="Hãy nêu mã của một thông điệp không giao được, hoặc --all cùng các điều kiện lọc.",
            en="Name one dead letter, or use --all with the options that select.",
        )
    client = bus.client()
    if letter:
        _print(orjson.loads(client.post(f"{_path(letter)}/retry", b"")))
        return
    query = urlencode({name: value for name, value in _filter(kind, service, reason, system).items() if value})
    retried, more = 0, True
    while more:
        answer = orjson.loads(client.post(f"/dead-letters/retry?{query}", b""))
        retried += answer["retried"]
        for one in answer["refused"]:
            err(f"{one['id']}: {one['code']}: {one['text']}\n")
        more = answer["more"] and answer["retried"] > 0
    out(f"{localized('Đã cho gửi lại', 'Retried')}: {retried}\n")


def give_up(
    letter: str,
    /,
    *,
    reason: Annotated[str, Parameter(alias="-m")],
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Give a dead letter up: it is never delivered, and its payload is deleted.

    Parameters
    ----------
    letter
        Its id.
    reason
        Why; it is kept with the letter for 30 days.
    """
    _print(orjson.loads(bus.client().post(f"{_path(letter)}/give-up", orjson.dumps({"reason": reason}))))


def _filter(kind: Kind, service: str, reason: str, system: str) -> dict[str, str]:
    return {
        "kind": kind,
        "service": names.service_name(service) if service else "",
        "reason": reason,
        "system": names.system_name(system) if system else "",
    }


def _span(span: dict[str, Any] | None) -> str:
    return f"{span['events']}: {span['from']} ({span['fromAt']}) – {span['to']} ({span['toAt']})" if span else ""


def _path(letter: str) -> str:
    return f"/dead-letters/{quote(letter, safe='')}"


def _print(document: dict[str, Any]) -> None:
    reason = document["reason"]
    lines = [
        (localized("mã", "letter"), document["id"]),
        (localized("lý do", "reason"), f"{reason['code']}: {reason['text']}"),
        (localized("hệ thống", "system"), document["system"]),
        (localized("của", "of"), f"{document['kind']} {document['service']}/{document['name']}"),
        (localized("từ lúc", "died"), document["diedAt"]),
        (localized("sự kiện", "events"), _span(document.get("span"))),
        (localized("kết cục", "resolution"), document.get("resolution", "")),
        (localized("bởi", "by"), document.get("resolvedBy", "")),
        (localized("ghi chú", "note"), document.get("note", "")),
    ]
    for title, value in lines:
        if value:
            out(f"{title:<12}{value}\n")
    print_attempts(document["attempts"])
