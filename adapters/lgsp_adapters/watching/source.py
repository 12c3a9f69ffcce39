"""What a connector that watches implements: where occurrences come from, and how the system is told that one was received."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lgsp_adapters.watching.positions import Position


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened in the watched system, as an event or with what keeps it from being one.

    Args:
        id: of the event; the same each time it is read.
        position: of the watermark; None where the system has none, or where this one has none that can be used, which is a fault.
        data: of the event; None where there is a fault.
        time: when it happened, by RFC 3339; "" for when it was read.
        fault: why it makes no event, without a value of it; "" where it does.
        ordering_key: where there is a fault, by which its event would be ordered; None where it has none, or that cannot be told.
        row: as the system has it, for telling it that the event was received.
    """

    id: str
    position: Position | None
    data: Any = None
    time: str = ""
    fault: str = ""
    ordering_key: str | None = None
    row: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Read:
    """What one read found.

    Args:
        occurrences: ordered by their positions.
        complete: there is nothing further now. Where it is false, the next read brings others, once `settled` was called.
    """

    occurrences: Sequence[Occurrence]
    complete: bool = True


class EventSource(Protocol):
    """One event that a manifest watches for."""

    @property
    def poll_seconds(self) -> float:
        """Return how long after one look the next begins."""

    start: Position | None
    """Where a watch begins that has no state yet; None where the system has no watermark."""

    overlap: float
    """How far before the watermark is read again: seconds, or a number where the watermark is one."""

    async def read(self, position: Position | None) -> Read:
        """Read what comes after a position.

        Raises:
            AdapterError: the system gives no usable answer.
        """

    async def acknowledge(self, occurrence: Occurrence) -> None:
        """Tell the system that an event was received, where the manifest says how. It may be told again.

        Raises:
            AdapterError: the system does not take it.
        """

    async def settled(self, ids: Collection[str]) -> None:
        """Take note that, of what was read last, the events with these ids are accepted and that this is recorded.

        What is not among them is held. A source without a watermark sets it aside: it goes on with others, and brings it again with each read.

        Raises:
            AdapterError: it cannot be noted.
        """
