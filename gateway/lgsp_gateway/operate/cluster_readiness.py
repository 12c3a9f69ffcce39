"""Waits until the NATS servers of a cluster are ready: until they have elected their leaders, and until each of them has what was restored.

The leader alone has it when a restore is acknowledged. NATS lets the other servers catch up afterwards, out of band. Servers that are stopped before, as a restore that runs its own stops them, may
elect one without a message as the leader; the others then drop theirs.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from lgsp_gateway.operate.backup.stream_backup import ask_api, list_names
from lgsp_problems import BusUnavailable, CannotStart
from lgsp_runtime.nats.request_reply import bus_unavailable

START_SECONDS = 60.0
"""For servers that have just been started to elect leaders."""
REPLICA_SECONDS = 120.0
"""For the slowest server to have a stream; a gigabyte takes seconds on one machine and a minute over 100 Mbit/s."""
_POLL_SECONDS = 0.1


async def wait_for_jetstream(connection: Client) -> None:
    """Return when JetStream answers, and each stream that is there: servers of a cluster that have just been started elect leaders first.

    Raises:
        Refusal: `bus-unavailable`, when they do not in `START_SECONDS`.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            await _answered(connection, "INFO")
            for name in await list_names(connection):
                await _answered(connection, f"STREAM.INFO.{name}")
    except (TimeoutError, NatsError, OSError) as error:
        raise bus_unavailable() from error


async def _answered(connection: Client, subject: str) -> None:
    """Ask JetStream's API until it answers without an error."""
    while True:
        with contextlib.suppress(NatsTimeoutError, NoRespondersError):
            answer = await connection.request(f"$JS.API.{subject}", timeout=1)
            if "error" not in orjson.loads(answer.data):
                return
        await asyncio.sleep(_POLL_SECONDS)


async def request_when_heard(connection: Client, subject: str, data: bytes, seconds: float) -> Msg:
    """Send a request to a server that has just begun to listen, which the other servers of a cluster learn a moment later.

    Args:
        seconds: for it to be heard, and for the answer.

    Raises:
        NatsError: nobody listens after `seconds`, or there is no answer.
    """
    give_up = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await connection.request(subject, data, timeout=seconds)
        except NoRespondersError:
            if asyncio.get_running_loop().time() > give_up:
                raise
        await asyncio.sleep(_POLL_SECONDS)


async def wait_for_replicas(connection: Client, streams: Iterable[str], replicas: int) -> None:
    """Return when each replica of the streams, and of their consumers, has everything.

    Args:
        streams: their names.
        replicas: how many there must be of each.

    Raises:
        Refusal: `cannot-start`, when a server does not have everything after `REPLICA_SECONDS`.
    """
    if replicas == 1:
        return
    for name in streams:
        try:
            async with asyncio.timeout(REPLICA_SECONDS):
                await _until_current(connection, name, replicas)
        except TimeoutError as error:
            raise CannotStart(
                vi=f"Sau {REPLICA_SECONDS:.0f} giây, không phải máy chủ NATS nào cũng có đủ luồng {name}; hãy kiểm tra kết nối giữa các máy chủ bằng lgsp nats check, xóa kho lưu của cụm rồi chạy lại.",
                en=f"After {REPLICA_SECONDS:.0f} s not every NATS server has all of the stream {name}; check the connections between them by lgsp nats check, empty the storage of the cluster, and run this again.",
            ) from error


async def _until_current(connection: Client, name: str, replicas: int) -> None:
    while True:
        if await _has_replicas(connection, name, replicas):
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _has_replicas(connection: Client, name: str, replicas: int) -> bool:
    try:
        stream = await ask_api(connection, f"STREAM.INFO.{name}")
        consumers = await _consumers(connection, name)
    except BusUnavailable:  # a new leader is being elected
        return False
    return (
        _is_current(stream, replicas)
        and len(consumers) == stream["state"].get("consumer_count", 0)
        and all(_is_current(one, one["config"].get("num_replicas") or replicas) for one in consumers)
    )


async def _consumers(connection: Client, name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    while True:
        page = (await ask_api(connection, f"CONSUMER.LIST.{name}", {"offset": len(found)})).get("consumers") or []
        if not page:
            return found
        found += page


def _is_current(described: Mapping[str, Any], replicas: int) -> bool:
    cluster = described.get("cluster") or {}
    others = cluster.get("replicas") or []
    return (
        bool(cluster.get("leader"))
        and len(others) == replicas - 1
        and all(one.get("current") and not one.get("lag") for one in others)
    )
