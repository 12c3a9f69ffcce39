"""What a connection to NATS may do comes from contracts in force alone, is no more than an adapter needs, and ends with its reason."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg
from support.workbench import CONTRACTS, TEXT, Got, Workbench, document

from lgsp_gateway.local import nats_config
from lgsp_gateway.operate.nats_config import LOG_BYTES, LOG_FILES
from lgsp_problems import Refusal
from lgsp_runtime.nats.connection import NatsEndpoint, connect

DEPRECATION = {"since": "2026-01-01", "sunset": "2026-01-02"}


def contract(service: str, provider: str, version: str = "1.0.0") -> dict[str, Any]:
    return {**CONTRACTS[0], "service": service, "provider": provider, "version": version}


class Knocker:
    """A connection as a system, and what the server refuses it."""

    def __init__(self, connection: Client, refused: "asyncio.Queue[Exception]") -> None:
        self.connection = connection
        self._marks = 0
        self.refused = refused

    @classmethod
    async def of(cls, bus: Workbench, system: str) -> "Knocker":
        refused: asyncio.Queue[Exception] = asyncio.Queue()
        return cls(await bus.nats_client(system, refused.put), refused)

    async def may_subscribe(self, subject: str) -> bool:
        """Does the server let it? What it says to a subject that nobody may hear comes after what it says to this one."""
        self._marks += 1
        mark = f"mark.{self._marks}"
        subscription = await self.connection.subscribe(subject)
        await self.connection.subscribe(mark)
        refused = False
        async with asyncio.timeout(20):
            while f'"{mark}"' not in (said := str(await asyncio.wait_for(self.refused.get(), 10)).lower()):
                refused |= f'permissions violation for subscription to "{subject.lower()}"' in said
        if not refused:
            await subscription.unsubscribe()
        return not refused

    async def ended(self) -> None:
        """Return when the server has closed the connection."""
        async with asyncio.timeout(15):
            while self.connection.is_connected and not self.connection.stats["reconnects"]:
                await asyncio.sleep(0.01)


async def put(bus: Workbench, path: str, sent: dict[str, Any], system: str = "operator") -> Got:
    last = await bus.registry("GET", path)
    condition = {"If-Match": last.headers["ETag"]} if last.status == 200 else {"If-None-Match": "*"}
    got = await bus.registry("PUT", path, sent, headers=condition, system=system)
    assert got.status in (200, 201), got.json
    return got


@pytest_asyncio.fixture
async def remove(bus: Workbench) -> AsyncIterator[Callable[[str], None]]:
    paths: list[str] = []
    yield paths.append
    for path in reversed(paths):
        last = await bus.registry("GET", path)
        if last.status == 200:
            await bus.registry("DELETE", path, headers={"If-Match": last.headers["ETag"]})


async def test_a_draft_of_somebody_elses_next_version_opens_nothing(bus: Workbench, remove: Any) -> None:
    """As soon as it is a draft, submitted or retired; and once it is published, that major alone."""
    remove("systems/rival")
    await put(bus, "systems/rival", document("System", "rival", agency="H49.1", title=TEXT))
    remove("services/desk-v2")
    for phase in ("draft", "submitted"):
        await put(
            bus,
            "services/desk-v2",
            document("Service", "desk-v2", phase=phase, contract=contract("desk", "rival", "2.0.0")),
        )
        rival = await Knocker.of(bus, "rival")
        for subject in ("svc.desk.>", "svc.desk.v1.>", "svc.desk.v1.read", "svc.desk.v2.>", "$SRV.STATS.desk"):
            assert not await rival.may_subscribe(subject), (phase, subject)
        await rival.connection.close()
    await put(
        bus,
        "services/desk-v2",
        document("Service", "desk-v2", phase="published", contract=contract("desk", "rival", "2.0.0")),
    )
    rival = await Knocker.of(bus, "rival")
    assert await rival.may_subscribe("svc.desk.v2.>")
    for subject in ("svc.desk.>", "svc.desk.v1.>", "svc.desk.*.read", "svc.desk.v1.read", "svc.desk.v20.read"):
        assert not await rival.may_subscribe(subject), subject
    retired = {"contract": contract("desk", "rival", "2.0.0"), "deprecation": DEPRECATION}
    await put(bus, "services/desk-v2", document("Service", "desk-v2", phase="deprecated", **retired))
    assert rival.connection.is_connected
    assert await rival.may_subscribe("svc.desk.v2.read")
    await put(bus, "services/desk-v2", document("Service", "desk-v2", phase="retired", **retired))
    await rival.ended()
    await rival.connection.close()
    again = await Knocker.of(bus, "rival")
    assert not await again.may_subscribe("svc.desk.v2.read")
    await again.connection.close()


async def test_what_was_let_in_before_a_gateway_was_started_anew_ends_with_its_right(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    made = await bus.registry("POST", "systems", document("System", "leaving", agency="H49.1", title=TEXT))
    leaving = await Knocker.of(bus, "leaving")
    await bus.gateway.stop()
    await bus.gateway.start()
    await bus.ready()
    assert leaving.connection.is_connected
    await bus.registry("DELETE", "systems/leaving", headers={"If-Match": made.headers["ETag"]})
    await leaving.ended()
    await leaving.connection.close()


async def test_a_service_that_changes_hands_takes_its_connections_along(bus: Workbench, remove: Any) -> None:
    for name in ("old-hand", "new-hand"):
        remove(f"systems/{name}")
        await put(bus, f"systems/{name}", document("System", name, agency="H49.1", title=TEXT))
    remove("services/handed-v1")
    await put(bus, "services/handed-v1", document("Service", "handed-v1", contract=contract("handed", "old-hand")))
    old, new = await Knocker.of(bus, "old-hand"), await Knocker.of(bus, "new-hand")
    assert await old.may_subscribe("svc.handed.v1.read")
    assert not await new.may_subscribe("svc.handed.v1.read")
    await put(
        bus, "services/handed-v1", document("Service", "handed-v1", contract=contract("handed", "new-hand", "1.1.0"))
    )
    for knocker in (old, new):
        await knocker.ended()
        await knocker.connection.close()
    old, new = await Knocker.of(bus, "old-hand"), await Knocker.of(bus, "new-hand")
    assert not await old.may_subscribe("svc.handed.v1.read")
    assert await new.may_subscribe("svc.handed.v1.read")
    await old.connection.close()
    await new.connection.close()


HEARD = (
    *(
        ">",
        "*",
        "_INBOX.>",
        "_INBOX.*.*",
        "evt.>",
        "evidence.>",
        "registry.>",
        "checkpoints.*",
        "seals.>",
        "$KV.>",
        "$JS.>",
    ),
    *(
        "$JS.API.>",
        "$JS.EVENT.>",
        "$SYS.>",
        "$SYS.REQ.USER.AUTH",
        "$SRV.>",
        "$SRV.*",
        "$SRV.*.*",
        "$SRV.*.desk",
        "$SRV.STATS.>",
        "$SRV.STATS.hidden-no",
        "svc.*.v1.read",
    ),
    *("svc.desk.>", "svc.desk.*.read", "svc.desk.v11.read", "svc.desk.v1", "SVC.desk.v1.read"),
)
SAID = (
    *("_INBOX.x.1", "svc.desk.v1.read", "evt.desk.v1.changed", "evidence.bench", "registry.x", "checkpoints.bench"),
    *(
        "$KV.LGSP_REGISTRY.System.operator",
        "$JS.API.INFO",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.MSG.GET.KV_LGSP_REGISTRY",
    ),
    *(
        "$JS.API.CONSUMER.CREATE.LGSP_EVIDENCE",
        "$JS.ACK.x.y.1.1.1.1.1",
        "$SYS.REQ.SERVER.PING",
        "$SRV.PING",
        "$SRV.STATS.desk",
    ),
)


async def test_an_adapters_connection_does_nothing_but_what_an_adapter_does(bus: Workbench) -> None:
    hostile = await Knocker.of(bus, "provider")
    for subject in HEARD:
        assert not await hostile.may_subscribe(subject), subject
    for subject in SAID:
        await hostile.connection.publish(subject, b"{}", reply="_INBOX.provider.1")
        said = str(await asyncio.wait_for(hostile.refused.get(), 5)).lower()
        assert "permissions violation for publish" in said, subject
    for subject in ("svc.desk.v1.>", "svc.desk.v1.read", "$SRV.STATS", "$SRV.INFO.desk", "$SRV.PING.desk.abc"):
        assert await hostile.may_subscribe(subject), subject
    await hostile.connection.close()


async def test_a_reply_goes_once_and_to_whom_it_was_asked_by(bus: Workbench) -> None:
    hostile, gateway = await Knocker.of(bus, "provider"), await connect(bus.endpoint("gateway"), "test")
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    asked: asyncio.Queue[Msg] = asyncio.Queue()
    await hostile.connection.subscribe("svc.hidden.v1.>", cb=asked.put)
    await hostile.connection.flush()
    await gateway.subscribe("_INBOX.test.*", cb=heard.put)
    await gateway.publish("svc.hidden.v1.read", b"x", reply="_INBOX.test.1")
    message = await asyncio.wait_for(asked.get(), 5)
    await hostile.connection.publish(message.reply, b"first")
    await hostile.connection.publish(message.reply, b"second")
    await hostile.connection.publish("_INBOX.test.2", b"elsewhere")
    for _ in range(2):
        assert "permissions violation for publish" in str(await asyncio.wait_for(hostile.refused.get(), 5)).lower()
    assert (await asyncio.wait_for(heard.get(), 5)).data == b"first"
    assert heard.empty()
    await hostile.connection.close()
    await gateway.close()


async def test_an_adapter_drains_no_other_and_hears_of_its_own_system_alone(bus: Workbench) -> None:
    adapter = await bus.serve()
    [one] = [copy for copy in await copies(bus) if copy["service"] == "desk"]
    for system in ("provider", "alpha"):  # a copy of the same system, and somebody else
        knocker = await Knocker.of(bus, system)
        subject = f"control.provider.{one['id']}"
        await knocker.connection.publish(subject, b'{"wire":1,"drain":true,"revision":9999}')
        await knocker.connection.flush()
        said = str(await asyncio.wait_for(knocker.refused.get(), 20)).lower()
        assert f'permissions violation for publish to "{subject.lower()}"' in said
        assert await knocker.may_subscribe("control.provider.*") == (system == "provider")
        assert not await knocker.may_subscribe("control.>")
        await knocker.connection.close()
    assert [copy["state"] for copy in await copies(bus) if copy["id"] == one["id"]] == ["serving"]
    await bus.unserve(adapter)


async def test_a_connection_has_so_many_subscriptions_and_no_more(bus: Workbench) -> None:
    hostile = await Knocker.of(bus, "provider")
    for number in range(4_001):
        await hostile.connection.subscribe(f"svc.desk.v1.x{number}")
    async with asyncio.timeout(10):
        while not hostile.connection.is_closed:
            await asyncio.sleep(0.01)
    assert "maximum subscriptions" in str(hostile.connection.last_error).lower()
    await hostile.connection.close()


def stats(service: str, system: str, version: str = "1.0.0", **more: Any) -> bytes:
    endpoint = {"name": "read", "num_requests": 7, "average_processing_time": 1_000_000, **more}
    said = {
        "name": service,
        "id": "FORGED",
        "version": version,
        "started": "2026-11-27T00:00:00Z",
        "metadata": {"system": system, "wire": "1"},
        "endpoints": [endpoint],
    }
    return json.dumps(said).encode()


async def copies(bus: Workbench) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {bus.token('operator')}"}
    async with bus.session.get("/ops/adapters", headers=headers) as answer:
        found: list[dict[str, Any]] = (await answer.json())["items"]
        return found


async def answering(knocker: Knocker, subject: str, *answers: bytes) -> None:
    """Answer every request on a subject, from a subscription of its own for each answer."""
    for data in answers:

        async def answer(message: Msg, data: bytes = data) -> None:
            await message.respond(data)

        await knocker.connection.subscribe(subject, cb=answer)
    await knocker.connection.flush()


async def test_nobody_is_present_in_the_name_of_another(bus: Workbench, remove: Any) -> None:
    """A provider of one service answers for those of others, for other systems and other versions: none of it counts."""
    remove("systems/liar")
    await put(bus, "systems/liar", document("System", "liar", agency="H49.1", title=TEXT))
    remove("services/lies-v1")
    await put(bus, "services/lies-v1", document("Service", "lies-v1", contract=contract("lies", "liar")))
    liar = await Knocker.of(bus, "liar")
    forged = [stats("desk", "provider"), stats("hidden", "provider"), stats("desk", "liar"), stats("lies", "provider")]
    forged += [
        stats("lies", "liar", "2.0.0"),
        stats("lies", "liar", "1.0.0\x1b[2J"),
        stats("lies", "liar", name="\x1b]0;x\x07"),
    ]
    for subject in ("$SRV.STATS", "$SRV.STATS.lies", "$SRV.STATS.lies.*"):
        await answering(liar, subject, *forged)
    assert [copy for copy in await copies(bus) if copy["service"] in ("desk", "hidden", "lies")] == []
    assert not await liar.may_subscribe("$SRV.STATS.desk")
    await liar.connection.close()
    liar = await Knocker.of(bus, "liar")
    told = {
        "upstream": {"up": False, "lastReason": "\x1b[2J", "failed": {"x" * 999: 1}, "failedInARow": 1},
        "more": "y",
    }
    await answering(liar, "$SRV.STATS.lies", stats("lies", "liar", data=told))
    [copy] = await copies(bus)
    assert (copy["service"], copy["system"]) == ("lies", "liar")
    assert copy["operations"]["read"]["upstream"]["lastReason"] == "other"
    assert "y" not in copy["operations"]["read"].values()
    async with bus.session.get("/metrics") as answer:
        exposed = await answer.text()
    assert 'lgsp_adapter_instances{service="lies"} 1.0' in exposed
    assert 'lgsp_adapter_instances{service="desk"}' not in exposed
    assert "xxxx" not in exposed
    await liar.connection.close()


async def test_an_adapter_of_ours_is_present(bus: Workbench) -> None:
    adapter = await bus.serve()
    [copy] = await copies(bus)
    assert (copy["service"], copy["system"], set(copy["operations"])) == (
        "desk",
        "provider",
        set(CONTRACTS[0]["operations"]),  # type: ignore[call-overload]
    )
    await bus.unserve(adapter)


async def knocked(bus: Workbench, token: str) -> str:
    try:
        connection = await connect(NatsEndpoint(bus.nats_url, token=lambda: token), "knock")
    except Refusal as refusal:
        return refusal.detail.en
    await connection.close()
    return ""


async def test_an_address_that_fails_too_often_waits_and_known_tokens_do_not(breakable_bus: Workbench) -> None:
    bus = breakable_bus
    assert await knocked(bus, bus.token("provider")) == ""
    log = bus.state.logs / "gateway-bench.log"
    attempts: list[Awaitable[str]] = [knocked(bus, "x.y.z") for _ in range(150)]
    heard = Counter(await asyncio.gather(*attempts))
    assert all("authorization" in said.lower() for said in heard), heard
    looked_at = log.read_text().count("nats connection refused")
    assert 100 <= looked_at <= 149  # the rest was not looked at
    assert await knocked(bus, bus.token("provider")) == ""  # which the gateway has seen


async def test_what_a_connection_is_refused_does_not_fill_the_disk(bus: Workbench) -> None:
    knocker = await Knocker.of(bus, "alpha")
    for _ in range(12):  # 24 MB of log, where nothing bounds it
        for _ in range(10_000):
            await knocker.connection.publish("svc.desk.v1.read", b"")
        await knocker.connection.flush()
        while not knocker.refused.empty():
            knocker.refused.get_nowait()
    await knocker.connection.close()
    logs = [file.stat().st_size for file in bus.state.logs.glob(f"{nats_config.LOG}*")]
    assert len(logs) > 1  # it was written, and went on in another file
    assert sum(logs) <= (LOG_FILES + 1) * LOG_BYTES
