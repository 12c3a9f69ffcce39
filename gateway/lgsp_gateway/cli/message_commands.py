"""The accepted messages of a system: `lgsp messages …`. The system itself asks (--as or --token); an operator sees and steers all."""

import uuid
from typing import Any, Literal

import orjson

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli import tables
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.pages import read_pages
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Refusal

State = Literal["", "accepted", "delivering", "answered", "dead", "cancelled", "given-up"]


def list_messages(
    *,
    state: State = "",
    service: str = "",
    system: str = "",
    limit: int = 50,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List the accepted messages of the asking system, those that changed last first; for operators, of all systems.

    Parameters
    ----------
    state
        Only messages in this state.
    service
        Only messages to this service.
    system
        Only messages of this system.
    limit
        At most so many.
    output
        A table, or JSON.
    """
    query = {
        "state": state,
        "service": names.service_name(service) if service else "",
        "system": names.system_name(system) if system else "",
    }
    items = read_pages(bus.client(), "/messages", query, limit)
    if output == "json":
        print_json(items)
        return
    rows = [
        (
            one["changedAt"],
            one["state"],
            one["system"],
            f"{one['service']}/{one['operation']}",
            str(one["attemptCount"]),
            (one.get("held") or one.get("reason") or {}).get("code", ""),
            one["id"],
        )
        for one in items
    ]
    titles = [
        localized("THAY ĐỔI", "CHANGED"),
        localized("TRẠNG THÁI", "STATE"),
        localized("HỆ THỐNG", "SYSTEM"),
        localized("THAO TÁC", "OPERATION"),
        localized("SỐ LẦN THỬ", "ATTEMPTS"),
        localized("LÝ DO", "REASON"),
        localized("THÔNG ĐIỆP", "MESSAGE"),
    ]
    tables.show(titles, rows)
    if not items:
        err(f"{localized('Không có thông điệp nào.', 'There are no messages.')}\n")


def show(message: str, /, *, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show what became of a message, with its attempts.

    Parameters
    ----------
    message
        Its id.
    output
        Lines, or JSON.
    """
    document = orjson.loads(bus.client().get(_path(message)))
    if output == "json":
        print_json(document)
    else:
        _print(document)


def response(message: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Print the answer of a message, as its own system reads it.

    Parameters
    ----------
    message
        Its id.
    """
    out(f"{bus.client().get(f'{_path(message)}/response').decode()}\n")


def cancel(message: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Cancel a message that is not being delivered.

    Parameters
    ----------
    message
        Its id.
    """
    _print(orjson.loads(bus.client().post(f"{_path(message)}/cancel", b"")))


def retry(message: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Deliver a message again that became a dead letter, within a new deadline.

    Parameters
    ----------
    message
        Its id.
    """
    _print(orjson.loads(bus.client().post(f"{_path(message)}/retry", b"")))


def print_attempts(attempts: list[dict[str, str]]) -> None:
    """Print attempts to deliver, one on each line."""
    for one in attempts:
        out(f"  {one['at']}  {one['outcome']}  {one['gateway']}\n")


def _path(message: str) -> str:
    try:
        return f"/messages/{uuid.UUID(message)}"
    except ValueError as error:
        raise Refusal(
            "malformed",
            vi="Mã thông điệp là một UUID, như trong tiêu đề Lgsp-Message-Id; hãy chép lại nguyên vẹn.",
            en="The id of a message is a UUID, as in the header Lgsp-Message-Id; copy it in full.",
        ) from error


def _print(document: dict[str, Any]) -> None:
    reason, answer, held = document.get("reason"), document.get("answer"), document.get("held")
    lines = [
        (localized("thông điệp", "message"), document["id"]),
        (localized("trạng thái", "state"), document["state"]),
        (localized("lý do", "reason"), f"{reason['code']}: {reason['text']}" if reason else ""),
        (
            localized("chờ vì", "held by"),
            f"{held['code']}, {localized('đến', 'until')} {held['until']}" if held else "",
        ),
        (localized("quyết định bởi", "decided by"), document.get("decidedBy", "")),
        (localized("hệ thống", "system"), document["system"]),
        (localized("thao tác", "operation"), f"{document['service']}/{document['operation']} {document['version']}"),
        (localized("tiếp nhận", "accepted"), document["acceptedAt"]),
        (localized("hạn giao", "deadline"), document["deadline"]),
        (localized("thử lần tới", "next attempt"), document.get("nextAttemptAt", "")),
        (localized("số lần thử", "attempts"), str(document["attemptCount"])),
        (
            localized("trả lời", "answer"),
            f"lgsp messages response {document['id']}  ({localized('đến', 'until')} {answer['expiresAt']})"
            if answer
            else "",
        ),
    ]
    for title, value in lines:
        if value:
            out(f"{title:<13}{value}\n")
    print_attempts(document["attempts"])
