"""Events of the stream, read once for all their subscriptions."""

import dataclasses

import orjson
import pytest

from lgsp_contracts.projection import Projection
from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.subscriptions.recent_events import RecentEvents

ATTRIBUTES = {"id": "1", "source": "/systems/a", "subject": "x", "orderingkey": "k"}


def delivery(position: int = 1, data: bytes = b'{"so":1.10,"ten":"An"}') -> Delivery:
    return Delivery("E", "events.a.v1.b", position, orjson.dumps(ATTRIBUTES) + b"\n" + data, {}, 0.0, 1, 1)


def test_an_event_is_read_once() -> None:
    recent = RecentEvents()
    assert recent.ordering_key(delivery()) == "k"
    assert recent.read(delivery()) is recent.read(dataclasses.replace(delivery(), attempt=2))


def test_another_message_at_the_same_position_is_another_event() -> None:
    """As in a stream that was made anew."""
    recent = RecentEvents()
    first = recent.read(delivery())
    assert recent.read(delivery(data=b"{}")).document == {}
    assert recent.read(dataclasses.replace(delivery(), subject="events.a.v1.c")).event == "c"
    assert recent.read(delivery()) is not first


def test_memory_is_bounded() -> None:
    recent = RecentEvents(max_bytes=len(delivery().payload) * 2)
    first, *_ = [recent.read(delivery(position)) for position in (1, 2, 3)]
    assert recent.read(delivery(3)) is recent.read(delivery(3))
    assert recent.read(delivery(1)) is not first
    large = delivery(4, b'"' + bytes(1000).replace(b"\0", b"x") + b'"')
    assert recent.read(large) is not recent.read(large)


def test_what_is_no_event_is_in_order_with_nothing() -> None:
    recent = RecentEvents()
    for payload in (b"", b"{}", b"[]\n{}", b"x\n{}"):
        broken = dataclasses.replace(delivery(), payload=payload)
        assert recent.ordering_key(broken) == ""
        with pytest.raises(ValueError, match=r"."):
            recent.read(broken)


def test_grants_that_show_the_same_fields_share_what_they_show() -> None:
    event = RecentEvents().read(delivery())
    shown = event.visible(Projection(["/so"]))
    assert shown is event.visible(Projection(["/so"]))
    assert (shown.data, shown.document) == (b'{"so":1.10}', {"so": 1.1})
    assert shown.attributes == {"id": "1", "source": "/systems/a"}
    whole = event.visible(Projection(["*"]))
    assert (whole.data, whole.document["ten"]) == (b'{"so":1.10,"ten":"An"}', "An")
    assert whole.attributes == {"id": "1", "source": "/systems/a", "subject": "x"}
