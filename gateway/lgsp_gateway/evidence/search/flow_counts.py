"""What passed between two systems, as counts that add up: of operations to those of a service, of systems to those of an agency.

Pure, and without a database library, so that a process without an index can load it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lgsp_gateway.evidence.search.durations import quantile
from lgsp_gateway.evidence.search.models import WINDOWS

REFUSED, FAILED = 4, 5
"""How a call ended: the first digit of its HTTP status. Refused for a reason of the caller; failed for one of the provider or the bus."""

Clause = Mapping[str, frozenset[str]]
"""A condition on the parties of a flow: the names that each of some columns may have; one column that has such a name suffices."""


class Parties(NamedTuple):
    """Between whom a flow runs.

    Args:
        consumer: the system that asks or receives; empty for a published event.
        provider: the system that answers or publishes, behind its adapter.
        operation: the operation or the event.
        kind: `call`, `event` (published) or `delivery` (an attempt to deliver a message or an event).
    """

    consumer: str
    provider: str
    service: str
    operation: str
    kind: str

    def fulfils(self, clauses: Iterable[Clause]) -> bool:
        """Tell whether all of these conditions hold."""
        values = self._asdict()
        return all(any(values[column] in names for column, names in clause.items()) for clause in clauses)


@dataclass(slots=True)
class FlowCounts:
    """The counts of a flow within a window. `durations` are the numbers of calls by class of duration."""

    refused: int = 0
    failed: int = 0
    durations: dict[int, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Return how many there were."""
        return sum(self.durations.values())

    def count(self, ending: int, duration: int, calls: int) -> None:
        """Count calls that ended alike.

        Args:
            ending: the first digit of the HTTP status.
            duration: the class of the duration.
        """
        self.refused += calls if ending == REFUSED else 0
        self.failed += calls if ending == FAILED else 0
        self.durations[duration] = self.durations.get(duration, 0) + calls

    def add(self, other: "FlowCounts") -> None:
        """Add the counts of another flow."""
        self.refused += other.refused
        self.failed += other.failed
        for duration, calls in other.durations.items():
            self.durations[duration] = self.durations.get(duration, 0) + calls

    def quantile(self, share: float) -> float:
        """Return the duration in milliseconds that this share of the calls did not exceed."""
        return quantile(self.durations, share)


class TrafficPoint(NamedTuple):
    """What passed in one span of time; `began` in seconds since 1970."""

    began: int
    calls: int
    refused: int
    failed: int


class LatencyCell(NamedTuple):
    """How fast a service was in one span of time; `began` in seconds since 1970, `p95` in milliseconds."""

    service: str
    began: int
    calls: int
    failed: int
    p95: float


class WindowBounds(NamedTuple):
    """The spans of a window that are counted: those that began at `first` or later, `span` seconds each, until `now`."""

    first: int
    span: int
    now: float

    @classmethod
    def of_window(cls, window: str, now: float) -> "WindowBounds":
        """Return which spans belong to a window, a key of `models.WINDOWS`, that ends now (seconds since 1970)."""
        seconds, span = WINDOWS[window]
        return cls(int(now) - seconds - int(now) % span + span, span, now)

    @property
    def seconds(self) -> float:
        """Return how much time they cover."""
        return self.now - self.first
