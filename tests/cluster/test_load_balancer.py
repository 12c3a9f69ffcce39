"""Gateways behind HAProxy: restarted, killed and stopped under load; whom it is that calls; and what a caller is told when none is there."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest
from support.authority import Authority
from support.balanced_bus import BalancedBus
from support.preloaded import run
from support.steady_clients import FAILED, Request, SteadyClients
from support.waits import eventually
from support.workbench import NUMBER
from yarl import URL

READ = "/services/desk/v1/read"


def clients(bus: BalancedBus) -> SteadyClients:
    """Programs that read from the desk all the time."""
    request = Request(READ, {"soDinhDanh": NUMBER})
    authorization = {"Authorization": f"Bearer {bus.token('alpha')}"}
    return SteadyClients(f"http://127.0.0.1:{bus.port}", lambda: request, lambda: authorization)


async def test_a_restart_of_each_gateway_is_not_noticed(balanced: BalancedBus) -> None:
    async with clients(balanced) as load:
        await eventually(lambda: len(load.calls) > 100)
        for name in balanced.gateways:
            await balanced.restart(name)
            seen = len(load.calls)
            await eventually(lambda seen=seen: len(load.calls) > seen + 100)  # type: ignore[misc]
    assert set(load.statuses) == {200}
    written = {entry.get("message") for entry in await balanced.entries()}
    assert {call.message for call in load.calls} <= written


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_calls_go_on_without_a_gateway(balanced: BalancedBus, fault: signal.Signals) -> None:
    gateway = balanced.gateways["second"]
    async with clients(balanced) as load:
        await eventually(lambda: len(load.calls) > 100)
        gateway.signal(fault)
        broken = len(load.calls)
        await eventually(lambda: len([call for call in load.calls[broken:] if call.status == 200]) > 500)
        if fault == signal.SIGSTOP:
            gateway.signal(signal.SIGCONT)
        else:
            await gateway.ended()
            await gateway.start()

        async def is_back() -> bool:
            return await balanced.is_ready("second")

        await eventually(is_back)
    print(load.report(f"a gateway {fault.name}"))
    lost = [call for call in load.calls if call.status != 200]
    assert {call.status for call in lost} <= {502, FAILED}
    assert len({call.client for call in lost}) == len(lost), "no client loses more than the call that was under way"
    written = {entry.get("message") for entry in await balanced.entries()}
    assert {call.message for call in load.accepted()} <= written


async def test_a_flood_from_one_address_leaves_the_others_alone(balanced: BalancedBus) -> None:
    """Behind HAProxy all come from its address: the gateway goes by the client's, which no client can make up."""
    url, last = f"http://127.0.0.1:{balanced.port}", 0
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as stranger:
        for number in range(400):
            headers = {"Authorization": f"Bearer a.b.{number}", "X-Forwarded-For": f"203.0.113.{number % 250}"}
            async with stranger.post(READ, json={"soDinhDanh": NUMBER}, headers=headers) as answer:
                last = answer.status
            if last == 429:
                break
    assert last == 429
    for _ in range(4):  # whichever gateway it is
        token = balanced.token("alpha", life=600)
        got = await balanced.call(headers={"Authorization": f"Bearer {token}"})
        assert got.status == 200, got.body


async def test_streams_and_uploads_pass_and_metrics_do_not(balanced: BalancedBus) -> None:
    headers = {"Authorization": f"Bearer {balanced.token('auditor')}"}
    async with balanced.session.get("/evidence/entries?last=1&follow=true", headers=headers) as stream:
        assert stream.status == 200
        message = (await balanced.call()).message
        async with asyncio.timeout(20):
            async for line in stream.content:
                if message.encode() in line:
                    break
    for path in ("/metrics", "/%6Detrics", "/metric%73?all"):  # gateways decode what HAProxy compares
        async with balanced.session.get(URL(path, encoded=True)) as answer:
            assert answer.status == 404, f"each gateway has metrics of its own, not for callers: {path}"
    large = json.dumps({"soDinhDanh": NUMBER, "hoVaTen": "x" * 2_000_000}).encode()
    assert (await balanced.call(body=large)).status in {413, 422}, "a body is passed on, and refused by the gateway"


async def test_without_gateways_the_caller_is_told_what_to_do(balanced: BalancedBus) -> None:
    await asyncio.gather(*(gateway.kill() for gateway in balanced.gateways.values()))
    got = await balanced.answers(lambda got: got.status == 503)
    assert got.headers["Content-Type"] == "application/problem+json"
    assert (got.code, got.json["status"]) == ("bus-unavailable", 503)
    assert "try again in a few seconds" in got.json["detail"]
    for gateway in balanced.gateways.values():
        await gateway.start()
    await eventually(balanced.is_served)
    await balanced.nats.kill()
    try:
        got = await balanced.answers(lambda got: got.status == 503 and "instance" in got.json)
        assert got.message, "a gateway that is alive and not ready says itself why"
    finally:
        await balanced.start_nats()
    await eventually(balanced.is_served)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--gateway", "127.0.0.1"], "balances two or more gateways"),
        (["--gateway", "127.0.0.1:1", "--gateway", "127.0.0.1:1"], "each once"),
        (["--gateway", "127.0.0.1", "--gateway", "gw-2"], "(gw-2) takes TLS; give --gateway-ca"),
        (
            ["--gateway", "127.0.0.1:1", "--gateway", "127.0.0.1:2", "--listen", "10.0.0.5"],
            "takes TLS; give --tls-cert",
        ),
    ],
)
async def test_what_would_be_unsafe_is_refused(tmp_path: Path, options: list[str], says: str) -> None:
    code, _, err = await run("haproxy", "config", "--to", str(tmp_path / "haproxy.cfg"), *options)
    assert (code, says in err) == (1, True), err
    assert not (tmp_path / "haproxy.cfg").exists()


async def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    cert, _ = Authority(tmp_path).write("bus")
    two = ["--gateway", "127.0.0.1:1", "--gateway", "127.0.0.1:2", "--tls-cert", str(cert)]
    code, _, err = await run("haproxy", "config", "--to", str(tmp_path / "haproxy.cfg"), *two)
    assert (code, "the private key in one file" in err) == (1, True), err
