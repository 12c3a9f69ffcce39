"""The gateway's side of NATS: requests to adapters and durable publishing, over one reply inbox.

Why not `nc.request` and `js.publish`: each asks the kernel for random bytes and arms a timer, which together cost a tenth
of the throughput of a call (measured; see docs/decisions/003). Here replies are counted on one subscription, and one
sweep looks after all deadlines. They pass on a connection of their own (docs/decisions/027).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from nats.errors import Error as NatsError
from nats.errors import OutboundBufferLimitError

from lgsp_problems import BusUnavailable, NoAdapter, Refusal
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.protocol import NO_RESPONDERS, encode_headers

EXPIRY_SECONDS = 0.02
"""How often deadlines are looked at; a call times out at most this much late."""

CONNECTION_SECONDS = 2.0
"""How long requests wait for a connection that is lost, or for its server to be replaced by another; then they are refused."""


Reply = tuple[bytes, bytes]
"""Payload and raw headers."""

ReplyCallback = Callable[[Reply | Refusal | None], None]
"""Takes a reply; a refusal when the connection was lost; None when no reply came in time."""

Retry = tuple[str, bytes] | None
"""Subject and payload of a request that may be sent once more; None of what may not."""


class NatsRequestReply:
    """Requests and acknowledged publishing on one NATS connection.

    Args:
        inboxes: the prefix of the subjects that replies come to.
    """

    def __init__(self, inboxes: str = "_INBOX.") -> None:
        self._inbox = f"{inboxes}{secrets.token_hex(11)}."
        self._prefix = len(self._inbox)
        self._number = 0
        self._pending: dict[int, tuple[ReplyCallback, float, Retry]] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._lost_at = 0.0
        self._back = asyncio.Event()
        self.unconsumed_replies = 0
        """Requests whose reply is here, and whose callers have not gone on with it yet."""

    async def start(self, connection: CallClient) -> None:
        """Subscribe to the inbox and begin to look after deadlines."""
        self._loop = asyncio.get_running_loop()  # asked once: in Python 3.11 each asking is a system call
        self._connection = connection
        await connection.subscribe(self._inbox + "*", self._on_reply)
        await connection.flush()
        self._expire_overdue()

    def stop(self) -> None:
        """Stop looking after deadlines; what still waits is refused."""
        if self._sweeping:
            self._sweeping.cancel()
        self._fail_all()

    @property
    def connected(self) -> bool:
        """Tell whether NATS is there."""
        return self._sweeping is not None and self._connection.is_connected

    @property
    def awaited(self) -> int:
        """Return how many replies are to come."""
        return len(self._pending)

    @property
    def max_payload(self) -> int:
        """Return the most bytes of headers and payload that the server takes in one message; 0 while there is no connection."""
        return self._connection.max_payload

    async def connection_lost(self) -> None:
        """Refuse what waits and may not be repeated: with the connection gone, no reply to it will come. The rest is sent again once it is back."""
        self._fail_all(kept=True)
        for token, (then, deadline, again) in self._pending.items():
            self._pending[token] = (partial(_refuse_late, then), deadline, again)
        if self._sweeping is not None and not self._lost_at:
            self._lost_at = self._loop.time()
            self._back.clear()

    async def request(
        self,
        subject: str,
        payload: bytes,
        timeout: float,  # noqa: ASYNC109 - swept, not armed
        *,
        repeatable: bool,
    ) -> bytes:
        """Return the reply of whoever serves a subject.

        Args:
            timeout: in seconds.
            repeatable: another may answer it too, when the one that has it is gone.

        Raises:
            Refusal: `no-adapter`, `provider-timeout` or `bus-unavailable`.
        """
        if self._lost_at and not self._connection.is_connected:
            await self._wait_for_connection()
        waiting: asyncio.Future[Reply | None] = self._loop.create_future()
        self.ask(
            subject,
            payload,
            timeout,
            partial(self._complete, waiting),
            again=(subject, payload) if repeatable else None,
        )
        try:
            reply = await waiting
        finally:
            self.unconsumed_replies -= waiting.done() and not waiting.cancelled()
        if reply is None:
            raise _provider_timeout()
        data, headers = reply
        if not data and _is_no_responders(headers):
            raise _no_adapter()
        return data

    async def publish(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str],
        timeout: float,  # noqa: ASYNC109
    ) -> dict[str, Any]:
        """Publish to a stream, and return its acknowledgement: empty when none came in time; a refusal holds `error` (and a `seq` of 0).

        Raises:
            Refusal: `bus-unavailable`.
        """
        waiting: asyncio.Future[Reply | None] = self._loop.create_future()
        self.ask(subject, payload, timeout, partial(_resolve, waiting), encode_headers(headers))
        return acknowledgement(await waiting)

    def ask(
        self,
        subject: str,
        payload: bytes,
        seconds: float,
        then: ReplyCallback,
        headers: bytes = b"",
        again: Retry = None,
    ) -> None:
        """Send a message with a reply subject of our own.

        Args:
            then: called once with what comes, as it arrives.

        Raises:
            Refusal: `bus-unavailable`, while there is no connection or NATS reads slower than is sent; then `then` is not called.
        """
        self._number += 1
        self.send(subject, payload, headers, f"{self._inbox}{self._number}")
        self._pending[self._number] = (then, self._loop.time() + seconds, again)

    def send(self, subject: str, payload: bytes, headers: bytes = b"", reply: str = "") -> None:
        """Send a message to whose reply nothing here listens.

        Raises:
            Refusal: `bus-unavailable`, while there is no connection or NATS reads slower than is sent.
        """
        if self._sweeping is None:
            raise bus_unavailable()
        try:
            self._connection.publish_nowait(subject, payload, reply, headers)
        except OutboundBufferLimitError as error:
            raise _bus_congested() from error
        except (NatsError, OSError) as error:
            raise bus_unavailable() from error

    def repeat(self, prefixes: tuple[str, ...]) -> int:
        """Send once more what may be repeated and waits below these subjects: whoever had it may be gone.

        The first reply counts, but that nobody is there now is none: a copy that is stopping may be answering still. Each goes
        out under a reply subject of its own: a server that lets an adapter reply once to a subject refuses both replies to one
        that it saw twice (nats-server 2.15, measured). Returns how many were sent.
        """
        repeatable = [
            (then, deadline, again)
            for then, deadline, again in self._pending.values()
            if again and again[0].startswith(prefixes)
        ]
        for then, deadline, (subject, payload) in repeatable:
            self._number += 1
            with contextlib.suppress(NatsError, OSError):
                self._connection.publish_nowait(subject, payload, f"{self._inbox}{self._number}")
                self._pending[self._number] = (partial(_refuse_no_responders, then), deadline, None)
        return len(repeatable)

    async def _wait_for_connection(self) -> None:
        remaining = self._lost_at + CONNECTION_SECONDS - self._loop.time()
        if remaining > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._back.wait(), remaining)

    def send_now(self) -> None:
        """Do not wait for more to send together."""
        self._connection.flush_nowait()

    def _complete(self, waiting: "asyncio.Future[Reply | None]", what: Reply | Refusal | None) -> None:
        if not waiting.done():
            self.unconsumed_replies += 1
            _resolve(waiting, what)

    def _on_reply(self, subject: bytes, _reply: bytes, data: bytes, headers: bytes) -> None:
        waiting = self._pending.pop(int(subject[self._prefix :]), None)
        if waiting:
            waiting[0]((data, headers))

    def _expire_overdue(self) -> None:
        self._sweeping = self._loop.call_later(
            EXPIRY_SECONDS, self._expire_overdue
        )  # first: whatever is raised below, it goes on
        now = self._loop.time()
        if self._lost_at:
            self._look_for_connection(now)
        for token in [token for token, (_, deadline, _) in self._pending.items() if deadline < now]:
            self._pending.pop(token)[0](None)

    def _look_for_connection(self, now: float) -> None:
        if self._connection.is_connected:
            self._lost_at = 0.0
            self._back.set()
            self.repeat(("",))
        elif now - self._lost_at > CONNECTION_SECONDS:
            self._fail_all()

    def _fail_all(self, *, kept: bool = False) -> None:
        """Refuse what waits.

        Args:
            kept: what may be repeated goes on waiting.
        """
        for token in [token for token, (_, _, again) in self._pending.items() if not (kept and again)]:
            then, _, _ = self._pending.pop(token)
            try:
                then(bus_unavailable())
            except Exception as error:  # the others must hear of it too
                self._loop.call_exception_handler({"message": "a lost request was not told of", "exception": error})


def _is_no_responders(headers: bytes) -> bool:
    return headers.startswith(NO_RESPONDERS)


def _refuse_no_responders(then: ReplyCallback, what: Reply | Refusal | None) -> None:
    if not isinstance(what, tuple) or what[0] or not _is_no_responders(what[1]):
        then(what)


def _refuse_late(then: ReplyCallback, what: Reply | Refusal | None) -> None:
    """What lost its connection and came to no end is not its provider's fault."""
    then(bus_unavailable() if what is None else what)


def _resolve(reply: "asyncio.Future[Reply | None]", what: Reply | Refusal | None) -> None:
    if reply.done():  # whoever waited has gone
        return
    if isinstance(what, Refusal):
        reply.set_exception(what)
    else:
        reply.set_result(what)


def acknowledgement(reply: Reply | None) -> dict[str, Any]:
    """Read what a stream answers to a message; empty when it answered nothing."""
    document: dict[str, Any] = orjson.loads(reply[0]) if reply and reply[0] else {}
    return document


def bus_unavailable(private: str = "") -> Refusal:
    """Return the refusal while NATS is away.

    Args:
        private: the reason, for the log alone.
    """
    return BusUnavailable(
        vi="Trục đang mất kết nối bên trong nên chưa phục vụ được; hãy thử lại sau vài giây.",
        en="The bus has lost a connection inside and cannot serve this now; try again in a few seconds.",
        retry_after=2,
        private=private,
    )


def _bus_congested() -> Refusal:
    return BusUnavailable(
        vi="Trục đang nhận nhiều hơn mức bên trong kịp chuyển nên chưa phục vụ được; hãy thử lại sau vài giây.",
        en="The bus receives more than it can pass on inside and cannot serve this now; try again in a few seconds.",
        retry_after=2,
    )


def _no_adapter() -> Refusal:
    return NoAdapter(
        vi="Hiện không có bộ kết nối nào phục vụ dịch vụ này; hãy thử lại sau, hoặc báo cho đơn vị vận hành trục.",
        en="No adapter serves this service now; try again later, or tell the operator of the bus.",
        retry_after=5,
    )


def _provider_timeout() -> Refusal:
    return Refusal(
        "provider-timeout",
        vi="Hệ thống cung cấp không trả lời trong thời hạn của hợp đồng; hãy thử lại sau;"
        " nếu thao tác thay đổi dữ liệu, hãy dùng lại đúng Idempotency-Key đó.",
        en="The provider's system did not answer within the time its contract gives; try again later,"
        " where the operation changes something, with the same Idempotency-Key.",
    )
