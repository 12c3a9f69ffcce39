"""The example of a contract as an event that could have been published: what filters and operations are checked with, and what a test sends."""

import datetime
import uuid
from dataclasses import replace

import orjson
import uuid_utils

from lgsp_contracts import cloudevents
from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.delivery.events.event_record import MESSAGE
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent
from lgsp_gateway.delivery.subscriptions.subscribed_event import TEST_ATTRIBUTE, StoredEvent


def example_event(authorized: AuthorizedEvent) -> StoredEvent:
    """Return the example of an event that a subscription may receive."""
    event = authorized.event
    attributes = {
        "specversion": cloudevents.SPEC_VERSION,
        "id": str(uuid.uuid4()),
        "source": cloudevents.source_of(authorized.contract.provider),
        "type": event.type,
        "time": datetime.datetime.now(VIETNAM).isoformat(timespec="milliseconds"),
        "datacontenttype": cloudevents.JSON,
        MESSAGE: str(uuid_utils.uuid7()),
    }
    return StoredEvent(0, event.name, attributes, orjson.dumps(event.example), 0.0)


def marked_example(authorized: AuthorizedEvent) -> StoredEvent:
    """Return the example marked as a test."""
    example = example_event(authorized)
    return replace(example, attributes={**example.attributes, TEST_ATTRIBUTE: True})
