"""Reading the logs back: their entries in order, their checkpoints, and proofs made from them.

Reading a whole log takes time with its length, some 100,000 entries a second; a proof of one message does not, where there
is an index.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy

from lgsp_gateway.evidence import merkle, notary, proofs, stream
from lgsp_gateway.index.index import Index
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


class Proofs:
    """Makes proofs.

    Args:
        index: where it has got to, a proof takes a few look-ups; otherwise the log is read.
    """

    def __init__(self, connection: Client, index: Index | None) -> None:
        self._connection = connection
        self._index = index

    async def of_message(self, message: str) -> dict[str, Any]:
        """The proof of the entry of a message; of the last one, where an answer was withheld.

        Raises:
            Refusal: `not-found`.
        """
        found = await self._looked_up(message) or await self._read_for(message)
        if found is None:
            raise Refusal(
                "not-found",
                vi="Không có mục nào của thông điệp này dưới một điểm kiểm; nếu vừa gọi, hãy hỏi lại sau một giây.",
                en="No entry of this message is covered by a checkpoint; if it passed just now, ask again in a second.",
                retry_after=1,
            )
        return found

    async def consistency(self, gateway: str, old: int, new: int) -> list[str]:
        """The path that shows that a log of `new` entries begins with the log of `old`, in base64.

        Raises:
            Refusal: `malformed`, when the log was never that long.
        """
        kept = await notary.last_checkpoint(self._connection, gateway)
        size = kept.size if kept else 0
        if not 0 < old <= new <= size:
            raise Refusal(
                "malformed",
                vi=f"from và to phải thỏa 0 < from ≤ to ≤ {size}, là số mục của nhật ký này.",
                en=f"from and to must keep 0 < from ≤ to ≤ {size}, the number of entries of this log.",
            )
        if self._index and await self._indexed(gateway) >= new:
            path = await self._index.consistency(gateway, old, new)
        else:
            leaves = [merkle.leaf_hash(entry) async for entry in entries(self._connection, gateway, new)]
            path = await asyncio.to_thread(merkle.consistency, merkle.node_from(leaves), new, old)
        return [base64.b64encode(step).decode() for step in path]

    async def _indexed(self, gateway: str) -> int:
        """How much of a log is in the index."""
        try:
            return await self._index.size_of(gateway) if self._index else 0
        except Refusal:
            return 0

    async def _looked_up(self, message: str) -> dict[str, Any] | None:
        """The proof with the help of the index; None where it does not help, or is not true to the log."""
        if self._index is None:
            return None
        try:
            place = await self._index.place_of(message)
            kept = await notary.last_checkpoint(self._connection, place.gateway) if place else None
            if place is None or kept is None or not place.leaf < kept.size <= await self._indexed(place.gateway):
                return None
            group = await stream.group(self._connection, place.sequence)
            path = await self._index.inclusion(place.gateway, kept.size, place.leaf)
        except Refusal:
            return None
        lines = group.split(b"\n") if group else []
        if place.line >= len(lines) or not _proves(lines[place.line], place.leaf, path, kept):
            return None
        return proofs.document(lines[place.line], place.leaf, path, kept.note)

    async def _read_for(self, message: str) -> dict[str, Any] | None:
        mark = f'"message":{orjson.dumps(message).decode()}'.encode()
        for gateway in await stream.gateways(self._connection):
            kept = await notary.last_checkpoint(self._connection, gateway)
            if kept is None:
                continue
            found = [entry async for entry in entries(self._connection, gateway, kept.size)]
            index = next((n for n in range(len(found) - 1, -1, -1) if mark in found[n]), None)
            if index is not None:
                node = merkle.node_from([merkle.leaf_hash(entry) for entry in found])
                path = await asyncio.to_thread(merkle.inclusion, node, len(found), index)
                return proofs.document(found[index], index, path, kept.note)
        return None


def _proves(entry: bytes, leaf: int, path: Sequence[bytes], kept: notary.Kept) -> bool:
    root = merkle.Tree(kept.size, kept.edge).root()
    return merkle.includes(root, kept.size, leaf, merkle.leaf_hash(entry), path)
