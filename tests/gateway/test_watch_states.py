"""The states of watches, as adapters ask the gateway for them: one holder at a time, written over what was read, each system its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from support.at_rest import files_with
from support.workbench import Workbench

from lgsp_contracts import watch_state
from lgsp_contracts.names import SystemName
from lgsp_contracts.watch_state import WatchGranted, WatchHeld, WatchRequest

PROVIDER = SystemName("provider")
ONE, OTHER = "0" * 16, "1" * 16


class Asker:
    """An adapter of the system `provider`."""

    def __init__(self, connection: Client) -> None:
        self.connection = connection
        self.replies: asyncio.Queue[bytes] = asyncio.Queue()
        self.refused: list[Exception] = []

    async def ask(
        self, name: str, holder: str = ONE, lease: int = 30, revision: int | None = None, state: Any = None
    ) -> Any:
        """Ask, and return the reply."""
        request = WatchRequest(name, holder, lease, revision, state).to_bytes()
        await self.connection.publish("watch.provider", request, reply="watch-reply.provider.x")
        return watch_state.parse(await asyncio.wait_for(self.replies.get(), 10))


@pytest_asyncio.fixture
async def asker(bus: Workbench) -> AsyncIterator[Asker]:
    errors: list[Exception] = []

    async def on_refused(error: Exception) -> None:
        errors.append(error)

    connection = await bus.nats_client("provider", on_refused)
    found = Asker(connection)
    found.refused = errors

    async def take(message: Any) -> None:
        await found.replies.put(message.data)

    await connection.subscribe(f"{watch_state.reply_prefix(PROVIDER)}>", cb=take)
    await connection.flush()
    yield found
    await connection.close()


async def test_a_state_is_written_over_what_was_read(asker: Asker) -> None:
    first = await asker.ask("a.v1.b")
    assert isinstance(first, WatchGranted)
    assert first.state is None
    written = await asker.ask("a.v1.b", revision=first.revision, state={"watermark": 1})
    assert (written.state, written.revision > first.revision) == ({"watermark": 1}, True)
    outdated = await asker.ask("a.v1.b", revision=first.revision, state={"watermark": 0})
    assert outdated.state == {"watermark": 1}
    assert await asker.ask("a.v1.b") == written, "a fresh lease is not written again"


async def test_one_copy_holds_a_state_until_it_gives_it_up(asker: Asker) -> None:
    granted = await asker.ask("a.v1.c")
    await asker.ask("a.v1.c", revision=granted.revision, state=7)
    held = await asker.ask("a.v1.c", OTHER)
    assert isinstance(held, WatchHeld)
    assert 0 < held.seconds <= 30
    assert isinstance(await asker.ask("a.v1.c", OTHER, revision=granted.revision, state=8), WatchHeld)
    await asker.ask("a.v1.c", lease=0)
    taken = await asker.ask("a.v1.c", OTHER)
    assert taken.state == 7
    assert isinstance(await asker.ask("a.v1.c", ONE, revision=taken.revision, state=9), WatchHeld)


async def test_a_state_is_not_readable_on_the_disk(bus: Workbench, asker: Asker) -> None:
    """It has what tells apart what was announced: a person's number, in many a table."""
    granted = await asker.ask("a.v1.f")
    written = await asker.ask("a.v1.f", revision=granted.revision, state={"announced": ["022093005544"]})
    assert written.state == {"announced": ["022093005544"]}
    assert files_with(bus.state.nats, ["022093005544"]) == {}


async def test_what_is_no_request_gets_no_reply(asker: Asker) -> None:
    for data in (
        b"",
        b"[]",
        WatchRequest("../x", ONE, 30).to_bytes(),
        WatchRequest("a.v1.b.>", ONE, 30).to_bytes(),
        WatchRequest("a.v1.b", "me", 30).to_bytes(),
        WatchRequest("a.v1.b", ONE, 10**9).to_bytes(),
        WatchRequest("a.v1." + "b" * 300, ONE, 30).to_bytes(),
        WatchRequest("a.v1.b", ONE, 30, 0, "x" * watch_state.MAX_STATE_BYTES).to_bytes(),
    ):
        await asker.connection.publish("watch.provider", data, reply="watch-reply.provider.x")
    assert isinstance(await asker.ask("a.v1.d"), WatchGranted)
    assert asker.replies.empty()


async def test_a_system_reaches_its_own_states_alone(asker: Asker) -> None:
    request = WatchRequest("a.v1.b", ONE, 30).to_bytes()
    await asker.connection.publish("watch.provider", request, reply="watch-reply.alpha.x")
    await asker.connection.publish("watch.alpha", request, reply="watch-reply.provider.x")
    assert isinstance(await asker.ask("a.v1.e"), WatchGranted)
    assert asker.replies.empty()
    assert any("watch.alpha" in str(error) for error in asker.refused)
    with pytest.raises((NatsTimeoutError, NoRespondersError)):
        await asker.connection.request("$JS.API.STREAM.INFO.KV_LGSP_WATCHES", timeout=0.3)
