"""Copies all streams of one NATS to another, by JetStream's snapshots: how a bus on one server becomes one on a cluster.

A server that stored by itself cannot join a cluster (ADR 72), so its streams are restored in a cluster that is empty: with their sequences, which
the evidence and the registry refer to, and with their consumers, which know what was delivered. Nothing may write meanwhile; the source
stays as it is, so that the way back is to start the gateways on it again. (Snapshot and restore: NATS ADR-1 and its JetStream wire API.)
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_gateway.operate.cluster_readiness import request_when_heard, wait_for_jetstream, wait_for_replicas
from lgsp_problems import CannotStart
from lgsp_runtime.nats.request_reply import bus_unavailable

SECONDS = 20.0
"""For an answer of JetStream, also to the last piece of a stream, after which the servers read it."""
CHUNK_BYTES = 128 * 1024
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two NATS: a connection as the user `gateway`, and one to the system account."""

    bus: Client
    system: Client


@dataclass(frozen=True, slots=True)
class CopiedStream:
    """What was copied of a stream."""

    name: str
    messages: int
    bytes: int
    consumers: int


async def copy_streams(source: Side, target: Side, replicas: int, report: Callable[[CopiedStream], None]) -> None:
    """Copy every stream, and compare it afterwards.

    Args:
        replicas: of each stream at the target.
        report: told of each stream once it is there.

    Raises:
        Refusal: `cannot-start`, before anything is written where somebody else uses one of the two, where the target has streams or too
            few servers; or when a stream could not be copied whole. `bus-unavailable`, when one of the two does not answer.
    """
    await wait_for_jetstream(source.bus)
    await wait_for_jetstream(target.bus)
    await _refuse_others(source, target)
    await _refuse_unfit(target, replicas)
    streams = await _streams(source.bus)
    for info in streams:
        await _copy(source.bus, target.bus, info, replicas)
        await wait_for_replicas(target.bus, [info["config"]["name"]], replicas)
        report(await _compared(source.bus, target.bus, info["config"]["name"]))
    await _refuse_late(source.bus, target.bus, streams)


async def _copy(source: Client, target: Client, info: Mapping[str, Any], replicas: int) -> None:
    name = info["config"]["name"]
    try:
        inbox = source.new_inbox()
        chunks = await source.subscribe(inbox)
        wanted = {"deliver_subject": inbox, "chunk_size": CHUNK_BYTES, "jsck": True}
        snapshot = _checked(name, await _ask(source, f"STREAM.SNAPSHOT.{name}", wanted))
        config = {**snapshot["config"], "num_replicas": replicas}
        begun = _checked(
            name, await _ask(target, f"STREAM.RESTORE.{name}", {"config": config, "state": snapshot["state"]})
        )
        async for chunk in _chunks(source, chunks):
            reply = await request_when_heard(target, begun["deliver_subject"], chunk, SECONDS)
            if reply.data:
                _checked(name, orjson.loads(reply.data))
        await chunks.unsubscribe()
    except (NatsError, OSError) as error:
        raise _not_copied(name, str(error) or type(error).__name__) from error


async def _chunks(source: Client, subscription: Any) -> AsyncIterator[bytes]:
    """Iterate over the pieces of a snapshot, the empty one that ends it included."""
    while True:
        message = await subscription.next_msg(timeout=SECONDS)
        yield message.data
        if not message.data:
            return
        if message.reply:
            await source.publish(message.reply, b"")


async def _compared(source: Client, target: Client, name: str) -> CopiedStream:
    """Return what was copied; refuse where the two differ for long: the leader of a consumer that was just made knows its place a moment later."""
    state, consumers = await _content(source, name)
    give_up = asyncio.get_running_loop().time() + SECONDS
    while True:
        copied, copied_consumers = await _content(target, name)
        differing = [key for key in state if state[key] != copied.get(key)]
        if not differing and consumers == copied_consumers:
            return CopiedStream(name, state["messages"], state["bytes"], len(consumers))
        if differing or asyncio.get_running_loop().time() > give_up:
            raise _not_copied(name, f"source and copy differ in {', '.join(differing) or 'consumers'}")
        await asyncio.sleep(POLL_SECONDS)


async def _refuse_late(source: Client, target: Client, copied: list[Mapping[str, Any]]) -> None:
    """Refuse what was written after its stream was copied, as by a gateway that a supervisor has started again: it is in the source alone."""
    names = {info["config"]["name"] for info in copied}
    for info in await _streams(source):
        name = info["config"]["name"]
        if name not in names:
            raise _not_copied(name, "it was made meanwhile")
        await _compared(source, target, name)


async def _content(connection: Client, name: str) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Return what a stream holds, and how far each durable consumer has come."""
    state = _checked(name, await _ask(connection, f"STREAM.INFO.{name}", {}))["state"]
    content = {key: state.get(key, 0) for key in ("messages", "bytes", "last_seq", "num_deleted")}
    if content["messages"]:  # an empty stream begins anywhere
        content["first_seq"] = state["first_seq"]
    return content, {one["name"]: _progress(one) for one in await _consumers(connection, name)}


def _progress(consumer: Mapping[str, Any]) -> tuple[int, int]:
    return consumer["delivered"]["stream_seq"], consumer["ack_floor"]["stream_seq"]


async def _streams(connection: Client) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    while True:
        page = _checked("-", await _ask(connection, "STREAM.LIST", {"offset": len(found)}))
        found += page.get("streams") or []
        if len(found) >= page["total"]:
            return found


async def _consumers(connection: Client, stream: str) -> list[Mapping[str, Any]]:
    """Return the durable consumers of a stream; the others are gone with whoever made them."""
    found: list[Mapping[str, Any]] = []
    while True:
        page = _checked(stream, await _ask(connection, f"CONSUMER.LIST.{stream}", {"offset": len(found)}))
        found += page.get("consumers") or []
        if len(found) >= page["total"]:
            return [one for one in found if one["config"].get("durable_name")]


async def _ask(connection: Client, subject: str, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        reply = await connection.request(f"$JS.API.{subject}", orjson.dumps(body), timeout=SECONDS)
    except (NatsError, OSError) as error:
        raise bus_unavailable() from error
    answer: dict[str, Any] = orjson.loads(reply.data)
    return answer


def _checked(stream: str, answer: dict[str, Any]) -> dict[str, Any]:
    if error := answer.get("error"):
        raise _not_copied(stream, str(error.get("description", error)))
    return answer


async def _refuse_others(source: Side, target: Side) -> None:
    """What a gateway writes while the streams are copied would be in none of the two, or in one alone."""
    for side, vi, en in ((source, "nguồn", "source"), (target, "đích", "target")):
        reply = await side.system.request(f"$SYS.REQ.ACCOUNT.{ACCOUNT}.CONNZ", b"{}", timeout=SECONDS)
        connections = (orjson.loads(reply.data).get("data") or {}).get("connections") or []
        others = sorted({one.get("name") or "?" for one in connections if one.get("cid") != side.bus.client_id})
        if others:
            raise CannotStart(
                vi=f"Còn tiến trình đang dùng NATS {vi}: {', '.join(others)}; hãy dừng gateway, bộ kết nối và indexer rồi chạy lại.",
                en=f"Processes still use the {en} NATS: {', '.join(others)}; stop gateways, adapters and indexers, then run this again.",
            )


async def _refuse_unfit(target: Side, replicas: int) -> None:
    """Streams that are there could be the only copy of something; and without enough servers none can be made."""
    if there := [info["config"]["name"] for info in await _streams(target.bus)]:
        raise CannotStart(
            vi=f"NATS đích đã có luồng dữ liệu ({', '.join(sorted(there)[:3])}, …); hãy dùng một cụm trống.",
            en=f"The target NATS has streams ({', '.join(sorted(there)[:3])}, …); use a cluster that is empty.",
        )
    reply = await target.system.request("$SYS.REQ.SERVER.PING.JSZ", b"{}", timeout=SECONDS)
    servers = 1 + len(((orjson.loads(reply.data).get("data") or {}).get("meta_cluster") or {}).get("replicas") or [])
    if servers < replicas:
        raise CannotStart(
            vi=f"NATS đích có {servers} máy chủ nhưng cần {replicas} bản sao; hãy chạy đủ máy chủ của cụm.",
            en=f"The target NATS has {servers} servers for {replicas} replicas; start all servers of the cluster.",
        )


def _not_copied(stream: str, why: str) -> CannotStart:
    return CannotStart(
        vi=f"Không chép trọn được luồng {stream}: {why}. NATS nguồn còn nguyên; hãy xóa kho lưu của cụm đích, sửa nguyên nhân rồi chép lại.",
        en=f"The stream {stream} was not copied whole: {why}. The source is as it was; empty the storage of the target, mend the cause, then copy again.",
    )
