"""The subscriptions of a system: `lgsp subscriptions …`. The system itself asks (--as or --token); an operator sees and may stop them."""

import sys
import time
from typing import Annotated, Any, Literal
from urllib.parse import quote

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, language, out
from lgsp_gateway.cli import decisions, tables
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.pages import read_pages
from lgsp_gateway.cli.texts import localized, plural
from lgsp_problems import Refusal

Reason = Annotated[str, Parameter(alias="-m")]

FETCH_WAIT_SECONDS = 20
FETCH_LIMIT = 10

_NEEDED = {"webhook": "--webhook ENDPOINT", "adapter": "--operation SERVICE/vMAJOR/OPERATION"}
"""The option without which a kind of delivery says too little."""


def list_subscriptions(
    *,
    system: str = "",
    deleted: bool = False,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """List the subscriptions of the asking system; for operators, of all systems.

    Parameters
    ----------
    system
        Only subscriptions of this system.
    deleted
        Those that were deleted in the last 30 days, by whom and why.
    output
        A table, or JSON.
    """
    only = names.system_name(system) if system else ""
    if deleted:
        decisions.show_deletions(bus.client(), "subscription", only)
        return
    items = read_pages(bus.client(), "/subscriptions", {"system": only})
    if output == "json":
        print_json(items)
        return
    rows = [
        (one["id"], one["consumer"], one["name"], _state(one), one["delivery"]["kind"], _source(one)) for one in items
    ]
    titles = [
        localized("MÃ", "ID"),
        localized("HỆ THỐNG", "SYSTEM"),
        localized("TÊN", "NAME"),
        localized("TRẠNG THÁI", "STATE"),
        localized("CÁCH NHẬN", "DELIVERY"),
        localized("SỰ KIỆN", "EVENTS"),
    ]
    tables.show(titles, rows)
    if not items:
        err(f"{localized('Chưa có đăng ký nhận nào.', 'There are no subscriptions.')}\n")


def show(subscription: str, /, *, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show a subscription, why it stands still where it does, and how many events wait.

    Parameters
    ----------
    subscription
        Its id.
    output
        Lines, or JSON.
    """
    document = orjson.loads(bus.client().get(_path(subscription)))
    if output == "json":
        print_json(document)
    else:
        _print(document)


def create(
    service: str,
    /,
    *events: str,
    name: str,
    purpose: str = "",
    webhook: str = "",
    operation: str = "",
    delivery: Literal["webhook", "adapter", "pull", "sse"] = "pull",
    filter_: Annotated[str, Parameter(name="--filter")] = "",
    begin: Annotated[str, Parameter(name="--from")] = "now",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Subscribe the asking system to events.

    Parameters
    ----------
    service
        The service that publishes, such as land-parcels or land-parcels/v2.
    events
        Names of its events.
    name
        What you call the subscription.
    purpose
        Why you receive the events, as your grant names it.
    webhook
        The name or the id of one of your endpoints, for delivery by webhook.
    operation
        An operation that your own system provides, such as registers/v1/receive-birth, for delivery by adapter.
    delivery
        How you receive.
    filter_
        A JMESPath expression over what your grant shows of the data.
    begin
        Where it begins: an ISO 8601 time within the retention of the events, or now.
    """
    publisher, major = _service(service)
    client = bus.client()
    body: dict[str, Any] = {
        "name": name,
        "service": publisher,
        "major": major,
        "events": [names.event_name(event) for event in events],
        "delivery": _delivery(client, delivery, webhook, operation),
        **({"purpose": purpose} if purpose else {}),
        **({"filter": filter_} if filter_ else {}),
        **({"from": begin} if begin != "now" else {}),
    }
    _print(orjson.loads(client.post("/subscriptions", orjson.dumps(body))))


def pause(subscription: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Deliver nothing until the subscription is resumed; events wait for as long as the contract says.

    Parameters
    ----------
    subscription
        Its id.
    reason
        Why; whoever looks at the subscription reads it. An operator must say it.
    """
    _step(bus.client(), subscription, "pause", {"reason": reason} if reason else {})


def resume(subscription: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Go on where a subscription was paused, or was ended by its endpoint. What an operator paused an operator resumes.

    Parameters
    ----------
    subscription
        Its id.
    reason
        Why; whoever looks at the subscription reads it. An operator must say it.
    """
    _step(bus.client(), subscription, "resume", {"reason": reason} if reason else {})


def replay(
    subscription: str,
    /,
    *,
    begin: Annotated[str, Parameter(name="--from")],
    end: Annotated[str, Parameter(name="--to")] = "",
    event: tuple[str, ...] = (),
    filter_: Annotated[str, Parameter(name="--filter")] = "",
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Deliver again from a time or a position on; each event has the same id as before.

    With --to, --event or --filter, single events are delivered again, behind those that wait.

    Parameters
    ----------
    subscription
        Its id.
    begin
        An ISO 8601 time within the retention of the events, the position of an event, or now.
    end
        Only events before this time, or up to this position.
    event
        Only events of this name; may be given several times.
    filter_
        Only events for which this JMESPath expression over what your grant shows is true.
    """
    selected: dict[str, Any] = {
        **({"to": _position(end)} if end else {}),
        **({"events": [names.event_name(one) for one in event]} if event else {}),
        **({"filter": filter_} if filter_ else {}),
    }
    client, start = bus.client(), _position(begin)
    if not selected:
        _step(client, subscription, "replay", {"from": start})
        return
    count, following = 0, start
    while following:
        body = orjson.dumps({"from": following, **selected})
        replayed = orjson.loads(client.post(f"{_path(subscription)}/replay", body))["replayed"]
        count, following = count + replayed["events"], replayed.get("next", 0)
        selected["to"] = replayed["to"]  # what is published meanwhile is delivered in any case
    again = f"{count} {plural(count, 'event is', 'events are')} delivered again\n"
    out(localized(f"{count} sự kiện được giao lại\n", again))


def send_test(subscription: str, /, *, event: str = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Send the example of the contract as a test event to one of your own subscriptions. Exit status 1 where it was not delivered.

    Parameters
    ----------
    subscription
        Its id.
    event
        Which of its events; the first one where it is left out.
    """
    body = {"event": names.event_name(event)} if event else {}
    sent = orjson.loads(bus.client().post(f"{_path(subscription)}/test", orjson.dumps(body)))
    status = f" {sent['status']}" if "status" in sent else ""
    if sent["filter"] == "left-out":
        err(localized("Bộ lọc sẽ bỏ qua sự kiện này.\n", "The filter would leave this event out.\n"))
    if sent["outcome"] in ("delivered", "queued"):
        out(f"{sent['event']}: {sent['outcome']}{status}, {sent['message']}\n")
        return
    err(f"lgsp: {sent['outcome']}{status}: {sent.get('detail', '')}\n")
    sys.exit(1)


def delete(subscription: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Delete a subscription; events that wait for it are not delivered.

    Parameters
    ----------
    subscription
        Its id.
    reason
        Why; its owner reads it (`lgsp subscriptions list --deleted`). An operator must say it.
    """
    bus.client().delete(decisions.with_reason(_path(subscription), reason))
    out(localized("đã xóa đăng ký nhận\n", "the subscription is deleted\n"))


def history(subscription: str, /, *, output: TableOrJson = "table", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Show who changed a subscription, when, what and why, the oldest change first.

    Parameters
    ----------
    subscription
        Its id, also of one that was deleted in the last 30 days.
    output
        A table, or JSON.
    """
    decisions.show_history(bus.client(), _path(subscription), output)


def events(
    subscription: str,
    /,
    *,
    follow: Annotated[bool, Parameter(alias="-f")] = False,
    position: int | None = None,
    keep: bool = False,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Print the events of one of your own subscriptions, each as a CloudEvent on a line of its own.

    Those of a pull subscription are acknowledged once they are printed.

    Parameters
    ----------
    subscription
        Its id.
    follow
        Go on for ever. Without it, a pull subscription ends with the events that are there.
    position
        Of server-sent events: only those after this position.
    keep
        Do not acknowledge: the events come again.
    """
    client, path = bus.client(), _path(subscription)
    if orjson.loads(client.get(path))["delivery"]["kind"] == "sse":
        query = "" if position is None else f"?position={position}"
        for event in client.lines(f"{path}/events{query}"):
            out(f"{event.decode()}\n")
        return
    while _fetch(client, path, follow=follow, keep=keep) or follow:
        time.sleep(0.05)


def _fetch(client: BusClient, path: str, *, follow: bool, keep: bool) -> bool:
    """Print and acknowledge some events; false where there are none."""
    query = {"limit": str(FETCH_LIMIT), "wait": str(FETCH_WAIT_SECONDS if follow else 2)}
    items = orjson.loads(client.get(f"{path}/events", query))["items"]
    for item in items:
        out(f"{orjson.dumps(item['event']).decode()}\n")
    if items and not keep:
        client.post(f"{path}/acknowledgements", orjson.dumps({"acknowledge": [item["token"] for item in items]}))
    return bool(items)


def _step(client: BusClient, subscription: str, step: str, body: dict[str, Any]) -> None:
    _print(orjson.loads(client.post(f"{_path(subscription)}/{step}", orjson.dumps(body))))


def _delivery(client: BusClient, kind: str, webhook: str, operation: str) -> dict[str, Any]:
    """Return the delivery that options ask for.

    Raises:
        Refusal: `malformed`, where the kind needs an option that is missing; `not-found`, where there is no such endpoint.
    """
    if webhook:
        endpoint = orjson.loads(client.get(f"/endpoints/{quote(webhook, safe='')}"))
        return {"kind": "webhook", "endpoint": endpoint["id"]}
    if operation:
        provided, _, name = operation.rpartition("/")
        service, major = _service(provided)
        return {
            "kind": "adapter",
            "service": service,
            "major": major,
            "operation": names.operation_name(name),
        }
    if kind in _NEEDED:
        raise Refusal(
            "malformed",
            vi=f"Kiểu nhận {kind} cần thêm {_NEEDED[kind]}; hãy xem lgsp subscriptions create --help.",
            en=f"Delivery by {kind} needs {_NEEDED[kind]}; see lgsp subscriptions create --help.",
        )
    return {"kind": kind}


def _service(text: str) -> tuple[str, int]:
    """Read a service and its major version: `land-parcels` (v1) or `land-parcels/v2`.

    Raises:
        Refusal: `malformed`.
    """
    name, _, version = text.partition("/")
    return names.service_name(name), names.major(version.removeprefix("v") or "1")


def _position(text: str) -> str | int:
    """Read a position in the stream, or leave a time as it is."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else text


def _path(subscription: str) -> str:
    """Return the path of a subscription.

    Raises:
        Refusal: `malformed`, where the id can be none.
    """
    if not (subscription.isascii() and subscription.replace("-", "").isalnum() and len(subscription) <= 64):
        raise Refusal(
            "malformed",
            vi="Mã đăng ký nhận là một UUID; hãy lấy ở lgsp subscriptions list.",
            en="The id of a subscription is a UUID; lgsp subscriptions list shows it.",
        )
    return f"/subscriptions/{subscription}"


def _state(document: dict[str, Any]) -> str:
    blocked = document.get("blocked")
    return f"{document['state']} ({blocked['code']})" if blocked else str(document["state"])


def _source(document: dict[str, Any]) -> str:
    return f"{document['service']} v{document['major']}: {', '.join(document['events'])}"


def _print(document: dict[str, Any]) -> None:
    delivery = document["delivery"].items()
    lines = [
        (localized("mã", "id"), document["id"]),
        (localized("tên", "name"), document["name"]),
        (localized("hệ thống", "system"), document["consumer"]),
        (localized("sự kiện", "events"), _source(document)),
        (localized("mục đích", "purpose"), document["purpose"]),
        (
            localized("bộ lọc", "filter"),
            document.get("filter", localized("có", "yes") if document.get("filtered") else ""),
        ),
        (
            localized("cách nhận", "delivery"),
            ", ".join(f"{value}" if name == "kind" else f"{name} {value}" for name, value in delivery),
        ),
        (localized("trạng thái", "state"), document["state"]),
        (localized("quyết định", "decision"), decisions.describe(document)),
        (localized("bị chặn", "blocked"), document.get("blocked", {}).get(language(), "")),
        (localized("chờ vì", "waiting"), document.get("waiting", "")),
        (localized("thử lần tới", "next attempt"), document.get("nextAttemptAt", "")),
        (localized("tạo lúc", "created"), document["createdAt"]),
        (localized("tồn đọng", "backlog"), _backlog(document.get("backlog"))),
    ]
    for title, value in lines:
        if value:
            out(f"{title:<13}{value}\n")


def _backlog(backlog: dict[str, Any] | None) -> str:
    if backlog is None:
        return ""
    waiting, under_way = backlog["waiting"], backlog["underWay"]
    oldest = backlog.get("oldestAt")
    since = localized(f", cũ nhất từ {oldest}", f", the oldest since {oldest}") if oldest else ""
    known = localized(
        f"{waiting} sự kiện đang chờ, {under_way} đang giao",
        f"{waiting} {plural(waiting, 'event waits', 'events wait')}, {under_way} {plural(under_way, 'is', 'are')} under way",
    )
    return known + since
