"""How far the adapters of a system have come with what they watch, which the gateways keep for all copies of an adapter.

A copy asks for a state with a `lease`: while it renews that, no other copy is given the state. It writes over the revision that it read, so
that a copy whose lease has passed to another writes nothing. The format is part of wire protocol 1.1 (`docs/protocol/wire-1.md`).
"""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from lgsp_contracts.names import SystemName

MAX_STATE_BYTES = 960 * 1024
"""Encrypted and with its subject it stays below 1 MiB, NATS's own `max_payload`."""
MAX_LEASE_SECONDS = 3_600


def request_subject(system: SystemName | Literal["*"]) -> str:
    """Name the NATS subject on which the adapters of a system read and write states."""
    return f"watch.{system}"


def reply_prefix(system: SystemName) -> str:
    """Name the subjects below which they are answered. No other system may subscribe to them."""
    return f"watch-reply.{system}."


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """Read a state, or write it.

    Args:
        name: of the state: `{service}.v{major}.{event}`.
        holder: the copy that asks, a random text of 16 hexadecimal digits.
        lease: seconds for which no other copy gets the state; 0 gives it up.
        revision: the one that was read, to write over; None to read.
        state: to write; None to read or to renew the lease alone.
    """

    name: str
    holder: str
    lease: int
    revision: int | None = None
    state: Any = None

    def to_bytes(self) -> bytes:
        """Serialise the request."""
        fields: dict[str, Any] = {"name": self.name, "holder": self.holder, "lease": self.lease}
        if self.revision is not None:
            fields |= {"revision": self.revision, "state": self.state}
        return orjson.dumps(fields)


@dataclass(frozen=True, slots=True)
class WatchGranted:
    """The copy holds the state.

    Args:
        revision: to write over; 0 where there is none yet.
        state: as it is; None where there is none yet.
    """

    revision: int
    state: Any


@dataclass(frozen=True, slots=True)
class WatchHeld:
    """Another copy holds the state, for so many seconds more unless it renews its lease."""

    seconds: float


Reply = WatchGranted | WatchHeld


def serialize(reply: Reply | None) -> bytes:
    """Serialise a reply; None for a state that cannot be reached now."""
    if isinstance(reply, WatchGranted):
        return orjson.dumps({"status": "granted", "revision": reply.revision, "state": reply.state})
    if isinstance(reply, WatchHeld):
        return orjson.dumps({"status": "held", "seconds": round(reply.seconds, 1)})
    return b'{"status":"unavailable"}'


def parse(data: bytes) -> Reply | None:
    """Parse a reply; None where the state cannot be reached now."""
    try:
        fields: Any = orjson.loads(data)
        if fields["status"] == "granted":
            return WatchGranted(int(fields["revision"]), fields["state"])
        if fields["status"] == "held":
            return WatchHeld(float(fields["seconds"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
