"""The heads of calls that one connection has heard before.

A program that calls the bus sends the same head with each call of a kind: path, token, purpose, and a length that is one of a
few. What aiohttp's parser made of these bytes holds for the same bytes again, so they are looked up and not parsed: a
seventh of what a call costs the gateway (measured; docs/decisions/016). Who the caller is and what it may is decided anew for each
call all the same. Every connection has a memory of its own, which ends with it: nothing of one caller reaches another.
"""

from typing import NamedTuple

from lgsp_gateway.web.head import HttpHead

MOST = 8
"""Heads kept for a connection: a program's documents differ by some characters, and so does `Content-Length`."""

MAX_BYTES = 4096
"""Of a head that is kept."""

_END = b"\r\n\r\n"


class Known(NamedTuple):
    """A head that was parsed. `length` is that of the document which follows it, `keep` whether the connection stays."""

    head: HttpHead
    length: str
    keep: bool


class Heard:
    """One connection's memory. `between` says that all that came before was taken as whole calls, so that what comes now begins one."""

    __slots__ = ("_known", "between")

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self.between = False

    def recall(self, data: bytes) -> tuple[Known, bytes] | None:
        """A known head and its whole document, where that and nothing else is what has arrived."""
        if not self.between:
            return None
        end = data.find(_END) + 4
        known = self._known.get(data[:end])
        if known is None or known.length != str(len(data) - end):
            return None
        return known, data[end:]

    def learn(self, data: bytes, known: Known) -> None:
        """Keep the head of a call that aiohttp has parsed; what ends with its document leaves nothing in the parser."""
        end = data.find(_END) + 4
        self.between = end >= 4 and known.length == str(len(data) - end)
        if self.between and end <= MAX_BYTES:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[data[:end]] = known
