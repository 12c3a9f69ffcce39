"""Events on their way to subscribers: by webhook, as calls of their own system, and to readers; what cannot be delivered."""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook
from support.changes import Changes
from support.preloaded import run
from support.processes import free_port
from support.subscribing import ADDRESSED_EVENT, DATA, EVENT, PURPOSE, SERVICE, Subscribing, subscribed_bus
from support.upstreams import served
from support.waits import SECONDS, eventually
from support.workbench import FAST_PATH

from lgsp_adapters.adapter import Adapter, Call, Declared
from lgsp_adapters.host.served_adapter import ServedAdapter
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.entry import digest
from lgsp_contracts.source_location import SourceLocation
from lgsp_runtime.nats.connect import connect_for_calls


class Receiver:
    """A webhook endpoint that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[int]] = defaultdict(list)
        """Statuses of the next answers, by `maHoSo`; 200 after that."""
        self.every = 200
        self.gate: asyncio.Event | None = None
        """Answers wait for it."""
        self.verifier: Webhook | None = None

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.verifier:
            self.verifier.verify(body, dict(request.headers))
        event = json.loads(body)
        if self.gate:
            await self.gate.wait()
        answers = self.answers[event["data"]["maHoSo"]]
        status = answers.pop(0) if answers else self.every
        self.got.append((request.headers["webhook-id"], event | {"status": status}))
        return web.Response(status=status)

    @property
    def accepted(self) -> list[str]:
        return [event["data"]["maHoSo"] for _, event in self.got if event["status"] == 200]


async def webhook(
    events: Subscribing, stack: AsyncExitStack, receiver: Receiver, url: str = "", concurrency: int = 8, **fields: Any
) -> dict[str, Any]:
    """Subscribe by webhook."""
    url = url or await stack.enter_async_context(served(receiver))
    name = f"nhan-{id(receiver)}"
    made = await events.bus.ask("POST", "/endpoints", {"name": name, "url": url, "concurrency": concurrency})
    assert made.status == 201, made.body
    receiver.verifier = Webhook(made.json["secret"])
    return await events.subscribe(delivery={"kind": "webhook", "endpoint": made.json["id"]}, **fields)


async def test_webhooks_are_signed_and_tried_again_under_the_same_id(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.answers["again"] = [500]
        made = await webhook(events, stack, receiver)
        await events.publish(maHoSo="again")
        await eventually(lambda: receiver.accepted == ["again"], within=SECONDS)
        (first, one), (second, two) = receiver.got
        assert first == second
        assert one["id"] == two["id"] == events.published[-1]
        assert two["data"] == {"maHoSo": "again", "tinh": DATA["tinh"], "can": DATA["can"]}

        async def written() -> bool:
            entries = await events.delivery_entries(made["id"])
            return [(entry["attempt"], entry["outcome"], entry["state"]) for entry in entries] == [
                (1, "server-error", "delivering"),
                (2, "delivered", "delivered"),
            ]

        await eventually(written)
        listed = await events.bus.ask("GET", f"/endpoints/{made['delivery']['endpoint']}/attempts")
        event = {"name": f"{SERVICE}/{EVENT}", "source": "/systems/provider", "id": events.published[-1]}
        assert [(one["outcome"], one["event"]) for one in listed.json["items"]] == [
            ("delivered", event),
            ("server-error", event),
        ]
        async with events.bus.session.get("/metrics") as answer:
            counted = await answer.text()
        for outcome in ("server-error", "delivered"):
            labels = f'outcome="{outcome}",service="{SERVICE}",subscription="{made["id"]}"'
            assert f"lgsp_subscription_attempts_total{{{labels}}} 1.0" in counted
        await events.ask("DELETE", f"/{made['id']}")


@pytest.mark.long
async def test_retries_go_on_where_a_killed_gateway_stopped(tmp_path: Path) -> None:
    events = await subscribed_bus(tmp_path)
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.answers["again"] = [500] * 6
        made = await webhook(events, stack, receiver, filter="maHoSo == 'again'")
        await events.publish(maHoSo="again")
        for kills in range(2):
            await eventually(lambda: len(receiver.got) >= 2 * (kills + 1), within=60)  # noqa: B023 - awaited at once
            seen = len(receiver.got)

            async def are_recorded() -> bool:
                return len(await events.delivery_entries(made["id"])) >= seen  # noqa: B023 - awaited at once

            await eventually(are_recorded)
            await events.bus.gateway.kill()
            await events.bus.gateway.start()
        await eventually(lambda: len(receiver.got) >= 5, within=60)

        async def are_written() -> bool:
            return len(await events.delivery_entries(made["id"])) >= 5

        await eventually(are_written)
        attempts = [entry["attempt"] for entry in await events.delivery_entries(made["id"])]
        assert attempts == list(range(1, len(attempts) + 1)), "each gateway counts on"
    await events.stop()


async def test_an_owner_ends_the_waiting_and_gets_the_same_events_later(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.every = 400
        made = await webhook(events, stack, receiver)
        first = await events.publish(maHoSo="given up")
        await eventually(lambda: len(receiver.got) == 1)
        passed_over = await events.ask("POST", f"/{made['id']}/replay", {"from": "now"})
        assert passed_over.json["start"] == first + 1
        receiver.every = 200
        await events.publish(maHoSo="next")
        await eventually(lambda: receiver.accepted == ["next"], within=SECONDS)

        async def nothing_waits() -> bool:
            return bool((await events.ask("GET", f"/{made['id']}")).json["backlog"] == {"waiting": 0, "underWay": 0})

        await eventually(nothing_waits)
        again = await events.ask("POST", f"/{made['id']}/replay", {"from": first, "to": first})
        assert again.json["replayed"]["events"] == 1
        await eventually(lambda: receiver.accepted == ["next", "given up"], within=SECONDS)
        ids = {message for message, event in receiver.got if event["data"]["maHoSo"] == "given up"}
        assert len(ids) == 1, "what was stored already is recognised"
        await events.ask("DELETE", f"/{made['id']}")


async def test_what_waits_for_a_subscription_and_was_never_tried_is_shown(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        made = await webhook(events, stack, receiver)
        endpoint = f"/endpoints/{made['delivery']['endpoint']}"
        assert (await events.bus.ask("POST", f"{endpoint}/pause")).status == 200
        for number in range(3):
            await events.publish(maHoSo=f"{number}")
        shown: dict[str, Any] = {}

        async def is_shown() -> bool:
            shown.clear()
            shown.update((await events.ask("GET", f"/{made['id']}", system="operator")).json)
            backlog = shown.get("backlog", {"waiting": 0, "underWay": 0})
            return backlog["waiting"] + backlog["underWay"] == 3 and "waiting" in shown

        await eventually(is_shown, seen=lambda: shown)
        assert shown["waiting"] == "paused"
        assert shown["backlog"]["oldestAt"] <= shown["nextAttemptAt"]
        remote = ["--url", f"http://127.0.0.1:{events.bus.port}", "--token", events.bus.token("alpha")]
        code, out, _ = await run("subscriptions", "show", made["id"], *remote)
        assert code == 0
        assert shown["backlog"]["oldestAt"] in out
        assert receiver.got == []
        await events.ask("DELETE", f"/{made['id']}")


async def test_a_webhook_belongs_to_the_trace_of_its_publication(events: Subscribing) -> None:
    traces: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        traces.append(request.headers["traceparent"])
        return web.Response()

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(receive))
        made = await webhook(events, stack, Receiver(), url)
        trace = secrets.token_hex(16)
        headers = {"ce-specversion": "1.0", "ce-id": trace, "ce-source": "/systems/provider"}
        got = await events.publish_over_http(
            json.dumps(DATA).encode(), **headers, traceparent=f"00-{trace}-00f067aa0ba902b7-01"
        )
        assert got.status == 202, got.body
        await eventually(lambda: len(traces) == 1)
        assert traces[0].startswith(f"00-{trace}-")
        written: list[str] = []

        async def is_written() -> bool:
            written[:] = [entry["trace"] for entry in await events.delivery_entries(made["id"])]
            return bool(written)

        await eventually(is_written)
        assert written == [trace]
        await events.ask("DELETE", f"/{made['id']}")


async def test_what_waits_for_its_turn_at_an_endpoint_is_decided_when_it_comes(events: Subscribing) -> None:
    changes = Changes(events.bus)
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.gate = asyncio.Event()
        made = await webhook(events, stack, receiver, concurrency=1)
        for key in ("first", "second", "third"):
            await events.publish(maHoSo=key)

        async def under_way() -> bool:
            return bool((await events.ask("GET", f"/{made['id']}")).json["backlog"]["underWay"] == 3)

        await eventually(under_way)
        assert (await changes.act("alpha-births", "suspend", "operator", reason="kiểm tra")).status == 200
        receiver.gate.set()

        async def written() -> bool:
            return len(await events.delivery_entries(made["id"])) > 0

        await eventually(written)
        assert receiver.accepted == ["first"], "one at a time, and none after the grant"
        assert (await changes.act("alpha-births", "resume", "operator", reason="xong")).status == 200
        await eventually(lambda: sorted(receiver.accepted) == ["first", "second", "third"], within=SECONDS)
        await events.ask("DELETE", f"/{made['id']}")


async def test_an_endpoint_that_is_gone_ends_its_subscription(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.answers["gone"] = [410]
        made = await webhook(events, stack, receiver)
        await events.publish(maHoSo="gone")

        async def ended() -> bool:
            return bool((await events.ask("GET", f"/{made['id']}")).json["state"] == "ended")

        await eventually(ended)
        assert "410" in (await events.ask("GET", f"/{made['id']}")).json["decision"]["reason"]
        await events.publish(maHoSo="later")
        assert (await events.ask("POST", f"/{made['id']}/pause")).code == "step-not-allowed"
        assert receiver.accepted == []
        await events.ask("POST", f"/{made['id']}/resume")
        await eventually(lambda: receiver.accepted == ["gone", "later"], within=SECONDS)
        await events.ask("DELETE", f"/{made['id']}")


async def test_events_of_a_key_come_in_order_and_others_do_not_wait(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        receiver = Receiver()
        receiver.answers["a"] = [503]
        made = await webhook(events, stack, receiver)
        for number in range(5):
            for key in ("a", "b", "c"):
                await events.publish(maHoSo=key, can=number)
        await eventually(lambda: len(receiver.accepted) == 15, within=SECONDS)
        taken = [event for _, event in receiver.got if event["status"] == 200]
        for key in ("a", "b", "c"):
            assert [event["data"]["can"] for event in taken if event["data"]["maHoSo"] == key] == list(range(5))
        assert receiver.accepted.index("a") > 5, "the others went on while it waited"
        await events.ask("DELETE", f"/{made['id']}")


async def test_a_dead_and_a_slow_subscriber_slow_nobody(events: Subscribing) -> None:
    async with AsyncExitStack() as stack:
        dead, slow, fast = Receiver(), Receiver(), Receiver()
        slow.gate = asyncio.Event()
        made = [
            await webhook(events, stack, dead, f"http://127.0.0.1:{free_port()}/"),
            await webhook(events, stack, slow),
            await webhook(events, stack, fast),
            await events.subscribe(),  # nobody fetches
        ]
        names = [f"h-{number}" for number in range(60)]
        for one in names:
            await events.publish(maHoSo=one)
        await eventually(lambda: sorted(fast.accepted) == sorted(names), within=SECONDS)
        assert slow.got == [], "the slow one has not answered once"
        slow.gate.set()
        await eventually(lambda: sorted(slow.accepted) == sorted(names), within=SECONDS)
        for one in made:
            await events.ask("DELETE", f"/{one['id']}")


class Register:
    """The subscriber's own system: an adapter for its service `registers`."""

    def __init__(self, events: Subscribing) -> None:
        self.events = events
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.refuses: set[str] = set()

    @property
    def names(self) -> set[str]:
        return {data["maHoSo"] for _, data in self.got}

    async def __aenter__(self) -> "Register":
        bench, register = self.events.bus, self

        class Receive(Adapter):
            def method(self, operation: str) -> Callable[[dict[str, Any], Call], Any]:
                async def receive(request: dict[str, Any], call: Call) -> dict[str, Any]:
                    if request["maHoSo"] in register.refuses:
                        raise Declared("already-known")
                    asked = call.context
                    register.got.append((asked.key, request))
                    assert (asked.consumer, asked.purpose) == ("provider", PURPOSE)
                    return {"ketQua": "KHOP"}

                return receive

        self.connection = await connect_for_calls(bench.endpoint("alpha"), "register", fast_path=FAST_PATH == "on")
        told = {"service": "registers", "major": 1, "system": "alpha", "kind": "python"}
        manifest = Manifest(SourceLocation("test"), told, {}, bench.catalog_folder)
        self.served = ServedAdapter(Receive({}), manifest, bench.catalog["registers", 1], self.connection)
        await self.served.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.served.stop()
        await self.connection.close()


ADAPTER = {"kind": "adapter", "service": "registers", "major": 1, "operation": "receive"}


async def test_events_become_calls_of_the_subscribers_own_system(events: Subscribing) -> None:
    made = await events.subscribe(delivery=ADAPTER)
    await events.publish(maHoSo="early")

    async def waits() -> bool:
        return bool((await events.ask("GET", f"/{made['id']}")).json.get("waiting") == "no-adapter")

    await eventually(waits)
    async with Register(events) as register:
        await eventually(lambda: register.names == {"early"}, within=SECONDS)
        key, data = register.got[0]
        assert len(key) == 36
        assert data == {"maHoSo": "early", "tinh": DATA["tinh"], "can": DATA["can"]}
        before = len(register.got)
        await events.ask("POST", f"/{made['id']}/replay", {"from": made["start"]})
        await eventually(lambda: len(register.got) > before, within=SECONDS)
        assert register.got[-1] == (key, data), "the same key, by which the system knows the repeat"
    await events.ask("DELETE", f"/{made['id']}")


async def test_what_a_subscriber_refuses_becomes_a_dead_letter_that_can_be_delivered_again(
    events: Subscribing,
) -> None:
    async with Register(events) as register:
        register.refuses = {"refused"}
        made = await events.subscribe(delivery=ADAPTER)
        await events.publish(maHoSo="refused")
        await events.publish(maHoSo="taken")
        letters: list[dict[str, Any]] = []

        async def has_letter() -> bool:
            got = await events.bus.ask("GET", "/dead-letters")
            letters[:] = [one for one in got.json["items"] if one.get("subscription") == made["id"]]
            return bool(letters)

        await eventually(has_letter, within=SECONDS)
        await eventually(lambda: register.names == {"taken"}, within=SECONDS)
        [letter] = letters
        checks = (await events.bus.ask("GET", "/ops/checks", system="operator")).json["items"]
        said = next(one["detail"]["en"] for one in checks if one["check"] == "dead letters")
        assert f"Dead letters wait for a person: 1 ({SERVICE}: already-known)" in said
        assert letter["reason"]["code"] == "already-known"
        payload = await events.bus.ask("GET", f"/dead-letters/{letter['id']}/payload")
        assert payload.json == {"maHoSo": "refused", "tinh": DATA["tinh"], "can": DATA["can"]}
        assert (await events.bus.ask("GET", f"/dead-letters/{letter['id']}", system="beta")).status == 404
        register.refuses = set()
        retried = await events.bus.ask("POST", f"/dead-letters/{letter['id']}/retry")
        assert retried.status in (200, 202), retried.body
        await eventually(lambda: "refused" in register.names, seen=lambda: register.got)
        seen: list[tuple[str, str]] = []

        async def recorded() -> bool:
            entries = await events.delivery_entries(made["id"])
            seen[:] = [(one["outcome"], one["state"]) for one in entries if one["message"] == letter["message"]]
            return seen[-1] == ("delivered", "delivered")

        await eventually(recorded, seen=lambda: seen)
        assert seen[:3] == [("already-known", "dead"), ("payload-read", "dead"), ("retried", "delivering")]
        entries = [one for one in await events.delivery_entries(made["id"]) if one["message"] == letter["message"]]
        assert len({entry["subject"] for entry in entries}) == 1, "the same person, though the grant does not show who"
        await events.ask("DELETE", f"/{made['id']}")


async def test_a_letter_whose_recipient_the_grant_hides_is_delivered_again(events: Subscribing) -> None:
    async with Register(events) as register:
        register.refuses = {"refused"}
        made = await events.subscribe(delivery=ADAPTER, events=[ADDRESSED_EVENT])
        await events.publish(ADDRESSED_EVENT, maHoSo="of another agency", hoVaTen="H49.2")
        await events.publish(ADDRESSED_EVENT, maHoSo="refused", hoVaTen="H49.1")
        letters: list[str] = []

        async def has_letter() -> bool:
            got = await events.bus.ask("GET", "/dead-letters")
            letters[:] = [one["id"] for one in got.json["items"] if one.get("subscription") == made["id"]]
            return bool(letters)

        await eventually(has_letter, within=SECONDS)
        register.refuses = set()
        assert (await events.bus.ask("POST", f"/dead-letters/{letters[0]}/retry")).status == 200
        await eventually(lambda: register.names == {"refused"}, within=SECONDS, seen=lambda: register.got)
        await events.ask("DELETE", f"/{made['id']}")


async def test_a_reader_goes_on_where_it_stopped(events: Subscribing) -> None:
    made = await events.subscribe(delivery={"kind": "sse"})
    positions = [await events.publish(maHoSo=f"s-{number}") for number in range(6)]
    first = await events.follow(made["id"], 3)
    assert [position for position, _ in first] == positions[:3]
    rest = await events.follow(made["id"], 3, first[-1][0])
    assert [position for position, _ in rest] == positions[3:]
    assert [event["data"]["maHoSo"] for _, event in rest] == ["s-3", "s-4", "s-5"]
    assert (await events.ask("GET", f"/{made['id']}/events")).code == "step-not-allowed", "it is not for workers"
    to_come = await events.ask(
        "GET", f"/{made['id']}/events?position={positions[-1] + 1000}", accept="text/event-stream"
    )
    assert (to_come.status, to_come.code) == (400, "malformed"), "it would pass over all events before it"
    await events.ask("DELETE", f"/{made['id']}")


async def test_a_reader_gets_data_of_several_lines_whole(events: Subscribing) -> None:
    made = await events.subscribe(system="beta", delivery={"kind": "sse"})
    headers = {"ce-specversion": "1.0", "ce-id": "lines", "ce-source": "/systems/provider"}
    data = {**DATA, "hoVaTen": "An\nBình"}
    body = json.dumps(data, indent=1).replace("\n", "\r\n\n\r").encode()
    got = await events.publish_over_http(body, **headers)
    assert got.status == 202, got.body
    next_one = await events.publish(maHoSo="next")
    [(position, event), (after, _)] = await events.follow(made["id"], 2, system="beta")
    assert event["data"] == data
    assert (position, after) == (next_one - 1, next_one)
    [entry] = [one for one in await events.delivery_entries(made["id"]) if one["message"] == event["lgspmessage"]]
    sent = body.translate(bytes.maketrans(b"\r\n", b"  "))
    assert entry["requestDigest"] == digest(bytes.fromhex(event["lgspsalt"]), sent)
    await events.ask("DELETE", f"/{made['id']}", system="beta")


async def test_metrics_tell_of_each_subscription(events: Subscribing) -> None:
    made = await events.subscribe()
    await events.publish(maHoSo="counted")
    await events.acknowledge(made["id"], await events.pull(made["id"]))
    async with events.bus.session.get("/metrics") as answer:
        text = await answer.text()
    labels = f'outcome="delivered",service="{SERVICE}",subscription="{made["id"]}"'
    assert f"lgsp_subscription_attempts_total{{{labels}}} 1.0" in text
    assert 'lgsp_subscriptions{state="active"}' in text
    await events.ask("DELETE", f"/{made['id']}")
