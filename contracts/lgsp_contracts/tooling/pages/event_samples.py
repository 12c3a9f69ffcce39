"""Samples of an event on the page of its service: a subscription to it, and the event as a subscriber gets it."""

import json
from typing import Any

from lgsp_contracts import cloudevents
from lgsp_contracts.contract import Contract
from lgsp_contracts.event import Event
from lgsp_contracts.tooling.pages.access import PURPOSE
from lgsp_problems import Text

_UNITS = ((86_400, "ngày", "day"), (3_600, "giờ", "hour"), (60, "phút", "minute"), (1, "giây", "second"))


def subscription(contract: Contract, event: Event) -> str:
    """Return the body of a request that subscribes to an event."""
    document = {
        "name": f"{contract.service}-{event.name}",
        "service": contract.service,
        "major": contract.major,
        "events": [event.name],
        "purpose": PURPOSE,
        "delivery": {"kind": "pull"},
    }
    return json.dumps(document, ensure_ascii=False)


def sample_event(contract: Contract, event: Event) -> dict[str, Any]:
    """Return an event in structured mode, with the example of the contract."""
    return {
        "specversion": cloudevents.SPEC_VERSION,
        "id": "01a2f3b4-1012-70d4-8d94-0bea7bf434a4",
        "source": cloudevents.source_of(contract.provider),
        "type": event.type,
        "time": "2026-11-28T08:00:00+07:00",
        "datacontenttype": cloudevents.JSON,
        "data": event.example,
    }


def duration(seconds: float) -> Text:
    """Return a duration in words, in the largest unit that it is a multiple of."""
    for unit, vi, en in _UNITS:
        if seconds >= unit and not seconds % unit:
            number = int(seconds // unit)
            return Text(f"{number} {vi}", f"{number} {en}{'' if number == 1 else 's'}")
    return Text(f"{seconds:g} giây", f"{seconds:g} seconds")
