"""What an adapter of one's own publishes: accepted before `publish` returns, in order, once, whatever happens in between."""

import asyncio
from typing import Any

import pytest
from support.event_bus import EventBus
from support.waits import eventually
from support.watches import CONTRACT

from lgsp_adapters.adapter import Adapter, PublicationRefused
from lgsp_adapters.host.event_publisher import IN_FLIGHT, NatsEventPublisher
from lgsp_problems import Refusal
from lgsp_runtime.nats.connect import connect_for_calls

EVENT = "birth-registered"


def birth(number: int, place: str = "A") -> dict[str, Any]:
    return {"ma": number, "xa": place}


@pytest.fixture
async def adapter(events: EventBus) -> Any:
    found = Adapter({})
    publisher = NatsEventPublisher("ho-tich", CONTRACT)
    found.publish_events_with(publisher)
    connection = await connect_for_calls(events.endpoint, "adapter", fast_path=True)
    await publisher.connect(connection)
    yield found
    publisher.disconnect(connection)
    await connection.close()


async def test_an_event_is_on_disk_when_publish_returns(events: EventBus, adapter: Adapter) -> None:
    message = await adapter.publish(EVENT, birth(1), id="1", time="2026-11-28T08:00:00+07:00")
    assert message == "1"
    assert events.events == {"1": ("2026-11-28T08:00:00+07:00", birth(1))}


async def test_events_of_one_key_stay_in_the_order_of_the_calls(events: EventBus, adapter: Adapter) -> None:
    calls = [adapter.publish(EVENT, birth(number, f"X{number % 3}"), id=str(number)) for number in range(300)]
    await asyncio.gather(*calls)
    for key in range(3):
        assert [item["ma"] for item in events.data if item["xa"] == f"X{key}"] == list(range(key, 300, 3))


async def test_a_refused_event_does_not_keep_back_the_others(events: EventBus, adapter: Adapter) -> None:
    events.refused["1"] = "contract-violation"
    first = asyncio.create_task(adapter.publish(EVENT, birth(1), id="1"))
    await adapter.publish(EVENT, birth(2), id="2")
    with pytest.raises(PublicationRefused) as refused:
        await first
    assert refused.value.code == "contract-violation"


async def test_what_has_no_reply_is_sent_again_over_the_next_connection(events: EventBus) -> None:
    publisher = NatsEventPublisher("ho-tich", CONTRACT)
    first = await connect_for_calls(events.endpoint, "first", fast_path=True)
    await publisher.connect(first)
    events.silent = True
    published = asyncio.create_task(publisher.publish(EVENT, birth(1), id="1"))
    await events.received(1)
    events.silent = False
    second = await connect_for_calls(events.endpoint, "second", fast_path=True)
    await publisher.connect(second)
    publisher.disconnect(first)
    assert await asyncio.wait_for(published, 20) == "1"
    assert events.sent == ["1", "1"]
    assert len(events.events) == 1
    publisher.disconnect(second)
    await asyncio.gather(first.close(), second.close())


async def test_no_more_than_so_many_wait_for_their_acceptance(events: EventBus, adapter: Adapter) -> None:
    events.silent = True
    calls = [asyncio.create_task(adapter.publish(EVENT, birth(n, f"{n}"), id=str(n))) for n in range(3 * IN_FLIGHT)]
    await events.received(IN_FLIGHT)
    await asyncio.sleep(0)
    assert len(events.sent) == IN_FLIGHT
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    events.silent = False
    await eventually(lambda: len(events.sent) == IN_FLIGHT)


async def test_what_the_contract_does_not_declare_or_json_cannot_carry(events: EventBus, adapter: Adapter) -> None:
    with pytest.raises(PublicationRefused, match="declares no such event"):
        await adapter.publish("death-registered", birth(1), id="1")
    with pytest.raises(PublicationRefused, match="cannot be written"):
        await adapter.publish(EVENT, {"ma": 1, "xa": "A", "lạ": {1, 2}}, id="1")
    assert events.sent == []


async def test_without_a_bus_nothing_is_published() -> None:
    with pytest.raises(Refusal, match="runs without a bus"):
        await Adapter({}).publish(EVENT, birth(1), id="1")
