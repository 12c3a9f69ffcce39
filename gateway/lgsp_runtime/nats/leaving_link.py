"""The link to a server that is about to stop: what was asked by it is answered by it.

A server lets an adapter reply to a request only by the connection on which it delivered that (`resp` of its NATS user). An adapter that had
gone to another server answered by the new connection, and its callers waited in vain.
"""

import contextlib
from collections.abc import Iterator, Mapping

from lgsp_runtime.nats.link import Link
from lgsp_runtime.nats.protocol import RawHandler

ANSWER_SECONDS = 10.0
"""How long what is under way may take until it is answered; the server ends the link sooner where its own time is over."""

INBOXES = "_INBOX."


class NewHandlers(Mapping[bytes, RawHandler]):
    """The handlers of the link after it; it knows which requests came by that, as long as there are two."""

    def __init__(self, handlers: Mapping[bytes, RawHandler]) -> None:
        self._handlers = handlers
        self.replies: set[str] | None = set()
        """Where those are answered that came by the new link; None once there is no other link any more."""

    def __getitem__(self, subscription: bytes) -> RawHandler:
        handler, replies = self._handlers[subscription], self.replies
        if replies is None:
            return handler

        def record(subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
            if reply:
                replies.add(reply.decode())
            handler(subject, reply, data, headers)

        return record

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)


class LeavingLink:
    """A link by which nothing new comes.

    Args:
        new: the handlers of the link after it.
    """

    def __init__(self, link: Link, new: NewHandlers) -> None:
        self._link = link
        self._new = new

    def answer(self, subject: str, data: bytes) -> bool:
        """Send an answer, as a line of the protocol, and tell whether it belonged here: it answers what came by this link."""
        replies = self._new.replies
        if replies is None or self._link.has_ended or not subject.startswith(INBOXES):
            return False
        if subject in replies:
            replies.discard(subject)
            return False
        self._link.write(data)
        return True

    async def close_when_answered(self) -> None:
        """Return when the server has ended the link, or what was under way has had its time; then it is closed."""
        try:
            with contextlib.suppress(TimeoutError):
                await self._link.wait_ended(ANSWER_SECONDS)
        finally:
            self._new.replies = None
            await self._link.close()
