"""A bus whose service `births` announces events, and programs that subscribe to them."""

import asyncio
import datetime
import json
import uuid
from pathlib import Path
from typing import Any

import orjson
import uuid_utils
from nats.aio.client import Client

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_runtime.nats.connection import connect
from support.workbench import ALL, CONTRACTS, TEXT, Got, Workbench, grant

SERVICE, EVENT, OTHER_EVENT, PURPOSE = "births", "registered", "amended", "thu-nghiem"
ADDRESSED_EVENT = "handed-over"
"""It is for the agency that `hoVaTen` names, which alpha's grant does not show."""
NUMBER = "022093001234"
DATA = {"maHoSo": "H49-1", "soDinhDanh": NUMBER, "hoVaTen": "Nguyễn Văn An", "tinh": "22", "can": 3}
FIELDS = ["/maHoSo", "/tinh", "/can"]
"""What alpha's grant shows."""
_PROPERTIES = {
    "maHoSo": {"type": "string", "maxLength": 50},
    "soDinhDanh": {"type": "string", "format": "so-dinh-danh"},
    "hoVaTen": {"type": "string", "maxLength": 100},
    "tinh": {"type": "string", "maxLength": 2},
    "can": {"type": "integer"},
}


def _event(**more: Any) -> dict[str, Any]:
    return {
        "title": TEXT,
        "subject": "/soDinhDanh",
        "orderingKey": "/maHoSo",
        "data": {
            "type": "object",
            "required": ["maHoSo"],
            "additionalProperties": False,
            "properties": _PROPERTIES,
        },
        "example": DATA,
        **more,
    }


def _operation(**more: Any) -> dict[str, Any]:
    request = {"type": "object", "additionalProperties": False, "properties": _PROPERTIES}
    errors = {"already-known": {"status": 409, "title": {"vi": "Đã có", "en": "Known already"}}}
    return {
        "title": TEXT,
        "timeout": "2s",
        "idempotent": True,
        "request": request,
        "response": {"type": "object", "properties": {"ketQua": {"type": "string"}}},
        "errors": errors,
        "example": {"request": {"maHoSo": "H49-1"}, "response": {"ketQua": "KHOP"}},
        **more,
    }


BIRTHS = {
    "service": SERVICE,
    "version": "1.0.0",
    "title": TEXT,
    "provider": "provider",
    "classification": "internal",
    "operations": {"read": _operation()},
    "events": {EVENT: _event(), OTHER_EVENT: _event(), ADDRESSED_EVENT: _event(recipient="/hoVaTen")},
}
REGISTERS = {
    "service": "registers",
    "version": "1.0.0",
    "title": TEXT,
    "provider": "alpha",
    "classification": "internal",
    "operations": {"receive": _operation(), "receive-once": _operation(idempotent=False)},
}


def event_grant(name: str, consumer: str, fields: list[str], **spec: Any) -> dict[str, Any]:
    """Return a grant on all events."""
    made = grant(name, consumer, SERVICE)
    made["spec"].pop("operations")
    made["spec"] |= {"events": {name: {"fields": fields} for name in BIRTHS["events"]}, **spec}
    return made


async def subscribed_bus(folder: Path, *options: str) -> "Subscribing":
    """Start a bus with the service, on which alpha and beta may receive."""
    documents = [event_grant("alpha-births", "alpha", FIELDS), event_grant("beta-births", "beta", ALL)]
    bench = Workbench(folder, contracts=[*CONTRACTS, BIRTHS, REGISTERS], documents=documents)
    return await Subscribing(await bench.start(*options)).start()


class Subscribing:
    """Publishes events into the stream, as gateways store them, and asks `/subscriptions` as systems do."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.published: list[str] = []

    async def start(self) -> "Subscribing":
        self.connection: Client = await connect(self.bus.endpoint("gateway"), "test publisher")
        return self

    async def stop(self) -> None:
        await self.connection.close()
        await self.bus.stop()

    async def publish(
        self,
        event: str = EVENT,
        event_id: str = "",
        kept: str = "604800s",
        cipher: PayloadCipher | None = None,
        **data: Any,
    ) -> int:
        """Store an event for a time; return its position."""
        event_id = event_id or str(uuid.uuid4())
        content = {**DATA, **data}
        attributes = {
            "specversion": "1.0",
            "id": event_id,
            "source": "/systems/provider",
            "type": f"lgsp.{SERVICE}.v1.{event}",
            "time": datetime.datetime.now(datetime.UTC).isoformat(),
            "datacontenttype": "application/json",
            "traceparent": f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-00",
            "lgspmessage": str(uuid_utils.uuid7()),
            "orderingkey": f"key of {content['maHoSo']}",
        }
        payload = orjson.dumps(attributes) + b"\n" + orjson.dumps(content)
        subject = f"events.{SERVICE}.v1.{event}"
        cipher = cipher or PayloadCipher(KeyStore(self.bus.state.keys).storage_keys)
        stored = await self.connection.jetstream().publish(
            subject, cipher.encrypt(subject, payload), headers={"Nats-TTL": kept, "Nats-Msg-Id": event_id}
        )
        self.published.append(event_id)
        return int(stored.seq)

    async def publish_over_http(self, data: bytes, event: str = EVENT, **headers: str) -> Got:
        """Publish an event in binary mode, as its publisher does."""
        sent = {"Authorization": f"Bearer {self.bus.token('provider')}", "Content-Type": "application/json", **headers}
        sent["ce-type"] = f"lgsp.{SERVICE}.v1.{event}"
        async with self.bus.session.post(f"/events/{SERVICE}/v1/{event}", data=data, headers=sent) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def ask(
        self, method: str, path: str = "", body: Any = None, *, system: str = "alpha", url: str = "", **headers: str
    ) -> Got:
        """Ask `/subscriptions…`."""
        return await self.bus.ask(method, f"{url}/subscriptions{path}", body, system=system, headers=headers)

    async def subscribe(self, *, system: str = "alpha", **fields: Any) -> dict[str, Any]:
        """Make a subscription, of pull where nothing else is said."""
        got = await self.ask("POST", "", {**self.wish(), **fields}, system=system)
        assert got.status == 201, got.body
        made: dict[str, Any] = got.json
        return made

    def wish(self, **fields: Any) -> dict[str, Any]:
        """Return what `POST /subscriptions` takes."""
        wish = {"name": "test", "service": SERVICE, "major": 1, "events": [EVENT], "purpose": PURPOSE}
        return {**wish, "delivery": {"kind": "pull"}, **fields}

    async def pull(
        self, subscription: str, limit: int = 10, wait: int = 5, *, system: str = "alpha", url: str = ""
    ) -> list[dict[str, Any]]:
        """Fetch events."""
        got = await self.ask("GET", f"/{subscription}/events?limit={limit}&wait={wait}", system=system, url=url)
        assert got.status == 200, got.body
        items: list[dict[str, Any]] = got.json["items"]
        return items

    async def acknowledge(
        self, subscription: str, items: list[dict[str, Any]], *, system: str = "alpha", url: str = ""
    ) -> Got:
        """Acknowledge events."""
        tokens = {"acknowledge": [item["token"] for item in items]}
        return await self.ask("POST", f"/{subscription}/acknowledgements", tokens, system=system, url=url)

    async def follow(
        self, subscription: str, number: int, last: int | None = None, *, system: str = "alpha", url: str = ""
    ) -> list[tuple[int, dict[str, Any]]]:
        """Read server-sent events until so many have come; return positions and CloudEvents."""
        headers = {"Authorization": f"Bearer {self.bus.token(system)}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        found: list[tuple[int, dict[str, Any]]] = []
        async with (
            asyncio.timeout(20),
            self.bus.session.get(f"{url}/subscriptions/{subscription}/events", headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            position = 0
            async for line in answer.content:
                if line.startswith(b"id: "):
                    position = int(line[4:])
                elif line.startswith(b"data: "):
                    found.append((position, json.loads(line[6:])))
                    if len(found) == number:
                        return found
        return found

    async def delivery_entries(self, subscription: str) -> list[dict[str, Any]]:
        """Return the evidence of deliveries to a subscription."""
        return [entry for entry in await self.bus.entries() if entry.get("to") == subscription]
