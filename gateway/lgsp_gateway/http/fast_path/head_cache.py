"""The heads of calls that the gateway has heard before.

A program that calls the bus sends the same head with each call of a kind: path, token, purpose; only the figure of its
`Content-Length` differs. What aiohttp's parser made of these bytes holds for the same bytes again, so they are looked up and
not parsed: a sixth of what a call costs the gateway (measured; docs/decisions/016). Who the caller is and what it may is
decided anew for each call all the same. The token is part of what is looked up, so nobody finds the head of another.
Only what was answered is kept: strangers cannot fill the memory, and push nothing out of it.
"""

from collections import OrderedDict
from http import HTTPStatus
from typing import NamedTuple

from lgsp_gateway.faces.rest.head import HttpHead

MOST = 12_000
"""Heads kept; some 40 MB when full of usual ones. The one that was kept first goes first."""

MAX_BYTES = 2048
"""Of a head that is kept."""

END = b"\r\n\r\n"
"""Of a head."""

_LENGTH = b"\r\nContent-Length: "


class Key(NamedTuple):
    """A caller's address and its head as it came: up to the figure of its `Content-Length`, and from there to its end."""

    address: str
    before: bytes
    after: bytes

    @classmethod
    def of(cls, address: str, data: bytes) -> "Key | None":
        """The head at the beginning of what has arrived; None where it does not end there or gives no length."""
        end = data.find(END) + len(END)
        if end < len(END):
            return None
        name = data.find(_LENGTH, 0, end)
        if name < 0 and (name := data.find(_LENGTH.lower(), 0, end)) < 0:
            return None
        figure = name + len(_LENGTH)
        return cls(address, data[:figure], data[data.find(b"\r", figure) : end])


class Known(NamedTuple):
    """A head that was parsed. `keep` says whether its connection stays; it has no key where it is not to be kept."""

    head: HttpHead
    keep: bool
    key: Key | None

    def document(self, data: bytes) -> bytes | None:
        """The document, where this head with the length of just that document is all that has arrived.

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


class Heard:
    """One gateway's memory."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Known] = OrderedDict()

    def recall(self, address: str, data: bytes) -> Known | None:
        """What is known of the head at the beginning of what has arrived."""
        key = Key.of(address, data)
        return self._known.get(key) if key else None

    def answered(self, known: Known, status: int) -> None:
        """Keep the head of a call that was answered; drop that of a token which does not count any more."""
        if known.key is None:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            self._known.pop(known.key, None)
        elif status == HTTPStatus.OK and _may_come_again(known.key, known.head):
            if len(self._known) >= MOST:
                self._known.popitem(last=False)
            self._known[known.key] = known


def _may_come_again(key: Key, head: HttpHead) -> bool:
    """Is it of usual length, and carries nothing that belongs to one call alone?"""
    said = head.said
    once = said.parent or said.idempotency_key or said.on_behalf_of or said.credentials.proof
    return not once and len(key.before) + len(key.after) <= MAX_BYTES
