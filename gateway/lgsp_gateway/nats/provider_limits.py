"""Counts the requests that adapters send to a provider with a limit: one count for all copies of an adapter, whichever gateway they ask.

Adapters ask a gateway, and do not write to NATS themselves: a user of NATS who may publish with any reply subject has JetStream's reply sent
there, past every permission. So a gateway looks at the reply subject first (docs/decisions/032).

The count of each limit is one key of a bucket (`adapter_bucket.py`). What cannot be counted is not allowed.
"""

import asyncio
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_contracts import provider_limit
from lgsp_contracts.provider_limit import MAX_PERMIT_SECONDS, Denial, ProviderLimit, ProviderUsage
from lgsp_gateway.nats.adapter_bucket import AdapterBucket
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

BUCKET = "LGSP_LIMITS"
MAX_ATTEMPTS = 20
"""Writes of one count that another gateway may be ahead of."""
MAX_IN_PROGRESS = 500
"""Requests of one system that this gateway works on; each process of an adapter has one at a time, and its releases."""
KEPT_SECONDS = 3 * 86_400
"""How long a count is kept that nobody uses. It says something of its day alone, and the names of old manifests make room for others."""
MAX_LIMITS = 10_000
"""Limits in all: no more fill the disk."""
MAX_NAMES = 200
"""Limits of one system: one that makes up names leaves room for those of others."""
MAX_NAME = 100
"""Characters of a name: it becomes part of a subject, and a server closes the connection that names one beyond its 4096 bytes."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PERMIT = re.compile(r"[0-9a-f]{16}")


@dataclass(slots=True)
class _Count:
    """One count as this gateway knows it; `revision` is that of the message which it was read from, None where it was not read."""

    usage: ProviderUsage
    revision: int | None = None


class ProviderLimits:
    """Answers the adapters that ask for permits.

    Args:
        bus: writes into the bucket.
    """

    def __init__(self, bus: NatsRequestReply, background: Background) -> None:
        self._bucket = AdapterBucket(BUCKET, bus, MAX_NAMES)
        self._background = background
        self._counts: dict[str, _Count] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # one for each system
        self._in_progress: Counter[str] = Counter()

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the bucket if it is not there, and answer from now on. All gateways share the requests.

        Raises:
            Refusal: `cannot-start`.
        """
        description = "What has been used of the limits that providers set"
        await self._bucket.start(connection, replicas, description, MAX_LIMITS, KEPT_SECONDS)
        answer = self._background.guard("provider limits", self._on_request)
        await connection.subscribe(provider_limit.request_subject("*"), queue="gateways", cb=answer)
        await connection.flush()

    async def usage(self, system: str, name: str) -> ProviderUsage:
        """Return what has been used of a limit.

        Args:
            name: of the limit, a valid one.

        Raises:
            nats.errors.Error, OSError, TimeoutError: it could not be read.
        """
        return (await self._read(_key(system, name))).usage

    async def _on_request(self, message: Msg) -> None:
        system = message.subject.rpartition(".")[2]
        if message.reply and not message.reply.startswith(provider_limit.reply_prefix(system)):
            return
        try:
            request = orjson.loads(message.data)
            key = _key(system, request["name"])
            permit = request["permit"]
            if not isinstance(permit, str) or not _PERMIT.fullmatch(permit):
                return
            limit = ProviderLimit.from_document(request["limit"]) if "limit" in request else None
            hold_ms = int(1000 * min(max(0.0, float(request.get("seconds", 0))), MAX_PERMIT_SECONDS))
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        if self._in_progress[system] >= MAX_IN_PROGRESS:
            return  # who gets no reply sends nothing to its provider
        self._in_progress[system] += 1
        # Not awaited here: nats-py calls one after the other, and systems do not wait for each other.
        self._background.run_once("provider limits", self._answer(message, system, key, limit, permit, hold_ms))

    async def _answer(
        self, message: Msg, system: str, key: str, limit: ProviderLimit | None, permit: str, hold_ms: int
    ) -> None:
        try:
            async with self._locks[system]:
                denial = await (self._acquire(key, limit, permit, hold_ms) if limit else self._release(key, permit))
        except (Refusal, NatsError, OSError, TimeoutError):
            self._counts.pop(key, None)  # it may have been written or not
            reply: dict[str, Any] = {"status": "unavailable"}
        else:
            reply = {"status": "granted"}
            if denial:
                reply = {"status": "denied", "rule": denial.rule, "wait": denial.wait_ms}
        finally:
            self._in_progress[system] -= 1
        if message.reply:
            await message.respond(orjson.dumps(reply))

    async def _acquire(self, key: str, limit: ProviderLimit, permit: str, hold_ms: int) -> Denial | None:
        for _ in range(MAX_ATTEMPTS):
            count = self._counts.get(key)
            was_read_now = count is None
            count = count or await self._read(key)
            if not count.revision:
                await self._bucket.refuse_another_key(key)
            denial = count.usage.acquire(limit, permit, int(time.time() * 1000), hold_ms)
            if denial is None:
                if await self._write(key, count):
                    return None
            elif was_read_now:
                return denial
            else:
                self._counts.pop(key)  # another gateway may have released what this one holds for running
        raise bus_unavailable()

    async def _release(self, key: str, permit: str) -> None:
        for _ in range(MAX_ATTEMPTS):
            count = self._counts.get(key) or await self._read(key)
            if not count.usage.release(permit) or await self._write(key, count):
                return

    async def _read(self, key: str) -> _Count:
        data, revision = await self._bucket.read(key)
        return _Count(ProviderUsage.from_bytes(data) if revision else ProviderUsage(), revision)

    async def _write(self, key: str, count: _Count) -> bool:
        """Write a count over the one that was read; return whether nobody else had written it."""
        written = await self._bucket.write(key, count.usage.to_bytes(), count.revision or 0)
        if written is None:
            self._counts.pop(key, None)
            return False
        count.revision = written
        self._counts[key] = count
        return True


def _key(system: str, name: str) -> str:
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise ValueError("not a name of a limit")
    return f"{system}.{name}"
