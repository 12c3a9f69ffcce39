"""The heads of calls that the gateway has heard before.

A program that calls the bus sends the same head with each call of a kind: path, token, purpose, and a length that is one of a
few. What aiohttp's parser made of these bytes holds for the same bytes again, so they are looked up and not parsed: a
sixth of what a call costs the gateway (measured; docs/decisions/016). Who the caller is and what it may is decided anew for each
call all the same. The token is part of what is looked up, so nobody finds the head of another. Only what was answered is
kept: strangers cannot fill the memory, and push nothing out of it.
"""

from typing import NamedTuple

from lgsp_gateway.web.head import HttpHead

MOST = 12_000
"""Heads kept; some 40 MB when full of usual ones. The one that was kept first goes first."""

MAX_BYTES = 2048
"""Of a head that is kept."""

END = b"\r\n\r\n"
"""Of a head."""

Key = tuple[str, bytes]
"""The address of a caller and its head as it came, with the empty line."""


class Known(NamedTuple):
    """A head that was parsed. `length` is that of the document which follows it, `keep` whether the connection stays."""

    head: HttpHead
    length: str
    keep: bool


class Heard:
    """One gateway's memory."""

    def __init__(self) -> None:
        self._known: dict[Key, Known] = {}

    def recall(self, address: str, data: bytes) -> tuple[Key, Known | None]:
        """The head at the beginning of what has arrived, empty where it does not end there; and what is known of it, where it
        and its whole document and nothing else is there."""
        end = data.find(END) + len(END)
        if end < len(END):
            return (address, b""), None
        key = (address, data[:end])
        known = self._known.get(key)
        return key, known if known is not None and known.length == str(len(data) - end) else None

    def learn(self, key: Key, known: Known) -> None:
        """Keep a head whose call was answered."""
        if len(key[1]) <= MAX_BYTES:
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = known

    def forget(self, key: Key) -> None:
        """Drop a head whose token does not count any more."""
        self._known.pop(key, None)
