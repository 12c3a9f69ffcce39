"""Delivers events to webhook endpoints, by the sender that callbacks use too."""

from lgsp_gateway.delivery.entries import Channel
from lgsp_gateway.delivery.messages.state import Reason
from lgsp_gateway.delivery.subscriptions.attempts import AttemptResult, Delivered, Ended, Failed, NotSent
from lgsp_gateway.delivery.subscriptions.authorization import AuthorizedEvent
from lgsp_gateway.delivery.subscriptions.model import Subscription, WebhookDelivery
from lgsp_gateway.delivery.subscriptions.subscribed_event import SubscribedEvent
from lgsp_gateway.delivery.webhooks import send_result
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.delivery.webhooks.send_result import SendResult
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent
from lgsp_problems import Text

NO_ENDPOINT = "endpoint-missing"
NO_ENDPOINT_SECONDS = 600.0
"""A lane whose endpoint was deleted looks again now and then; a new endpoint of the subscription ends the pause."""
GONE = Reason(
    "gone",
    Text(
        "Điểm nhận trả lời 410: không nhận nữa; khi cần lại, hãy cho đăng ký nhận chạy tiếp (resume).",
        "The endpoint answered 410: it wants no more events; resume the subscription when it does.",
    ),
)
_BAD_GATEWAY = 502
_REFUSED = "url-not-allowed"


class WebhookAttempts:
    """Sends events to the endpoints of their subscribers."""

    channel: Channel = "webhook"

    def __init__(self, endpoints: Endpoints, sender: WebhookSender) -> None:
        self._endpoints = endpoints
        self._sender = sender

    async def attempt(
        self,
        subscription: Subscription,
        event: SubscribedEvent,
        authorized: AuthorizedEvent,
    ) -> AttemptResult:
        """Send an event; see `Attempter`."""
        endpoint = self.endpoint_of(subscription)
        if endpoint is None:
            return NotSent(NO_ENDPOINT, NO_ENDPOINT_SECONDS)
        sent = WebhookEvent(
            f"{subscription.service}/{event.event}",
            str(event.attributes.get("source", "")),
            str(event.attributes.get("id", "")),
        )
        trace = str(event.attributes.get("traceparent", ""))
        return _result(await self._sender.send(endpoint, event.id, event.structured, event=sent, traceparent=trace))

    def endpoint_of(self, subscription: Subscription) -> Endpoint | None:
        """Return the endpoint of a subscription; None where there is none, or it belongs to somebody else."""
        if not isinstance(subscription.delivery, WebhookDelivery):
            return None
        endpoint = self._endpoints.find(subscription.delivery.endpoint)
        return endpoint if endpoint and endpoint.system == subscription.consumer else None


def _result(sent: SendResult) -> AttemptResult:
    if isinstance(sent, send_result.Delivered):
        return Delivered(sent.status, sent.ms)
    if isinstance(sent, send_result.Gone):
        return Ended(GONE, 410, sent.ms)
    if isinstance(sent, send_result.Deferred):
        return NotSent(sent.reason.value, sent.seconds)
    if isinstance(sent, send_result.Refused):
        return Failed(Reason(_REFUSED, sent.detail), _BAD_GATEWAY)
    return Failed(Reason(sent.reason.value, sent.detail), sent.status or _BAD_GATEWAY, sent.ms, sent.retry_after)
