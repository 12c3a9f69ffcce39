"""Events as publishers send them: checked, stored once and in order, written down as evidence; what is wrong is refused by name."""

import asyncio
import copy
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from cloudevents.core.bindings import http as cloudevents_http
from cloudevents.core.v1.event import CloudEvent
from nats.aio.client import Client
from nats.errors import Error as NatsError
from support import announcing
from support.at_rest import decrypted
from support.preloaded import run
from support.processes import free_port
from support.waits import SECONDS, eventually
from support.workbench import OWNER, Got, Workbench, document

from lgsp_contracts import entry as entries
from lgsp_contracts import event_replies, wire_events
from lgsp_contracts.event_replies import EventAccepted, EventRefused, Reply
from lgsp_contracts.names import EventName, Major, ServiceName, SystemName
from lgsp_runtime.nats.connection import NatsEndpoint, connect

PATH = f"/events/{announcing.SERVICE}/v1/{announcing.EVENT}"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
SUBJECT = wire_events.event_subject(ServiceName(announcing.SERVICE), Major(1), EventName(announcing.EVENT))


class Publisher:
    """Publishes events of the service `dossiers`, and reads what is stored."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus

    async def send(
        self,
        body: Any,
        *,
        system: str = announcing.PROVIDER,
        path: str = PATH,
        content_type: str = STRUCTURED,
        **headers: str,
    ) -> Got:
        """Post events, as they are or as JSON."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {
            "Authorization": f"Bearer {self.bus.token(system)}",
            "Content-Type": content_type,
            "Accept-Language": "en",
        }
        async with self.bus.session.post(path, data=data, headers=sent | headers) as answer:
            return Got(answer.status, await answer.read(), answer.headers)

    async def stored(self) -> list[tuple[dict[str, Any], bytes]]:
        """Return what the stream holds of the event, in order: attributes and data."""
        connection = await connect(NatsEndpoint(self.bus.nats_url, "owner-of-the-disk", OWNER), "test")
        try:
            return await self._read(connection)
        finally:
            await connection.close()

    async def _read(self, connection: Client) -> list[tuple[dict[str, Any], bytes]]:
        subject = f"events.{announcing.SERVICE}.v1.{announcing.EVENT}"
        subscription = await connection.jetstream().subscribe(subject, ordered_consumer=True)
        state = await connection.jetstream().stream_info("LGSP_EVENTS", subjects_filter=subject)
        number = (state.state.subjects or {}).get(subject, 0)
        messages = [await subscription.next_msg(timeout=SECONDS) for _ in range(number)]
        found = [decrypted(self.bus, message).partition(b"\n") for message in messages]
        return [(json.loads(line), data) for line, _, data in found]


@pytest_asyncio.fixture(scope="module")
async def publisher(bus: Workbench) -> AsyncIterator[Publisher]:
    spec = {"contract": announcing.contract(), "phase": "published"}
    path = f"services/{announcing.SERVICE}-v1"
    made = await bus.registry(
        "PUT", path, document("Service", f"{announcing.SERVICE}-v1", **spec), headers={"If-None-Match": "*"}
    )
    assert made.status == 201, made.body
    yield Publisher(bus)
    last = await bus.registry("GET", path)
    assert (await bus.registry("DELETE", path, headers={"If-Match": last.headers["ETag"]})).status == 204


def event(**changed: Any) -> dict[str, Any]:
    """Return an event in structured mode that was never published."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/systems/{announcing.PROVIDER}",
        "type": announcing.TYPE,
        "data": announcing.DATA,
    }
    return {name: value for name, value in {**attributes, **changed}.items() if value is not ...}


@pytest.mark.parametrize("mode", [cloudevents_http.to_binary_event, cloudevents_http.to_structured_event])
async def test_an_event_of_the_official_library_is_stored_and_in_the_evidence(publisher: Publisher, mode: Any) -> None:
    told = event()
    attributes = {name: told[name] for name in ("id", "source", "type", "specversion")}
    trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    message = mode(
        CloudEvent({**attributes, "datacontenttype": "application/json", "traceparent": trace}, announcing.DATA)
    )
    content_type = message.headers.pop("content-type")
    got = await publisher.send(message.body, content_type=content_type, **message.headers)
    assert got.status == 202, got.body
    [item] = got.json["items"]
    assert item == {
        "id": told["id"],
        "message": got.message,
        "salt": got.headers[entries.SALT_HEADER],
        "repeated": False,
    }
    stored, data = (await publisher.stored())[-1]
    assert json.loads(data) == announcing.DATA
    assert stored.items() >= {**attributes, "lgspmessage": got.message, "traceparent": trace}.items()
    assert stored["time"]
    written = await publisher.bus.entry(got.message)
    assert entries.holds(written, "request", data, bytes.fromhex(item["salt"]))
    assert stored["orderingkey"] == written["orderingKey"] != ""
    assert "H49-1" not in json.dumps(stored)
    expected = {
        "kind": "event", "provider": announcing.PROVIDER, "service": announcing.SERVICE, "version": "1.0.0",
        "event": announcing.EVENT, "channel": "http", "outcome": "accepted", "status": 202,
    }  # fmt: skip
    assert written.items() >= expected.items()
    assert written["subject"]


async def test_an_event_that_comes_again_counts_once(publisher: Publisher) -> None:
    before, told = len(await publisher.stored()), event()
    answers = await asyncio.gather(*(publisher.send(told) for _ in range(20)))
    items = [item for got in answers for item in got.json["items"]]
    assert {got.status for got in answers} == {202}
    assert {item["message"] for item in items} == {items[0]["message"]}
    assert sorted(item["repeated"] for item in items) == [False] + [True] * 19
    assert len(await publisher.stored()) == before + 1
    other = await publisher.send(event(id=told["id"], data={**announcing.DATA, "trangThai": "dang-giai-quyet"}))
    assert (other.status, other.code) == (409, "event-conflict")
    assert "give a new event an id of its own" in other.json["detail"]
    assert (await publisher.bus.entry(other.message))["outcome"] == "event-conflict"


async def test_a_batch_keeps_its_order_and_is_accepted_whole_or_not_at_all(publisher: Publisher) -> None:
    before = len(await publisher.stored())
    told = [event(data={**announcing.DATA, "maHoSo": f"H-{number}"}) for number in range(30)]
    got = await publisher.send([*told, told[0]], content_type=BATCH)
    assert got.status == 202, got.body
    assert [item["id"] for item in got.json["items"]] == [one["id"] for one in [*told, told[0]]]
    assert [item["repeated"] for item in got.json["items"]] == [False] * 30 + [True]
    assert [json.loads(data)["maHoSo"] for _, data in (await publisher.stored())[before:]] == [
        f"H-{n}" for n in range(30)
    ]
    wrong = await publisher.send([event(), event(data={"maHoSo": "022093001234"}), event()], content_type=BATCH)
    assert (wrong.status, wrong.code) == (422, "contract-violation")
    assert wrong.json["detail"].startswith("Event 2 of the batch: The request violates the contract at /soDinhDanh")
    assert len(await publisher.stored()) == before + 30
    assert (await publisher.send([], content_type=BATCH)).json == {"items": []}


async def test_an_event_that_happened_earlier_keeps_its_time_and_the_place_at_which_it_came(
    publisher: Publisher,
) -> None:
    before = len(await publisher.stored())
    times = ["2026-11-28T09:00:00+07:00", "2026-11-28T08:00:00+07:00", "2036-01-01T00:00:00Z"]
    for time in times:
        assert (await publisher.send(event(time=time))).status == 202
    assert [attributes["time"] for attributes, _ in (await publisher.stored())[before:]] == times


WRONG: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "an unknown version": ({"specversion": "2.0"}, 400, "malformed", "send specversion 1.0"),
    "the type of another contract": ({"type": "lgsp.dossiers.v2.dossier-closed"}, 400, "malformed", announcing.TYPE),
    "the source of another system": ({"source": "/systems/alpha"}, 400, "malformed", "/systems/provider"),
    "no id": ({"id": ...}, 400, "malformed", "has no id"),
    "base64": ({"data_base64": "e30="}, 400, "malformed", "data_base64"),
    "a time that is none": ({"time": "28/11/2026"}, 400, "malformed", "RFC 3339"),
    "an id of a megabyte": ({"id": "x" * 1_000_000}, 400, "malformed", "more than 255"),
    "a body above a megabyte": ({"id": "x" * 2_000_000}, 413, "too-large", "larger than 1024 KiB"),
    "an ordering key of half a megabyte": (
        {"data": {**announcing.DATA, "maHoSo": "x" * 500_000}},
        422,
        "contract-violation",
        "/maHoSo",
    ),
    "a field that is none": ({"data": {**announcing.DATA, "khac": 1}}, 422, "contract-violation", "/khac"),
    "data that is a text": ({"data": "022093001234"}, 422, "contract-violation", ""),
}


@pytest.mark.parametrize(("changed", "status", "code", "words"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_refused_and_in_the_evidence(
    publisher: Publisher, changed: dict[str, Any], status: int, code: str, words: str
) -> None:
    before = len(await publisher.stored())
    got = await publisher.send(event(**changed))
    assert (got.status, got.code) == (status, code), got.body
    assert words in got.json["detail"]
    assert len(got.body) < 2_000
    assert len(await publisher.stored()) == before
    written = await publisher.bus.entry(got.message)
    assert (written["kind"], written["outcome"], written["status"]) == ("event", code, status)


@pytest.mark.parametrize(
    ("system", "path", "status", "code", "recorded"),
    [
        ("alpha", PATH, 403, "not-granted", ("dossiers", "1.0.0", "dossier-closed")),
        (announcing.PROVIDER, PATH.replace("v1", "v2"), 404, "unknown-service", ("", "", "")),
        (announcing.PROVIDER, PATH.replace("closed", "opened"), 404, "unknown-service", ("dossiers", "1.0.0", "")),
        (announcing.PROVIDER, "/events/hidden/v1/read", 404, "unknown-service", ("hidden", "1.0.0", "")),
        ("gamma", "/events/hidden/v1/read", 404, "unknown-service", ("hidden", "1.0.0", "")),
    ],
)
async def test_only_the_provider_publishes_and_the_evidence_says_what_others_asked_for(
    publisher: Publisher, system: str, path: str, status: int, code: str, recorded: tuple[str, str, str]
) -> None:
    got = await publisher.send(event(source=f"/systems/{system}"), system=system, path=path)
    assert (got.status, got.code) == (status, code)
    written = await publisher.bus.entry(got.message)
    assert (written["outcome"], written["service"], written["version"], written["event"]) == (code, *recorded)


async def test_events_without_a_token_or_of_another_type_are_refused(publisher: Publisher) -> None:
    assert (await publisher.send(event(), Authorization="")).status == 401
    got = await publisher.send(b"<event/>", content_type="application/xml")
    assert (got.status, got.code) == (415, "unsupported-media-type")


async def test_an_event_counts_once_at_all_gateways_and_a_flood_at_one_is_told_to_wait(publisher: Publisher) -> None:
    port = free_port()
    gateway = publisher.bus.another_gateway("slow", port)
    gateway.command += ["--events-per-second", "5"]
    await gateway.start()
    try:
        path = f"http://127.0.0.1:{port}{PATH}"
        told = event()
        at_both = await asyncio.gather(publisher.send(told), publisher.send(told, path=path))
        assert {got.message for got in at_both} == {at_both[0].message}
        assert sorted(got.json["items"][0]["repeated"] for got in at_both) == [False, True]
        answers = [await publisher.send([event() for _ in range(5)], path=path, content_type=BATCH) for _ in range(4)]
    finally:
        await gateway.stop()
    assert answers[0].status == 202
    assert (answers[-1].status, answers[-1].code) == (429, "quota-exceeded")
    assert int(answers[-1].headers["Retry-After"]) >= 1


ARCHIVES = {
    **announcing.contract(),
    "service": "archives",
    "events": {
        "archive-filed": {
            "title": announcing.TITLE,
            "data": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "tep": {"type": "string", "format": "file-reference"},
                    "muc": {
                        "type": "array",
                        "items": {"anyOf": [{"type": "integer"}, {"type": "object"}]},
                        "uniqueItems": True,
                    },
                },
            },
            "orderingKey": "/tep",
            "example": {"tep": f"/files/{uuid.UUID(int=0)}"},
        }
    },
}


@pytest_asyncio.fixture
async def archives(publisher: Publisher) -> AsyncIterator[str]:
    """A service whose events have files, and lists that take long to check: the path of its event."""
    bus, path = publisher.bus, "services/archives-v1"
    sent = document("Service", "archives-v1", contract=ARCHIVES, phase="published")
    made = await bus.registry("PUT", path, sent, headers={"If-None-Match": "*"})
    assert made.status == 201, made.body
    yield "/events/archives/v1/archive-filed"
    last = await bus.registry("GET", path)
    assert (await bus.registry("DELETE", path, headers={"If-Match": last.headers["ETag"]})).status == 204


async def test_large_data_is_checked_and_a_file_must_be_there(publisher: Publisher, archives: str) -> None:
    told = event(type="lgsp.archives.v1.archive-filed")
    large = await publisher.send(told | {"data": {"muc": [{"so": n} for n in range(20_000)]}}, path=archives)
    assert large.status == 202, large.body
    wrong = await publisher.send(told | {"id": "2", "data": {"muc": [1] * 20_000}}, path=archives)
    assert (wrong.status, wrong.code) == (422, "contract-violation")
    missing = await publisher.send(told | {"id": "3", "data": {"tep": f"/files/{uuid.uuid4()}"}}, path=archives)
    assert (missing.status, missing.code) == (422, "file-not-found"), missing.body
    assert (await publisher.bus.entry(missing.message))["outcome"] == "file-not-found"


class AdapterConnection:
    """Publishes over NATS with the token of a system, as an adapter in any language can."""

    def __init__(self, bus: Workbench, system: str) -> None:
        self._bus = bus
        self._system = system
        self.refused: asyncio.Queue[Exception] = asyncio.Queue()

    async def __aenter__(self) -> "AdapterConnection":
        async def on_refused(error: Exception) -> None:
            self.refused.put_nowait(error)

        self.client = await self._bus.nats_client(self._system, on_refused)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def ask(self, payload: bytes, inbox: str = "", subject: str = SUBJECT) -> Reply | None:
        """Publish an event, and return the reply; None where there is none in half a second."""
        reply = f"{inbox or event_replies.reply_prefix(SystemName(self._system))}{uuid.uuid4().hex}"
        heard = await self.client.subscribe(reply)
        await self.client.publish(subject, payload, reply=reply)
        try:
            return event_replies.parse((await heard.next_msg(timeout=SECONDS)).data)
        finally:
            await heard.unsubscribe()


def wire_event(**changed: Any) -> bytes:
    told = event(time="2026-11-28T08:00:00+07:00", **changed)
    data = orjson.dumps(told.pop("data"))
    return orjson.dumps({"wire": 1, **told}) + b"\n" + data


async def test_an_adapter_publishes_for_its_system(publisher: Publisher) -> None:
    before = len(await publisher.stored())
    async with AdapterConnection(publisher.bus, announcing.PROVIDER) as adapter:
        payload = wire_event()
        first, second = await adapter.ask(payload), await adapter.ask(payload)
        assert isinstance(first, EventAccepted)
        assert second == EventAccepted(first.message, repeated=True, salt=second.salt)  # type: ignore[union-attr]
        assert len(await publisher.stored()) == before + 1
        found = [one for one in await publisher.bus.entries() if one.get("message") == first.message]
        assert [(one["channel"], one["outcome"]) for one in found] == [("adapter", "accepted"), ("adapter", "repeated")]
        line = payload.partition(b"\n")[2]
        assert entries.holds(found[0], "request", line, bytes.fromhex(first.salt))
        refusals = {
            wire_event(data={"maHoSo": "x"}): "contract-violation",
            wire_event(source="/systems/alpha"): "malformed",
            wire_event(specversion="0.3"): "malformed",
            b"no event": "malformed",
            payload.partition(b"\n")[0]
            + b'\n{"maHoSo":"1","soDinhDanh":"022093001234","trangThai":"da-tra"}': "event-conflict",
        }
        for sent, code in refusals.items():
            refused = await adapter.ask(sent)
            assert isinstance(refused, EventRefused)
            assert refused.code == code
            assert refused.vi != refused.en
        assert adapter.refused.empty()


async def test_an_adapter_of_another_system_may_not_even_send_it(publisher: Publisher) -> None:
    async with AdapterConnection(publisher.bus, "alpha") as adapter:
        await adapter.client.publish(SUBJECT, wire_event(source="/systems/alpha"))
        refused = await asyncio.wait_for(adapter.refused.get(), SECONDS)
        assert "permissions violation" in str(refused).lower()
    async with AdapterConnection(publisher.bus, announcing.PROVIDER) as adapter:
        await adapter.client.publish(f"events.{announcing.SERVICE}.v1.{announcing.EVENT}", wire_event())
        assert "permissions violation" in str(await asyncio.wait_for(adapter.refused.get(), SECONDS)).lower()
        await adapter.client.publish("evt.dossiers.v1.nothing", wire_event())
        assert "permissions violation" in str(await asyncio.wait_for(adapter.refused.get(), SECONDS)).lower()


async def test_a_connection_may_publish_a_new_event_once_its_contract_has_it(publisher: Publisher) -> None:
    """The server keeps what a connection may do; so one that may do more now is closed, and comes back."""
    bus, path = publisher.bus, f"services/{announcing.SERVICE}-v1"
    wider = copy.deepcopy(announcing.contract())
    wider["version"] = "1.1.0"
    wider["events"]["dossier-opened"] = copy.deepcopy(wider["events"][announcing.EVENT])
    subject = SUBJECT.replace("closed", "opened")
    last = await bus.registry("GET", path)
    sent = document("Service", f"{announcing.SERVICE}-v1", contract=wider, phase="published")
    async with AdapterConnection(bus, announcing.PROVIDER) as adapter:
        changed = await bus.registry("PUT", path, sent, headers={"If-Match": last.headers["ETag"]})
        assert changed.status == 200, changed.body
        told = wire_event(type=announcing.TYPE.replace("closed", "opened"))

        async def accepted() -> bool:
            try:
                return isinstance(await asyncio.wait_for(adapter.ask(told, subject=subject), 1), EventAccepted)
            except (TimeoutError, NatsError):
                return False

        await eventually(accepted)


async def test_the_command_publishes_a_file_once(publisher: Publisher, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    named = (announcing.SERVICE, announcing.EVENT, str(file), "--url", f"http://127.0.0.1:{publisher.bus.port}")

    async def lgsp(*options: str, system: str = announcing.PROVIDER) -> tuple[int, str, str]:
        token = ("--token", publisher.bus.token(system))
        return await run("events", "publish", *named, *token, *options, environment={"LC_ALL": "C"})

    before = len(await publisher.stored())
    data = b'{"maHoSo":"H49-9","soDinhDanh":"022093001234", "trangThai":"da-tra"}'
    file.write_bytes(data)
    status, said, complaint = await lgsp("--id", "ho-so-9", "-o", "json")
    assert status == 0, complaint
    [item] = json.loads(said)
    assert (item["id"], item["repeated"]) == ("ho-so-9", False)
    stored, stored_data = (await publisher.stored())[-1]
    assert (stored["id"], stored["type"], stored_data) == ("ho-so-9", announcing.TYPE, data)
    assert "published before" in (await lgsp("--id", "ho-so-9"))[1]
    file.write_bytes(orjson.dumps([event() for _ in range(3)]))
    assert (await lgsp())[0] == 0
    file.write_bytes(b"\n".join(orjson.dumps(event()) for _ in range(3)))
    assert (await lgsp())[0] == 0
    assert len(await publisher.stored()) == before + 7
    status, _, complaint = await lgsp("--id", "x")
    assert (status, "--id is for a file with one event" in complaint) == (1, True)
    status, _, complaint = await lgsp(system="alpha")
    assert (status, "does not provide dossiers v1" in complaint) == (1, True)
