"""Sends webhooks: one signed POST to an endpoint, and what became of it.

Whatever the endpoint does (it is slow, endless, redirects, closes) ends within `TOTAL_SECONDS`, and in a `SendResult`. Neither the content
nor a secret, nor anything that the endpoint sends, comes into a log.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from aiohttp.http import HttpProcessingError
from structlog.typing import FilteringBoundLogger

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.channel import EndpointChannel
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.egress_urls import EgressUrls, UrlNotAllowed
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint
from lgsp_gateway.delivery.webhooks.result_mapping import result_of_error, result_of_response
from lgsp_gateway.delivery.webhooks.send_result import (
    DeferralReason,
    Deferred,
    Failed,
    FailureReason,
    Refused,
    SendResult,
)
from lgsp_gateway.delivery.webhooks.signatures import signature_headers
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent
from lgsp_problems import Text

CLOUD_EVENT: Final = "application/cloudevents+json; charset=utf-8"
"""The media type of a CloudEvent in structured mode."""
TOTAL_SECONDS = 15.0
TURN_SECONDS = 5.0
"""How long a request waits for its turn where the endpoint is busy."""
IDLE_SECONDS = 120.0
"""After which an endpoint's connections, limits and breaker are forgotten."""

Observer = Callable[[Endpoint, str, WebhookEvent | None, SendResult], None]

_PAUSED_SECONDS = 30.0
_NO_SECRET = Text(
    "Điểm nhận không còn khóa ký dùng được; hãy tạo khóa mới bằng `lgsp endpoints rotate-secret`.",
    "The endpoint has no usable secret; make a new one with `lgsp endpoints rotate-secret`.",
)
_ENDPOINT_DOWN = frozenset(FailureReason) - {FailureReason.CLIENT_ERROR}
"""What says that the endpoint does not work; a 4xx may be about the one message."""


class WebhookSender:
    """Sends webhooks, within the limits of each endpoint.

    Args:
        addresses: decides where connections may lead.
        tls: of its connections.
        share: returns among how many gateways the limits of an endpoint are divided now, by its id.
        resolvers: returns what resolves the names of a system; None for that of the operating system.
        seconds: that a request may take, its response included.
    """

    def __init__(
        self,
        addresses: EgressAddresses,
        tls: ssl.SSLContext,
        share: Callable[[str], int] = lambda _: 1,
        resolvers: Callable[[SystemName], AbstractResolver | None] = lambda _: None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._addresses = addresses
        self._urls = EgressUrls(addresses)
        self._tls = tls
        self._share = share
        self._resolvers = resolvers
        self._seconds = seconds
        self._channels: dict[str, EndpointChannel] = {}
        self._retired: list[EndpointChannel] = []
        self.observers: list[Observer] = []
        """Called with the endpoint, the message, its event and the result of each attempt; not where none was made."""

    async def send(
        self,
        endpoint: Endpoint,
        message_id: str,
        body: bytes,
        *,
        media_type: str = CLOUD_EVENT,
        event: WebhookEvent | None = None,
        traceparent: str = "",
    ) -> SendResult:
        """Send one webhook to an endpoint.

        Waits at most a few seconds for a turn where the endpoint is busy. Never raises for what the endpoint does.

        Args:
            endpoint: as `Endpoints` has it now.
            message_id: the `webhook-id`: the same in each attempt, by which the receiver recognises a repeat. ASCII without a dot.
            body: the content, UTF-8: of an event the CloudEvent in structured mode.
            media_type: of the body.
            event: that the body has, for the list of attempts.
            traceparent: of the trace that it belongs to (W3C); empty for none.
        """
        if endpoint.state == "paused":
            return Deferred(DeferralReason.PAUSED, _PAUSED_SECONDS)
        try:
            channel = self._channel(endpoint)
        except UrlNotAllowed as refusal:
            return self._observed(endpoint, message_id, event, Refused(refusal.detail))
        if deferred := await _take_turn(channel):
            return deferred
        try:
            result = await _attempt(channel, endpoint, message_id, body, _further_headers(media_type, traceparent))
        except BaseException:  # cancelled, or an error of our own: the next request is the probe
            channel.breaker.record_unknown()
            raise
        finally:
            channel.limiter.release()
        _record(channel, endpoint, result)
        return self._observed(endpoint, message_id, event, result)

    async def send_test(self, endpoint: Endpoint, event: WebhookEvent, body: bytes) -> SendResult:
        """Send a test event, whether or not the endpoint is paused or its breaker open; it counts towards neither.

        Args:
            event: its id is that of the message too.
        """
        try:
            channel = self._channel(endpoint)
        except UrlNotAllowed as refusal:
            return self._observed(endpoint, event.id, event, Refused(refusal.detail))
        return self._observed(
            endpoint,
            event.id,
            event,
            await _attempt(channel, endpoint, event.id, body, _further_headers(CLOUD_EVENT, "")),
        )

    async def close_idle(self) -> None:
        """Close what was not used for a while."""
        oldest = time.monotonic() - IDLE_SECONDS
        idle = {key: one for key, one in self._channels.items() if one.last_used < oldest and not one.limiter.active}
        retired = [one for one in self._retired if one.last_used < oldest and not one.limiter.active]
        for endpoint_id in idle:
            del self._channels[endpoint_id]
        self._retired = [one for one in self._retired if one not in retired]
        for channel in (*idle.values(), *retired):
            await channel.close()

    async def close(self) -> None:
        """Close all connections."""
        channels = [*self._channels.values(), *self._retired]
        self._channels, self._retired = {}, []
        for channel in channels:
            await channel.close()

    def is_open(self, endpoint_id: str) -> bool:
        """Tell whether the breaker of an endpoint is open in this gateway."""
        channel = self._channels.get(endpoint_id)
        return channel is not None and channel.breaker.is_open

    def open_breakers(self) -> dict[str, str]:
        """Return the system of each endpoint whose breaker is open in this gateway, by the endpoint's id."""
        return {endpoint: channel.system for endpoint, channel in self._channels.items() if channel.breaker.is_open}

    def failing(self) -> dict[str, int]:
        """Return how many endpoints have an open breaker in this gateway, for each system that it sends to."""
        failing: dict[str, int] = {}
        for channel in self._channels.values():
            failing[channel.system] = failing.get(channel.system, 0) + channel.breaker.is_open
        return failing

    def _channel(self, endpoint: Endpoint) -> EndpointChannel:
        """Return the way to an endpoint, with its limits as they are now.

        Raises:
            UrlNotAllowed: its URL is not allowed, or no longer.
        """
        channel = self._channels.get(endpoint.id)
        if channel is None or channel.text != endpoint.url:
            url = self._urls.check(endpoint.url)
            channel = EndpointChannel(
                endpoint.system,
                endpoint.url,
                url,
                self._addresses,
                self._tls,
                self._seconds,
                self._resolvers(endpoint.system),
            )
            if endpoint.id in self._channels:
                self._retired.append(self._channels[endpoint.id])  # its requests end; `close_idle` closes it
            self._channels[endpoint.id] = channel
        gateways = max(1, self._share(endpoint.id))
        channel.limiter.set_limits(max(1, endpoint.concurrency // gateways), endpoint.rate / gateways)
        return channel

    def _observed(
        self, endpoint: Endpoint, message_id: str, event: WebhookEvent | None, result: SendResult
    ) -> SendResult:
        for observe in self.observers:
            observe(endpoint, message_id, event, result)
        return result


async def _take_turn(channel: EndpointChannel) -> Deferred | None:
    """Take a turn of an endpoint, which `limiter.release` gives back; or say why there is none."""
    limiter, breaker = channel.limiter, channel.breaker
    if not await limiter.take_slot(TURN_SECONDS):
        return Deferred(DeferralReason.CONCURRENCY_REACHED, TURN_SECONDS)
    if wait := breaker.admit():
        limiter.release()
        return Deferred(DeferralReason.BREAKER_OPEN, wait)
    pause = limiter.reserve_start(TURN_SECONDS)
    if pause is None:
        breaker.record_unknown()
        limiter.release()
        return Deferred(DeferralReason.RATE_REACHED, limiter.seconds_to_start())
    if pause:
        try:
            await asyncio.sleep(pause)
        except asyncio.CancelledError:
            breaker.record_unknown()
            limiter.release()
            raise
    return None


async def _attempt(
    channel: EndpointChannel, endpoint: Endpoint, message_id: str, body: bytes, further: Mapping[str, str]
) -> SendResult:
    now = time.time()
    if not any(one.signs(now) for one in endpoint.secrets):  # nothing unsigned is sent
        return Refused(_NO_SECRET)
    headers = {**signature_headers(endpoint.secrets, message_id, body.decode(), now), **further}
    began = time.perf_counter()
    try:
        return result_of_response(await channel.post(body, headers))
    except (aiohttp.ClientError, HttpProcessingError, TimeoutError) as error:
        return result_of_error(error, (time.perf_counter() - began) * 1000)


def _further_headers(media_type: str, traceparent: str) -> dict[str, str]:
    headers = {"Content-Type": media_type}
    return {**headers, "traceparent": traceparent} if traceparent else headers


def _record(channel: EndpointChannel, endpoint: Endpoint, result: SendResult) -> None:
    """Tell the breaker what became of an attempt, and the log when that opened or closed it."""
    if isinstance(result, Refused):
        if channel.breaker.record_failure():
            _log(endpoint).warning("webhook endpoint not allowed, its breaker opens")
    elif isinstance(result, Failed) and result.reason in _ENDPOINT_DOWN:
        if channel.breaker.record_failure(result.retry_after):
            reason = result.reason.value
            _log(endpoint).warning("webhook endpoint fails, its breaker opens", reason=reason, status=result.status)
    elif channel.breaker.record_success():
        _log(endpoint).info("webhook endpoint works again, its breaker closes")


def _log(endpoint: Endpoint) -> FilteringBoundLogger:
    log: FilteringBoundLogger = structlog.get_logger()
    return log.bind(endpoint=endpoint.id, system=endpoint.system)
