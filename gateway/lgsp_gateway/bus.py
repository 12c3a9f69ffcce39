"""The gateway's side of NATS: requests to adapters and durable publishing, over one reply inbox.

Why not `nc.request` and `js.publish`: each asks the kernel for random bytes and arms a timer, which together cost a tenth
of the throughput of a call (measured; see docs/decisions/003). Here replies are counted on one subscription, and one
sweep looks after all deadlines.
"""

import asyncio
import secrets
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_problems import Refusal

SWEEP_SECONDS = 0.02
"""How often deadlines are looked at; a call times out at most this much late."""


class Bus:
    """Requests and acknowledged publishing on one NATS connection."""

    def __init__(self) -> None:
        self._inbox = f"_INBOX.{secrets.token_hex(11)}."
        self._prefix = len(self._inbox)
        self._number = 0
        self._pending: dict[str, tuple[asyncio.Future[Msg | None], float]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def start(self, connection: Client) -> None:
        """Subscribe to the inbox and begin to look after deadlines."""
        self._loop = asyncio.get_running_loop()  # asked once: in Python 3.11 each asking is a system call
        self._connection = connection
        await connection.subscribe(self._inbox + "*", cb=self._receive, pending_bytes_limit=0)
        await connection.flush()
        self._sweep()

    def stop(self) -> None:
        """Stop looking after deadlines; what still waits is refused."""
        if self._sweeping:
            self._sweeping.cancel()
        self._fail_all()

    @property
    def connected(self) -> bool:
        """Is NATS there?"""
        return self._sweeping is not None and self._connection.is_connected

    async def lost(self) -> None:
        """The connection is gone: nobody will get a reply to what is under way, so nobody waits for it."""
        self._fail_all()

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109 - swept, not armed
        """The reply of whoever serves a subject.

        Args:
            timeout: in seconds.

        Raises:
            Refusal: `no-adapter`, `provider-timeout` or `bus-unavailable`.
        """
        reply = await self._ask(subject, payload, timeout)
        if reply is None:
            raise _provider_timeout()
        if not reply.data and reply.headers and reply.headers.get("Status") == "503":
            raise _no_adapter()
        return reply.data

    async def publish(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str],
        timeout: float,  # noqa: ASYNC109
    ) -> dict[str, Any]:
        """Publish to a stream: its acknowledgement; a refusal holds `error` (and a `seq` of 0). Empty when none came in time.

        Raises:
            Refusal: `bus-unavailable`.
        """
        reply = await self._ask(subject, payload, timeout, headers)
        acknowledged: dict[str, Any] = orjson.loads(reply.data) if reply is not None and reply.data else {}
        return acknowledged

    async def publish_durably(self, subject: str, payload: bytes, number: str, timeout: float) -> int:  # noqa: ASYNC109
        """Publish to a stream and wait until the message is on its disk.

        Args:
            number: the same for every try of one message, so that the stream keeps it once.

        Returns:
            The message's sequence number in the stream.

        Raises:
            Refusal: `evidence-unavailable`, when no stream acknowledged in time.
        """
        acknowledged = await self.publish(subject, payload, {"Nats-Msg-Id": number}, timeout)
        if not acknowledged.get("seq"):
            raise evidence_unavailable(str(acknowledged.get("error", {}).get("description", "no acknowledgement")))
        return int(acknowledged["seq"])

    async def _ask(
        self, subject: str, payload: bytes, seconds: float, headers: dict[str, str] | None = None
    ) -> Msg | None:
        if not self.connected:
            raise bus_unavailable()
        self._number += 1
        token = str(self._number)
        reply: asyncio.Future[Msg | None] = self._loop.create_future()
        self._pending[token] = (reply, self._loop.time() + seconds)
        try:
            await self._connection.publish(subject, payload, self._inbox + token, headers)
        except (NatsError, OSError):
            del self._pending[token]
            raise bus_unavailable() from None
        return await reply

    async def _receive(self, message: Msg) -> None:
        waiting = self._pending.pop(message.subject[self._prefix :], None)
        if waiting and not waiting[0].done():
            waiting[0].set_result(message)

    def _sweep(self) -> None:
        now = self._loop.time()
        for token in [token for token, (_, deadline) in self._pending.items() if deadline < now]:
            late, _ = self._pending.pop(token)
            if not late.done():
                late.set_result(None)
        self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _fail_all(self) -> None:
        for reply, _ in self._pending.values():
            if not reply.done():
                reply.set_exception(bus_unavailable())
        self._pending.clear()


def bus_unavailable() -> Refusal:
    """The refusal while NATS is away."""
    return Refusal(
        "bus-unavailable",
        vi="Trục đang mất kết nối bên trong nên chưa phục vụ được; hãy thử lại sau vài giây.",
        en="The bus has lost a connection inside and cannot serve this now; try again in a few seconds.",
        retry_after=2,
    )


def evidence_unavailable(private: str) -> Refusal:
    """The refusal when evidence cannot be written: nothing passes that cannot be proved later."""
    return Refusal(
        "evidence-unavailable",
        vi="Trục không ghi được nhật ký bằng chứng nên không trả kết quả; hãy thử lại sau vài giây.",
        en="The bus cannot write its evidence and therefore gives no answer; try again in a few seconds.",
        retry_after=5,
        private=private,
    )


def _no_adapter() -> Refusal:
    return Refusal(
        "no-adapter",
        vi="Hiện không có bộ kết nối nào phục vụ dịch vụ này; hãy thử lại sau, hoặc báo cho đơn vị vận hành trục.",
        en="No adapter serves this service now; try again later, or tell the operator of the bus.",
        retry_after=5,
    )


def _provider_timeout() -> Refusal:
    return Refusal(
        "provider-timeout",
        vi="Hệ thống cung cấp không trả lời trong thời hạn của hợp đồng; hãy thử lại sau.",
        en="The provider's system did not answer within the time its contract gives; try again later.",
    )
