"""The webhook endpoints of a system: `lgsp endpoints …`. The system itself asks (--as or --token); an operator sees and may stop them."""

import sys
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, out
from lgsp_gateway.cli import decisions, tables, times
from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.pages import read_pages
from lgsp_gateway.cli.texts import localized

Reason = Annotated[str, Parameter(alias="-m")]


def list_endpoints(
    *,
    system: str = "",
    deleted: bool = False,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List the webhook endpoints of the asking system; for operators, of all systems.

    Parameters
    ----------
    system
        Only endpoints of this system.
    deleted
        Those that were deleted in the last 30 days, by whom and why.
    output
        A table, or JSON.
    """
    only = names.system_name(system) if system else ""
    if deleted:
        decisions.show_deletions(bus.client(), "endpoint", only)
        return
    items = read_pages(bus.client(), "/endpoints", {"system": only})
    if output == "json":
        print_json(items)
        return
    rows = [
        (one["id"], one["system"], one["name"], _state(one), f"{one['rate']:g}", str(one["concurrency"]), one["url"])
        for one in items
    ]
    titles = [
        localized("MÃ", "ID"),
        localized("HỆ THỐNG", "SYSTEM"),
        localized("TÊN", "NAME"),
        localized("TRẠNG THÁI", "STATE"),
        localized("TỐC ĐỘ", "RATE"),
        localized("ĐỒNG THỜI", "CONCURRENCY"),
        "URL",
    ]
    tables.show(titles, rows)
    if not items:
        err(f"{localized('Chưa có điểm nhận webhook nào.', 'There are no webhook endpoints.')}\n")


def show(endpoint: str, /, *, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show a webhook endpoint and the last requests to it.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    output
        Lines, or JSON.
    """
    client, path = bus.client(), _path(endpoint)
    document = orjson.loads(client.get(path))
    attempts = orjson.loads(client.get(f"{path}/attempts"))["items"]
    if output == "json":
        print_json({**document, "attempts": attempts})
        return
    _print(document)
    for secret in document["secrets"]:
        until = (
            localized(f", đến {secret['expiresAt']}", f", until {secret['expiresAt']}") if "expiresAt" in secret else ""
        )
        out(f"{localized('khóa ký', 'secret'):<13}{secret['id']}, {secret['createdAt']}{until}\n")
    if attempts:
        out("\n")
        rows = [
            (
                one["at"],
                one["outcome"],
                str(one.get("status", "")),
                f"{one.get('ms', '')}",
                *(one.get("event", {}).get(name, "") for name in ("name", "source", "id")),
                one["message"],
                one["gateway"],
            )
            for one in attempts
        ]
        titles = [
            localized("LÚC", "TIME"),
            localized("KẾT QUẢ", "OUTCOME"),
            localized("HTTP", "STATUS"),
            "MS",
            localized("SỰ KIỆN", "EVENT"),
            localized("NGUỒN", "SOURCE"),
            localized("MÃ SỰ KIỆN", "EVENT ID"),
            localized("THÔNG ĐIỆP", "MESSAGE"),
            localized("CỔNG", "GATEWAY"),
        ]
        tables.show(titles, rows)


def create(
    name: str,
    target: str,
    /,
    *,
    concurrency: int | None = None,
    rate: float | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Create a webhook endpoint. Its secret is shown this once: keep it where the receiver reads it.

    Parameters
    ----------
    name
        Its name, unique among the endpoints of the system.
    target
        The URL that requests are sent to, by https.
    concurrency
        Requests that may be under way at the same time.
    rate
        Requests that may begin in a second.
    """
    body: dict[str, Any] = {"name": names.endpoint_name(name), "url": target, **_limits(concurrency, rate)}
    _print_with_secret(bus.client().post("/endpoints", orjson.dumps(body)))


def change(
    endpoint: str,
    /,
    *,
    target: str = "",
    concurrency: int | None = None,
    rate: float | None = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Change the URL or the limits of a webhook endpoint.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    target
        The URL that requests are sent to from now on.
    concurrency
        Requests that may be under way at the same time.
    rate
        Requests that may begin in a second.
    """
    body = {**({"url": target} if target else {}), **_limits(concurrency, rate)}
    _print(orjson.loads(bus.client().patch(_path(endpoint), orjson.dumps(body))))


def rotate_secret(endpoint: str, /, *, overlap: str = "24h", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Make a new secret and show it once. Until the overlap is over, each request is signed with the former one too.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    overlap
        For how long the former secrets count beside the new one, such as 24h or 7d; 0s ends them at once.
    """
    body = {"overlapHours": times.seconds_of(overlap) / 3600}
    _print_with_secret(bus.client().post(f"{_path(endpoint)}/secrets", orjson.dumps(body)))


def remove_secret(endpoint: str, secret: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """End a former secret at once, such as one that has leaked.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    secret
        The id of the secret, which `lgsp endpoints show` prints.
    """
    bus.client().delete(f"{_path(endpoint)}/secrets/{quote(secret, safe='')}")
    out(localized(f"đã xóa khóa {secret}\n", f"removed the secret {secret}\n"))


def send_test(endpoint: str, /, *, bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Send a test event, also to a paused endpoint. Exit status 1 where it was not delivered.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    """
    sent = orjson.loads(bus.client().post(f"{_path(endpoint)}/test", b"{}"))
    status = f" {sent['status']}" if "status" in sent else ""
    if sent["outcome"] == "delivered":
        out(localized(f"đã nhận:{status}, {sent['ms']} ms, ", f"delivered:{status}, {sent['ms']} ms, "))
        out(f"{sent['message']}\n")
        return
    detail = sent.get("detail") or localized(
        "Điểm nhận trả lời 410: không nhận nữa.", "The endpoint answered 410: it wants no more."
    )
    err(f"lgsp: {sent['outcome']}{status}: {detail}\n")
    sys.exit(1)


def pause(
    endpoint: str,
    /,
    *,
    reason: Reason = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Stop sending to a webhook endpoint; what is due waits until it is resumed, or until its own time is over.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    reason
        Why; its owner reads it. An operator must say it.
    """
    _print(orjson.loads(bus.client().post(f"{_path(endpoint)}/pause", orjson.dumps({"reason": reason}))))


def resume(endpoint: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Send to a paused webhook endpoint again: its owner, where it paused it; an operator, where an operator did.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    reason
        Why; its owner reads it. An operator must say it.
    """
    _print(orjson.loads(bus.client().post(f"{_path(endpoint)}/resume", orjson.dumps({"reason": reason}))))


def delete(endpoint: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Delete a webhook endpoint.

    Parameters
    ----------
    endpoint
        Its id; the system that it belongs to may use its name.
    reason
        Why; its owner reads it (`lgsp endpoints list --deleted`). An operator must say it.
    """
    client, path = bus.client(), _path(endpoint)
    document = orjson.loads(client.get(path))
    client.delete(decisions.with_reason(path, reason))
    out(
        localized(
            f"đã xóa {document['system']}/{document['name']}\n", f"deleted {document['system']}/{document['name']}\n"
        )
    )


def history(endpoint: str, /, *, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show who changed a webhook endpoint, when, what and why, the oldest change first.

    Parameters
    ----------
    endpoint
        Its id, also of one that was deleted in the last 30 days; the system that it belongs to may use its name.
    output
        A table, or JSON.
    """
    decisions.show_history(bus.client(), _path(endpoint), output)


def _path(endpoint: str) -> str:
    return f"/endpoints/{quote(endpoint, safe='')}"


def _limits(concurrency: int | None, rate: float | None) -> dict[str, float]:
    given = {"concurrency": concurrency, "rate": rate}
    return {name: value for name, value in given.items() if value is not None}


def _state(document: dict[str, Any]) -> str:
    return f"{document['state']}{localized(', đang lỗi', ', failing') if document['failing'] else ''}"


def _print(document: dict[str, Any]) -> None:
    lines = [
        (localized("mã", "id"), document["id"]),
        (localized("hệ thống", "system"), document["system"]),
        (localized("tên", "name"), document["name"]),
        ("url", document["url"]),
        (localized("trạng thái", "state"), _state(document)),
        (localized("quyết định", "decision"), decisions.describe(document)),
        (localized("đồng thời", "concurrency"), str(document["concurrency"])),
        (localized("tốc độ", "rate"), f"{document['rate']:g}/{localized('giây', 's')}"),
    ]
    for title, value in lines:
        if value:
            out(f"{title:<13}{value}\n")


def _print_with_secret(answer: bytes) -> None:
    document = orjson.loads(answer)
    _print(document)
    out(f"{localized('khóa ký', 'secret'):<13}{document['secret']}\n")
    note = localized(
        "Khóa chỉ hiện một lần này; hãy cất ngay vào nơi điểm nhận đọc được.",
        "The secret is shown this once; store it now where the receiver reads it.",
    )
    err(f"{note}\n")
