"""Sends notifications to people's webhooks, by the sender that guards where webhooks may lead (Standard Webhooks)."""

import orjson

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint, Secret
from lgsp_gateway.delivery.webhooks.send_result import Deferred, Delivered, Failed
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.notifications.digest import Digest

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_TYPE = "vn.lgsp.notification.v1"


class NotificationWebhooks:
    """Sends digests to the webhooks of people.

    Args:
        source: the URI of the bus, for CloudEvents.
    """

    def __init__(self, sender: WebhookSender, source: str) -> None:
        self._sender = sender
        self._source = source

    async def send(self, person: str, url: str, secret: str, digest: Digest) -> str:
        """Send a digest.

        Args:
            secret: `whsec_…`.

        Returns:
            Why it was not accepted; empty where it was.
        """
        endpoint = Endpoint(person, "notifications", SystemName(person), url, (Secret("notifications", secret, 0.0),))
        event = {
            "specversion": "1.0",
            "id": digest.id,
            "source": f"{self._source}/notifications",
            "type": _TYPE,
            "datacontenttype": "application/json",
            "data": {"subject": digest.subject, "items": [{"text": text, "url": link} for text, link in digest.lines]},
        }
        result = await self._sender.send(endpoint, digest.id, orjson.dumps(event), media_type=MEDIA_TYPE)
        if isinstance(result, Delivered):
            return ""
        return result.reason.value if isinstance(result, (Failed, Deferred)) else type(result).__name__
