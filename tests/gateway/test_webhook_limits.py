"""The limits of a webhook endpoint, and the breaker that leaves one alone which fails."""

import asyncio

import pytest
from aiohttp import web
from support.upstreams import served
from support.webhook_sending import BODY, MESSAGE, Received, endpoint, sending, status

from lgsp_gateway.delivery.webhooks.breaker import FAILURES_TO_OPEN
from lgsp_gateway.delivery.webhooks.send_result import (
    DeferralReason,
    Deferred,
    Delivered,
    Failed,
)
from lgsp_gateway.delivery.webhooks.webhook_event import WebhookEvent


async def test_no_more_requests_are_under_way_than_the_endpoint_allows() -> None:
    running = most = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return web.Response()

    async with served(answer) as url, sending() as sender:
        results = await asyncio.gather(*(sender.send(endpoint(url, concurrency=3), MESSAGE, BODY) for _ in range(30)))
    assert all(isinstance(result, Delivered) for result in results)
    assert most == 3


async def test_no_more_requests_begin_than_the_rate_allows() -> None:
    async with served(status(200)) as url, sending() as sender:
        slow = endpoint(url, rate=0.1)
        first, second = [await sender.send(slow, MESSAGE, BODY) for _ in range(2)]
    assert isinstance(first, Delivered)
    assert isinstance(second, Deferred)
    assert second.reason is DeferralReason.RATE_REACHED
    assert 8 < second.seconds <= 10


async def test_two_gateways_divide_the_limits_of_an_endpoint() -> None:
    async with served(status(200)) as url, sending(share=lambda _: 2) as sender:
        slow = endpoint(url, rate=0.1)
        await sender.send(slow, MESSAGE, BODY)
        second = await sender.send(slow, MESSAGE, BODY)
    assert isinstance(second, Deferred)
    assert 18 < second.seconds <= 20


async def test_an_endpoint_that_fails_is_left_alone_and_then_probed_by_one_request() -> None:
    works, asked = False, 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=200 if works else 500)

    async with served(answer) as url, sending() as sender:
        for _ in range(FAILURES_TO_OPEN):
            assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Failed)
        deferred = await sender.send(endpoint(url), MESSAGE, BODY)
        assert isinstance(deferred, Deferred)
        assert deferred.reason is DeferralReason.BREAKER_OPEN
        assert asked == FAILURES_TO_OPEN
        assert sender.is_open("e-1")


@pytest.mark.long
async def test_a_probe_that_cannot_be_made_leaves_its_turn_to_the_next() -> None:
    works = False

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=200 if works else 500)

    async with served(answer) as url, sending() as sender:
        for _ in range(FAILURES_TO_OPEN):
            await sender.send(endpoint(url), MESSAGE, BODY)
        works = True
        deferred = await sender.send(endpoint(url), MESSAGE, BODY)
        assert isinstance(deferred, Deferred)
        await asyncio.sleep(deferred.seconds + 0.01)
        with pytest.raises(UnicodeDecodeError):
            await sender.send(endpoint(url), MESSAGE, b"\xff")
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)


async def test_a_message_that_the_endpoint_rejects_does_not_stop_the_others() -> None:
    async with served(status(422)) as url, sending() as sender:
        results = [await sender.send(endpoint(url), MESSAGE, BODY) for _ in range(2 * FAILURES_TO_OPEN)]
    assert all(isinstance(result, Failed) for result in results)


async def test_a_paused_endpoint_gets_the_test_event_alone() -> None:
    received = Received()
    async with served(received.answer) as url, sending() as sender:
        paused = endpoint(url, state="paused")
        result = await sender.send(paused, MESSAGE, BODY)
        assert isinstance(result, Deferred)
        assert result.reason is DeferralReason.PAUSED
        assert not received.requests
        assert isinstance(await sender.send_test(paused, WebhookEvent("test", "/test", MESSAGE), BODY), Delivered)
    assert len(received.requests) == 1
