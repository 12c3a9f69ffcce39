"""The event that is sent to try an endpoint: a CloudEvent like any other, of a type of its own."""

import datetime
from typing import Final

import orjson
import uuid_utils

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent

TYPE: Final = "lgsp.webhook.test"


def new_test_event(endpoint: Endpoint) -> tuple[WebhookEvent, bytes]:
    """Return a test event, whose id is that of its message too, and its content."""
    message_id = str(uuid_utils.uuid7())
    tested = WebhookEvent(TYPE, f"/endpoints/{endpoint.id}", message_id)
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": tested.source,
        "type": TYPE,
        "time": datetime.datetime.now(VIETNAM).isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "lgspmessage": message_id,
        "data": {"endpoint": endpoint.name},
    }
    return tested, orjson.dumps(event)
