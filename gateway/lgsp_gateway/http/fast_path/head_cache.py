"""The heads of calls that the gateway has answered before.

A program that calls the bus sends the same head with each call of a kind: path, token, purpose; only the figure of its
`Content-Length` differs. What was read out of these bytes holds for the same bytes again, so they are looked up and not parsed: a
sixth of what a call costs the gateway (measured; docs/decisions/016). Who the caller is and what it may is decided anew for each
call all the same. The token is part of what is looked up, so nobody finds the head of another. Only what was answered is kept:
strangers cannot fill the memory, and push nothing out of it.
"""

from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Generic, NamedTuple, TypeVar

MAX_CACHED = 12_000
"""Heads kept; some 40 MB when full of usual ones. The one that was kept first goes first."""

MAX_BYTES = 2048
"""Of a head that is kept."""

KEPT_STATUSES = frozenset({200, 202})
"""Of responses: a call that was answered, and one that was accepted for later."""

END_OF_HEAD = b"\r\n\r\n"

_LENGTH = b"\r\nContent-Length: "

Head = TypeVar("Head")
"""What the face of the call makes of a head."""


class HeadKey(NamedTuple):
    """A caller's address and its head as it came: up to the figure of its `Content-Length`, and from there to its end."""

    address: str
    before: bytes
    after: bytes

    @classmethod
    def of(cls, address: str, data: bytes) -> "HeadKey | None":
        """Take the head at the beginning of what has arrived; None where it does not end there or gives no length."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if end < len(END_OF_HEAD):
            return None
        name = data.find(_LENGTH, 0, end)
        if name < 0 and (name := data.find(_LENGTH.lower(), 0, end)) < 0:
            return None
        figure = name + len(_LENGTH)
        return cls(address, data[:figure], data[data.find(b"\r", figure) : end])


class CachedHead(NamedTuple, Generic[Head]):
    """A head that was parsed.

    Args:
        keep_alive: whether its connection stays open.
        key: None where it is not to be kept.
    """

    head: Head
    keep_alive: bool
    key: HeadKey | None

    def document(self, data: bytes) -> bytes | None:
        """Take the document, where this head with the length of just that document is all that has arrived.

        The length is written as anybody writes a number; any other way is the parser's to judge.
        """
        assert self.key is not None
        _, before, after = self.key
        if not data.startswith(before):
            return None
        figure = len(before)
        rest = data.find(b"\r", figure)
        if not data.startswith(after, rest):
            return None
        body = data[rest + len(after) :]
        return body if data[figure:rest] == b"%d" % len(body) else None


class RequestHeadCache(Generic[Head]):
    """One gateway's memory of heads.

    Args:
        may_come_again: whether a head carries nothing that belongs to one call alone.
    """

    def __init__(self, may_come_again: Callable[[Head], bool]) -> None:
        self._may_come_again = may_come_again
        self._cached: OrderedDict[HeadKey, CachedHead[Head]] = OrderedDict()

    def find(self, address: str, data: bytes) -> CachedHead[Head] | None:
        """Find the head at the beginning of what has arrived."""
        key = HeadKey.of(address, data)
        return self._cached.get(key) if key else None

    def record(self, cached: CachedHead[Head], status: int) -> None:
        """Keep the head of a call that was answered; drop that of a token which does not count any more."""
        key = cached.key
        if key is None:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            self._cached.pop(key, None)
        elif (
            status in KEPT_STATUSES
            and len(key.before) + len(key.after) <= MAX_BYTES
            and self._may_come_again(cached.head)
        ):
            if len(self._cached) >= MAX_CACHED:
                self._cached.popitem(last=False)
            self._cached[key] = cached
