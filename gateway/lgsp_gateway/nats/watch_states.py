"""Keeps how far adapters have come with what they watch, and lets one copy of an adapter watch at a time.

The state of a watch must outlive the machine of its adapter, and copies of an adapter must agree who goes on; so it lies in a bucket of the bus,
encrypted like what waits for delivery: it has the ids of what was announced. Adapters ask a gateway and do not write to NATS themselves, as for the limits of providers (docs/decisions/032).

A state is one key of a bucket (`adapter_bucket.py`) with the holder of the lease: a copy that was thought dead and comes back overwrites
nothing, since each write names what was read. A lease is renewed on disk only when half of it is over, so that an idle watch costs a write in many looks.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_contracts import watch_state
from lgsp_contracts.names import SystemName
from lgsp_contracts.watch_state import MAX_LEASE_SECONDS, MAX_STATE_BYTES, Reply, WatchGranted, WatchHeld
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError
from lgsp_gateway.nats.adapter_bucket import WRITE_SECONDS, AdapterBucket
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

BUCKET = "LGSP_WATCHES"
MAX_IN_PROGRESS = 100
"""Requests of one system that this gateway works on; each watch has one at a time."""
MAX_WATCHES = 10_000
"""Watches in all: no more fill the disk."""
MAX_NAMES = 200
"""Watches of one system: one that makes up names leaves room for those of others."""
MAX_NAME = 200
"""Characters of a name: it becomes part of a subject."""
_NAME = re.compile(r"[a-z0-9-]+\.v[0-9]+\.[a-z0-9-]+")
_HOLDER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class _Watch:
    """A stored state, and who may go on with it.

    Args:
        ends: milliseconds since 1970 at which the lease ends.
        lease: milliseconds that it was given for: one that ends later was given by a clock that was ahead, and has ended.
    """

    holder: str = ""
    ends: int = 0
    lease: int = 0
    state: Any = None

    def held_by_another(self, holder: str, now: int) -> float:
        """Return the seconds for which another copy holds the state; 0 where none does."""
        left = self.ends - now
        return left / 1000 if self.holder != holder and 0 < left <= self.lease else 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    key: str
    holder: str
    lease: int
    revision: int | None
    state: Any


class WatchStates:
    """Answers the adapters that ask for the states of their watches.

    Args:
        bus: writes into the bucket.
        cipher: encrypts the states.
    """

    def __init__(self, bus: NatsRequestReply, cipher: PayloadCipher, background: Background) -> None:
        self._bucket = AdapterBucket(BUCKET, bus, MAX_NAMES)
        self._cipher = cipher
        self._background = background
        self._in_progress: Counter[str] = Counter()

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the bucket if it is not there, and answer from now on. All gateways share the requests.

        Raises:
            Refusal: `cannot-start`.
        """
        description = "How far adapters have come with what they watch"
        await self._bucket.start(connection, replicas, description, MAX_WATCHES)
        answer = self._background.guard("watch states", self._on_request)
        await connection.subscribe(watch_state.request_subject("*"), queue="gateways", cb=answer)
        await connection.flush()

    async def _on_request(self, message: Msg) -> None:
        system = SystemName(message.subject.rpartition(".")[2])
        if not message.reply.startswith(watch_state.reply_prefix(system)):
            return
        request = _parse(system, message.data)
        if request is None or self._in_progress[system] >= MAX_IN_PROGRESS:
            return  # who gets no reply asks again
        self._in_progress[system] += 1
        # Not awaited here: nats-py calls one after the other, and systems do not wait for each other.
        self._background.run_once("watch states", self._answer(message, system, request))

    async def _answer(self, message: Msg, system: SystemName, request: _Request) -> None:
        reply: Reply | None = None
        try:
            async with asyncio.timeout(2 * WRITE_SECONDS):
                reply = await self._decide(request)
        except (Refusal, NatsError, OSError, TimeoutError):
            reply = None
        finally:
            self._in_progress[system] -= 1
        await message.respond(watch_state.serialize(reply))

    async def _decide(self, request: _Request) -> Reply:
        """Grant a state, renew its lease, give it up or write it. Where another gateway was faster, the copy learns what it wrote."""
        now = int(time.time() * 1000)
        watch, revision = await self._read(request.key)
        if held := watch.held_by_another(request.holder, now):
            return WatchHeld(held)
        writes = request.revision is not None and request.revision == revision
        if not request.lease:
            if watch.holder == request.holder:
                await self._write(request.key, _Watch(state=watch.state), revision)
            return WatchGranted(revision, watch.state)
        lease = request.lease * 1000
        is_fresh = watch.holder == request.holder and watch.ends - now > lease / 2
        if is_fresh and not writes:
            return WatchGranted(revision, watch.state)
        changed = _Watch(request.holder, now + lease, lease, request.state if writes else watch.state)
        written = await self._write(request.key, changed, revision)
        if written is None:
            return WatchHeld(request.lease)
        return WatchGranted(written, changed.state)

    async def _read(self, key: str) -> tuple[_Watch, int]:
        stored, revision = await self._bucket.read(key)
        if not revision:
            await self._bucket.refuse_another_key(key)
        try:
            fields = orjson.loads(self._cipher.decrypt(self._bucket.subject(key), stored) or b"{}")
        except UnreadablePayloadError as error:
            raise bus_unavailable() from error
        return _Watch(**fields), revision

    async def _write(self, key: str, watch: _Watch, revision: int) -> int | None:
        """Write a state over the one that was read; return its revision, or None where somebody else had written."""
        stored = self._cipher.encrypt(self._bucket.subject(key), orjson.dumps(watch))
        return await self._bucket.write(key, stored, revision)


def _parse(system: SystemName, data: bytes) -> _Request | None:
    """Read a request; None where it is none."""
    if len(data) > MAX_STATE_BYTES:
        return None
    try:
        fields = orjson.loads(data)
        name, holder, lease = fields["name"], fields["holder"], fields["lease"]
        revision = fields.get("revision")
        is_request = len(name) <= MAX_NAME and _NAME.fullmatch(name) and _HOLDER.fullmatch(holder)
        if not is_request or type(lease) is not int or not 0 <= lease <= MAX_LEASE_SECONDS:
            return None
        if revision is not None and type(revision) is not int:
            return None
        return _Request(f"{system}.{name}", holder, lease, revision, fields.get("state"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
