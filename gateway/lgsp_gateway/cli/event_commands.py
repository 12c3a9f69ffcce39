"""What a provider without an adapter uses to publish events by hand or from a script: `lgsp events publish`."""

import datetime
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
from cyclopts import Parameter

from lgsp_contracts import cloudevents, json_slices, names, strict_json
from lgsp_contracts.cli.terminal import err, read_argument
from lgsp_contracts.event import type_of
from lgsp_gateway.cli import tables
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.json_output import TableOrJson, print_json
from lgsp_gateway.cli.texts import localized
from lgsp_problems import NotFound, Refusal

MAX_BATCH_BYTES = 900 * 1024
"""Bytes of one request; the gateway takes a little more."""


_IDS = uuid.UUID("b2c1f0de-6d0e-5e6c-9a35-0f6f2f0a4c11")
"""The namespace of ids that are made of the data (UUID version 5)."""


class _Missing(NamedTuple):
    """What an event gets that is given as its data alone."""

    source: str
    type: str
    time: str


def publish(
    service: str,
    event: str,
    file: Path,
    /,
    *,
    id_: Annotated[str, Parameter(name="--id")] = "",
    major: int = 1,
    output: TableOrJson = "table",
    bus: BusOptions = BusOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Publish events of a service that the asking system provides: those of a file, in its order. They are on disk when it ends.

    Run again, it publishes nothing twice: events with an id that is known count once. An event that is given as its data alone gets an
    id that is made of the data, unless --id names one: the same data again is the same event.

    Parameters
    ----------
    service
        The service, such as `civil-status`.
    event
        The event, such as `birth-registered`.
    file
        A CloudEvent in JSON, the data of one event, an array of either, or one of either on each line; - reads it from stdin.
    id_
        The id of the event, where the file has the data of one alone.
    major
        The major version of the service.
    output
        A table, or JSON with the salts of the digests in the evidence.
    """
    path = f"/events/{names.service_name(service)}/v{names.major(str(major))}/{names.event_name(event)}"
    texts = list(_events_of(read_argument("-" if str(file) == "-" else f"@{file}")))
    client = bus.client()
    missing = _missing(client, service, major, event) if any(map(_is_data_alone, texts)) else None
    if id_ and len(texts) != 1:
        raise _id_of_several()
    events = [_completed(text, missing, id_) for text in texts]
    published = [item for batch in _batches(events) for item in _send(client, path, batch)]
    if output == "json":
        print_json(published)
    else:
        rows = ((one["id"], one["message"], _state(one)) for one in published)
        titles = [
            localized("MÃ", "ID"),
            localized("THÔNG ĐIỆP", "MESSAGE"),
            localized("TRẠNG THÁI", "STATE"),
        ]
        tables.show(titles, rows)
    if not published:
        err(f"{localized('Tệp không có sự kiện nào.', 'The file has no events.')}\n")


def _events_of(content: bytes) -> Iterator[str]:
    """Yield the events of a file as they are written: of an array, of lines, or the one that it is.

    Raises:
        Refusal: `malformed`.
    """
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > 1 and all(map(_is_object, lines)):
        yield from (line.decode() for line in lines)
    elif isinstance(strict_json.loads(content, _NO_LIMITS), list):
        yield from json_slices.items(content.decode())
    else:
        yield content.decode().strip()


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _is_data_alone(text: str) -> bool:
    document = strict_json.loads(text.encode(), _NO_LIMITS)
    return not (isinstance(document, dict) and "specversion" in document)


def _missing(client: BusClient, service: str, major: int, event: str) -> _Missing:
    """Return what the events of a file lack: the asking system, the type in the contract, the time.

    Raises:
        Refusal: `not-found`, where the contract declares no such event; `unknown-service`.
    """
    me = orjson.loads(client.get("/me"))
    contract = orjson.loads(client.get(f"/catalog/services/{service}/v{major}/contract.json"))
    declared = contract.get("events", {}).get(event)
    if declared is None:
        known = ", ".join(contract.get("events", {})) or "-"
        raise NotFound(
            vi=f"Dịch vụ {service} v{major} không có sự kiện {event}; các sự kiện của nó: {known}.",
            en=f"Service {service} v{major} has no event {event}; it has: {known}.",
        )
    default = type_of(names.service_name(service), names.major(str(major)), names.event_name(event))
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return _Missing(cloudevents.source_of(me["system"]), declared.get("type", default), now)


def _completed(text: str, missing: _Missing | None, event_id: str) -> bytes:
    """Return an event in structured mode."""
    if missing is None or not _is_data_alone(text):
        return text.encode()
    content = f"{missing.source} {missing.type} {text}"  # the same data again is the same event, so a repeat after a lost answer counts once
    attributes = {"id": event_id or str(uuid.uuid5(_IDS, content)), **missing._asdict()}
    return cloudevents.structured(attributes, text.encode())


def _batches(events: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the events in the batches in which they are sent."""
    batch: list[bytes] = []
    size = 0
    for event in events:
        if batch and (size + len(event) > MAX_BATCH_BYTES or len(batch) == cloudevents.MAX_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event) + 1
    if batch:
        yield batch


def _send(client: BusClient, path: str, batch: list[bytes]) -> list[dict[str, Any]]:
    alone = len(batch) == 1
    body = batch[0] if alone else b"[" + b",".join(batch) + b"]"
    headers = {"Content-Type": cloudevents.STRUCTURED if alone else cloudevents.BATCH}
    items: list[dict[str, Any]] = orjson.loads(client.post(path, body, headers))["items"]
    return items


def _state(published: dict[str, Any]) -> str:
    if published["repeated"]:
        return localized("đã có từ trước", "published before")
    return localized("đã công bố", "published")


def _id_of_several() -> Refusal:
    return Refusal(
        "malformed",
        vi="--id chỉ dùng cho tệp có đúng một sự kiện; hãy ghi id trong từng sự kiện CloudEvents.",
        en="--id is for a file with one event; write the ids into the CloudEvents.",
    )


_NO_LIMITS = strict_json.Limits(values=100_000_000, members=1_000_000)
"""The gateway holds each event against the limits of its contract."""
