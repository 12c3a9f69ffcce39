"""Which adapters are on the bus and how they do: asked of all of them every few seconds by the NATS services protocol.

What a copy says of itself is its own word: the server lets nobody else answer calls, but anybody on the bus may announce
itself under any name. So this is for watching, and decides nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_process.background import Background

ASK_SECONDS = 5.0
ANSWER_SECONDS = 1.0
ROUND_SECONDS = 30.0
STATS = "$SRV.STATS"


@dataclass(frozen=True, slots=True)
class Copy:
    """One running adapter, as it told of itself."""

    id: str
    service: str
    version: str
    system: str
    started: str
    operations: dict[str, dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """As it is shown."""
        named = {"id": self.id, "service": self.service, "version": self.version, "system": self.system}
        return {**named, "started": self.started, "operations": self.operations}


class AdaptersSeen:
    """The adapters on the bus at this moment."""

    def __init__(self) -> None:
        self.copies: list[Copy] = []
        self.seen_at = 0.0

    def start(self, connection: Client, background: Background) -> None:
        """Begin to ask."""
        self._connection = connection
        background.every("adapters seen", ASK_SECONDS, self._ask_patiently, within=ROUND_SECONDS)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Service, operation and what one copy says of it."""
        for copy in self.copies:
            for name, said in copy.operations.items():
                yield copy.service, name, said

    async def _ask_patiently(self) -> None:
        with contextlib.suppress(NatsError, OSError):
            await self.ask()

    async def ask(self) -> None:
        """Ask all, and take what comes within a second."""
        found: list[Copy] = []

        async def take(message: Msg) -> None:
            copy = _copy(message.data)
            if copy:
                found.append(copy)

        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(inbox, cb=take)
        try:
            await self._connection.publish(STATS, b"", reply=inbox)
            await asyncio.sleep(ANSWER_SECONDS)
        finally:
            await answers.unsubscribe()
        self.copies = sorted(found, key=lambda copy: (copy.service, copy.id))
        self.seen_at = time.time()


def _copy(data: bytes) -> Copy | None:
    try:
        said = orjson.loads(data)
        if said["metadata"].get("wire") is None:
            return None
        operations = {
            str(endpoint["name"]): {
                "requests": int(endpoint["num_requests"]),
                "averageMs": round(int(endpoint["average_processing_time"]) / 1e6, 3),
                **(endpoint.get("data") or {}),
            }
            for endpoint in said["endpoints"]
        }
        return Copy(said["id"], said["name"], said["version"], said["metadata"]["system"], said["started"], operations)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None
