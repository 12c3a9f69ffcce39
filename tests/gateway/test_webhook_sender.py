"""Webhooks to endpoints that behave, and to those that do not: real servers, certificates and connections."""

import asyncio
import json
import socket
import ssl
import time
from email.utils import formatdate
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from standardwebhooks import Webhook, WebhookVerificationError
from support.authority import Authority
from support.processes import free_port
from support.upstreams import served
from support.waits import eventually
from support.webhook_sending import BODY, MESSAGE, SECRET, Received, endpoint, raw_server, sending, status

from lgsp_gateway.delivery.webhooks.breaker import FAILURES_TO_OPEN
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.endpoint import Secret
from lgsp_gateway.delivery.webhooks.send_result import (
    DeferralReason,
    Deferred,
    Delivered,
    Failed,
    FailureReason,
    Gone,
    Refused,
)
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_runtime.listed_networks import parse_networks


async def test_a_receiver_verifies_what_was_sent_with_the_official_library() -> None:
    received = Received()
    async with served(received.answer) as url, sending() as sender:
        for _ in range(2):
            assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY, traceparent="00-1-2-01"), Delivered)
    for headers, body in received.requests:
        assert Webhook(SECRET.value).verify(body, headers) == json.loads(BODY)
        assert (headers["webhook-id"], headers["traceparent"]) == (MESSAGE, "00-1-2-01")
        assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET.value).verify(body.replace(b"An", b"Ba"), headers)


async def test_during_a_rotation_both_secrets_verify_and_afterwards_only_the_new_one() -> None:
    received, now = Received(), time.time()
    former = [Secret("1", new_secret_value(), now, now + ends) for ends in (3600, -1)]
    async with served(received.answer) as url, sending() as sender:
        for one in former:
            await sender.send(endpoint(url, SECRET, one), MESSAGE, BODY)
    (first, body), (second, _) = received.requests
    Webhook(SECRET.value).verify(body, first)
    Webhook(former[0].value).verify(body, first)
    Webhook(SECRET.value).verify(body, second)
    with pytest.raises(WebhookVerificationError):
        Webhook(former[1].value).verify(body, second)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (301, FailureReason.REDIRECT),
        (302, FailureReason.REDIRECT),
        (307, FailureReason.REDIRECT),
        (400, FailureReason.CLIENT_ERROR),
        (401, FailureReason.CLIENT_ERROR),
        (429, FailureReason.TOO_BUSY),
        (500, FailureReason.SERVER_ERROR),
        (503, FailureReason.TOO_BUSY),
    ],
)
async def test_a_status_that_is_no_success_is_a_failure_with_a_reason(code: int, reason: FailureReason) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=code, headers={"Location": "/private"})

    async with served(answer) as url, sending() as sender:
        result = await sender.send(endpoint(f"{url}/hook"), MESSAGE, BODY)
    assert isinstance(result, Failed)
    assert (result.reason, result.status, asked) == (reason, code, ["/hook"])
    assert result.detail.vi
    assert result.detail.en


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
async def test_each_success_counts_as_delivered(code: int) -> None:
    async with served(status(code)) as url, sending() as sender:
        result = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(result, Delivered)
    assert result.status == code


async def test_410_says_that_the_endpoint_wants_no_more() -> None:
    async with served(status(410)) as url, sending() as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Gone)


@pytest.mark.parametrize(
    ("sent", "lowest", "highest"),
    [
        ("7", 7, 7),
        ("999999999999999999999999", 3600, 3600),
        (600, 300, 600),
        (-600, None, None),
        ("0", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("²", None, None),
    ],
    ids=[
        "seconds",
        "too many seconds",
        "a date",
        "a past date",
        "nothing",
        "less than nothing",
        "a word",
        "an odd digit",
    ],
)
async def test_retry_after_counts_within_limits_and_holds_the_endpoint(
    sent: str | int, lowest: float | None, highest: float | None
) -> None:
    retry_after = sent if isinstance(sent, str) else formatdate(time.time() + sent, usegmt=True)
    async with served(status(503, Retry_After=retry_after)) as url, sending() as sender:
        result = await sender.send(endpoint(url), MESSAGE, BODY)
        assert isinstance(result, Failed)
        if lowest is None or highest is None:
            assert result.retry_after is None
            return
        assert result.retry_after is not None
        assert lowest <= result.retry_after <= highest
        held = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(held, Deferred)
    assert held.reason is DeferralReason.BREAKER_OPEN
    assert 0 < held.seconds <= result.retry_after


async def test_a_slow_endpoint_times_out() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(20)
        return web.Response()

    async with served(answer) as url, sending(seconds=0.3) as sender:
        result = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(result, Failed)
    assert result.reason is FailureReason.TIMEOUT


async def test_an_endless_response_is_read_up_to_a_limit_and_counts_by_its_status() -> None:
    sent, ended = 0, asyncio.Event()

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            async with asyncio.timeout(20):
                while True:
                    writer.write(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
                    sent += 0x4000
                    await writer.drain()
        finally:
            ended.set()

    async with raw_server(talk) as url, sending() as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)
        await eventually(ended.is_set)
    assert sent < 16 * 1024 * 1024


async def test_a_success_whose_content_never_ends_is_delivered_when_the_time_is_over() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na")
        await writer.drain()
        await reader.read()  # until the sender closes the connection

    async with raw_server(talk) as url, sending(seconds=0.3) as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", FailureReason.CONNECTION_LOST),
        (b"HTTP/1.1 2", FailureReason.CONNECTION_LOST),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", FailureReason.MALFORMED_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", FailureReason.MALFORMED_RESPONSE),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            FailureReason.UNEXPECTED_STATUS,
        ),
    ],
)
async def test_a_response_that_is_none_is_a_failure(answer: bytes, reason: FailureReason) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with raw_server(talk) as url, sending() as sender:
        result = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(result, Failed)
    assert result.reason is reason


async def test_an_endpoint_that_is_not_there_is_unreachable_and_a_name_that_is_none_is_not_found() -> None:
    async with sending() as sender:
        down = await sender.send(endpoint(f"http://127.0.0.1:{free_port()}/"), MESSAGE, BODY)
    async with sending() as sender:
        unknown = await sender.send(endpoint("https://no-such-name.invalid/"), MESSAGE, BODY)
    assert isinstance(down, Failed)
    assert isinstance(unknown, Failed)
    assert (down.reason, unknown.reason) == (FailureReason.UNREACHABLE, FailureReason.NAME_NOT_FOUND)


async def test_only_valid_certificates_of_trusted_authorities_are_accepted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    loopback = x509.IPAddress(ip_address("127.0.0.1"))
    kinds: dict[str, dict[str, Any]] = {
        "good": {"names": [loopback]},
        "expired": {"names": [loopback], "days": (-2, -1)},
        "other-name": {"names": [x509.DNSName("other.vn")]},
    }
    trusting = ssl.create_default_context(cafile=str(authority.path))
    found = {}
    for name, how in kinds.items():
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*authority.write(name, **how))
        async with served(status(200), context) as url:
            for who, tls in (("private", trusting), ("system", ssl.create_default_context())):
                async with sending(tls=tls) as sender:
                    found[name, who] = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(found.pop(("good", "private")), Delivered)
    assert {result.reason for result in found.values() if isinstance(result, Failed)} == {FailureReason.BAD_CERTIFICATE}
    assert len(found) == 5


async def test_a_server_without_tls_behind_an_https_url_is_a_tls_failure() -> None:
    async with served(status(200)) as url, sending() as sender:
        result = await sender.send(endpoint(url.replace("http:", "https:")), MESSAGE, BODY)
    assert isinstance(result, Failed)
    assert result.reason is FailureReason.TLS_FAILED


class Rebinding(AbstractResolver):
    """A DNS server that answers another address each time."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_a_name_that_rebinds_to_an_internal_address_is_refused_at_the_connection() -> None:
    """127.0.0.1 stands for a network that the operator lists, 127.0.0.2 for everything internal."""
    received = Received()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", received.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    url = f"http://hook.example.vn:{runner.addresses[0][1]}/"
    resolver = Rebinding("127.0.0.1", "127.0.0.2")
    async with sending(resolvers=lambda _: resolver) as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)
    async with sending(resolvers=lambda _: resolver) as sender:
        refused = await sender.send(endpoint(url), MESSAGE, BODY)
        assert isinstance(refused, Refused)
        assert "webhook-networks" in refused.detail.en
    await runner.cleanup()
    assert (len(received.requests), resolver.asked) == (1, 2)


async def test_a_port_that_the_operator_does_not_list_is_refused_at_the_connection() -> None:
    resolver = Rebinding("127.0.0.1", "127.0.0.1")
    listed = EgressAddresses(parse_networks(["127.0.0.1", "127.0.0.2:1024-65535"]))
    received = Received()
    async with served(received.answer) as url, sending(addresses=listed, resolvers=lambda _: resolver) as sender:
        by_name = url.replace("127.0.0.1", "hook.example.vn")
        assert isinstance(await sender.send(endpoint(by_name), MESSAGE, BODY), Refused)
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Refused)
    assert not received.requests


async def test_what_the_operator_lists_no_longer_is_refused_though_the_endpoint_is_stored() -> None:
    async with served(status(200)) as url, sending(addresses=EgressAddresses()) as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Refused)


async def test_nothing_is_sent_unsigned() -> None:
    received, ended = Received(), Secret("1", new_secret_value(), 0.0, 1.0)
    async with served(received.answer) as url, sending() as sender:
        result = await sender.send(endpoint(url, ended), MESSAGE, BODY)
    assert isinstance(result, Refused)
    assert "rotate-secret" in result.detail.en
    assert not received.requests


async def test_connections_are_kept_and_used_again() -> None:
    peers = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="ok")

    async with served(answer) as url, sending() as sender:
        for _ in range(20):
            await sender.send(endpoint(url), MESSAGE, BODY)
    assert len(peers) == 1


async def test_a_connection_on_which_a_request_was_not_read_is_not_used_again() -> None:
    connections = 0

    async def answer_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.1)

    async with raw_server(answer_at_once) as url, sending() as sender:
        for _ in range(2):
            assert isinstance(await sender.send(endpoint(url), MESSAGE, bytes(16 * 1024 * 1024)), Delivered)
    assert connections == 2


@pytest.mark.parametrize(
    "unasked", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"a"]
)
async def test_what_comes_between_two_requests_ends_the_connection(unasked: bytes) -> None:
    connections, has_response, is_closed = 0, asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            writer.write(b"HTTP/1.1 500 Failed\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await has_response.wait()
        writer.write(unasked)
        try:
            await reader.read()
        finally:
            is_closed.set()

    async with raw_server(talk) as url, sending() as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)
        has_response.set()
        await eventually(is_closed.is_set)
        second = await sender.send(endpoint(url), MESSAGE, BODY)
    assert isinstance(second, Failed), "what was sent unasked is no response"
    assert (second.status, connections) == (500, 2)


async def test_a_few_interim_responses_are_passed_over_and_endless_ones_are_a_failure() -> None:
    sent, ended = 0, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if not sent:
            sent = 1
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2 + b"HTTP/1.1 204 No Content\r\n\r\n")
            await reader.read()
        try:
            async with asyncio.timeout(20):
                while True:
                    writer.write(b"HTTP/1.1 100 A\r\n\r\n" * 1000)
                    sent += 1
                    await writer.drain()
        finally:
            ended.set()

    async with raw_server(talk) as url, sending() as sender:
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)
        await sender.close()
        result = await sender.send(endpoint(url), MESSAGE, BODY)
        await eventually(ended.is_set)
    assert isinstance(result, Failed)
    assert result.reason is FailureReason.MALFORMED_RESPONSE


async def test_no_header_is_smuggled_into_a_request() -> None:
    received = Received()
    async with served(received.answer) as url, sending() as sender:
        for traceparent in ("00-1-2-01\r\nX-Other: 1", "00-1-2-01\nX-Other: 1", "00-1-2-01\rX-Other: 1"):
            with pytest.raises(ValueError, match="line end"):
                await sender.send(endpoint(url), MESSAGE, BODY, traceparent=traceparent)
        assert isinstance(await sender.send(endpoint(url), MESSAGE, BODY), Delivered)
    assert len(received.requests) == 1


async def test_a_changed_url_counts_from_the_next_request_on() -> None:
    first, second = Received(), Received()
    async with served(first.answer) as one, served(second.answer) as other, sending() as sender:
        await sender.send(endpoint(one), MESSAGE, BODY)
        await sender.send(endpoint(other), MESSAGE, BODY)
    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_neither_content_nor_secret_come_into_the_log() -> None:
    with structlog.testing.capture_logs() as logged:
        async with served(status(500)) as url, sending() as sender:
            for _ in range(FAILURES_TO_OPEN):
                await sender.send(endpoint(f"{url}/?token=s3cret"), MESSAGE, BODY)
    text = repr(logged)
    assert "server-error" in text
    for private in ("Nguyễn", SECRET.value, "s3cret"):
        assert private not in text
    assert SECRET.value not in repr(endpoint("https://example.vn"))
