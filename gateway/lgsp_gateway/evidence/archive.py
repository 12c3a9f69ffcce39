"""Reading the logs back: their entries in order, their checkpoints, and proofs made from them.

What is here walks through the stream, and so takes time with the length of a log: some 100,000 entries a second.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy

from lgsp_gateway.evidence import merkle, notary, proofs, stream
from lgsp_problems import Refusal


async def entries(connection: Client, gateway: str, size: int) -> AsyncIterator[bytes]:
    """The first entries of a log, in its order."""
    left = size
    if left:
        async for _, group in stream.read(connection, 0, False, gateway):
            for entry in group.split(b"\n")[:left]:
                yield entry
                left -= 1
            if left <= 0:
                return


async def notes(connection: Client, gateway: str) -> list[str]:
    """All checkpoints of a log, the oldest first."""
    last = await notary.last_checkpoint(connection, gateway)
    if last is None:
        return []
    subscription = await connection.jetstream().subscribe(
        notary.subject_of(gateway),
        stream=notary.STREAM,
        ordered_consumer=True,
        config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
    )
    found: list[str] = []
    try:
        while not found or found[-1] != last.note:
            found.append(notary.Kept.parse((await subscription.next_msg(timeout=10)).data).note)
    finally:
        await subscription.unsubscribe()
    return found


async def proof_of(connection: Client, message: str) -> dict[str, Any]:
    """The proof of the entry of a message; of the last one, where an answer was withheld.

    Raises:
        Refusal: `not-found`.
    """
    mark = f'"message":{orjson.dumps(message).decode()}'.encode()
    for gateway in await stream.gateways(connection):
        kept = await notary.last_checkpoint(connection, gateway)
        if kept is None:
            continue
        found = [entry async for entry in entries(connection, gateway, kept.size)]
        index = next((n for n in range(len(found) - 1, -1, -1) if mark in found[n]), None)
        if index is not None:
            return await asyncio.to_thread(proofs.prove, found, index, kept.note)
    raise Refusal(
        "not-found",
        vi="Không có mục nào của thông điệp này dưới một điểm kiểm; nếu vừa gọi, hãy hỏi lại sau một giây.",
        en="No entry of this message is covered by a checkpoint; if it passed just now, ask again in a second.",
        retry_after=1,
    )


async def consistency(connection: Client, gateway: str, old: int, new: int) -> list[str]:
    """The path that shows that a log of `new` entries begins with the log of `old`, in base64.

    Raises:
        Refusal: `malformed`, when the log was never that long.
    """
    kept = await notary.last_checkpoint(connection, gateway)
    if kept is None or not 0 < old <= new <= kept.size:
        size = kept.size if kept else 0
        raise Refusal(
            "malformed",
            vi=f"from và to phải thỏa 0 < from ≤ to ≤ {size}, là số mục của nhật ký này.",
            en=f"from and to must keep 0 < from ≤ to ≤ {size}, the number of entries of this log.",
        )
    leaves = [merkle.leaf_hash(entry) async for entry in entries(connection, gateway, new)]
    path = await asyncio.to_thread(merkle.consistency, leaves, old)
    return [base64.b64encode(step).decode() for step in path]
