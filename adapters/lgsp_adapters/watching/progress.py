"""How far a watch has come: what lies before the watermark is settled, and what was accepted behind it is remembered by its id.

The watermark stays behind the last value that was read, since further rows with the same value may follow, and behind the first occurrence
that is not settled; one without a usable position keeps it where it is, since nobody knows what lies behind it. When much has been accepted
behind what is not settled, that is set aside: it is remembered with where to read it again, and the watermark goes on. From the watermark less the overlap everything is read again, so that what a slow transaction adds there is found. It never
goes into the future: a row with a mistyped year is an event, but what is written from today on must not be passed over for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.watching import positions
from lgsp_adapters.watching.positions import Position

MAX_REMEMBERED = 10_000
"""Events that are remembered behind the watermark. More say that the overlap is too long, or that something keeps the watermark back."""

SET_ASIDE_FROM = 1_000
"""Events remembered behind the watermark from which what keeps it back is set aside."""
MAX_ASIDE = 1_000
"""Occurrences that are set aside. With more of them the watermark stays, and the watch stands still at last: so many
say that the manifest or the contract is wrong."""

CLOCK_TOLERANCE = timedelta(days=1)
"""How far the clock, or the time zone, of a watched system may be ahead of this machine."""


class TooMuchBehindError(AdapterError):
    """More has been accepted behind the watermark than can be remembered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one occurrence.

    Args:
        position: None where it has none.
        settled: its event was accepted, and the system knows.
        content: a digest of its data.
        aside: it is set aside, and keeps nothing back.
    """

    id: str
    position: Position | None
    settled: bool
    content: str = ""
    aside: bool = False


class Accepted(NamedTuple):
    """An event that was accepted and may be read again.

    Args:
        position: None where it has none.
        content: a digest of its data as it was read last; "" where that is not known.
    """

    position: Position | None
    content: str


class Aside(NamedTuple):
    """An occurrence that is not settled and that is read again by itself.

    Args:
        since: the position from which a read finds it.
        position: its own; None where it has none.
        chain: names what is published one after the other.
    """

    since: Position
    position: Position | None
    chain: str


@dataclass(slots=True)
class Progress:
    """The progress of one watch.

    Args:
        watermark: None where the system has none.
        remembered: events that were accepted and may be read again, by their ids.
        aside: what is set aside, by the ids of the events, in its order.
    """

    watermark: Position | None
    remembered: dict[str, Accepted] = field(default_factory=dict)
    aside: dict[str, Aside] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Any, start: Position | None) -> "Progress":
        """Read what `document` wrote; a new one begins at `start`.

        Raises:
            AdapterError: it is none.
        """
        if document is None:
            return cls(start)
        try:
            remembered = {event: _accepted(value) for event, value in document["remembered"].items()}
            aside = {event: Aside(*value) for event, value in document.get("aside", {}).items()}
            return cls(document["watermark"], remembered, aside)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AdapterError("the stored state of a watch cannot be read") from error

    def document(self) -> dict[str, Any]:
        """Return the progress as JSON."""
        document: dict[str, Any] = {"watermark": self.watermark}
        document["remembered"] = {event: list(one) for event, one in self.remembered.items()}
        if self.aside:
            document["aside"] = {event: list(one) for event, one in self.aside.items()}
        return document

    def set_aside(self, held: Mapping[str, Aside]) -> bool:
        """Let nothing be kept back by these occurrences any more, unless too many are set aside; return whether that was done."""
        if len(self.aside.keys() | held.keys()) > MAX_ASIDE:
            return False
        self.aside |= held
        return True

    def refuse_too_much(self, more: int) -> None:
        """Refuse to publish so many events more that could not be remembered while something keeps the watermark back.

        Raises:
            TooMuchBehindError: there are too many.
        """
        if len(self.remembered) + more > MAX_REMEMBERED:
            raise TooMuchBehindError(
                f"more than {MAX_REMEMBERED} events lie behind the watermark, and more than {MAX_ASIDE} occurrences are held; "
                "correct what is wrong with them"
            )

    def is_changed(self, event: str, content: str) -> bool:
        """Tell whether an event that was accepted has other content than when it was read last."""
        known = self.remembered.get(event)
        return known is not None and known.content not in ("", content)

    def from_where(self, overlap: float) -> Position | None:
        """Return the position from which the next read begins.

        Raises:
            UnusableWatermarkError: the overlap does not fit the watermark.
        """
        return None if self.watermark is None else positions.moved_back(self.watermark, overlap)

    def settle(self, outcomes: Iterable[Outcome], overlap: float, now: datetime, *, advances: bool = True) -> None:
        """Take in what became of the occurrences of one read, in their order.

        Args:
            now: with a zone.
            advances: whether the watermark may move.

        Raises:
            UnusableWatermarkError: positions cannot be compared.
            TooMuchBehindError: more is remembered than may be.
        """
        read = list(outcomes)
        for outcome in read:
            if outcome.settled:
                self.aside.pop(outcome.id, None)
                self.remembered[outcome.id] = Accepted(outcome.position, outcome.content)
        if self.watermark is None:
            current = {outcome.id for outcome in read}
            self.remembered = {event: one for event, one in self.remembered.items() if event in current}
        else:
            if advances:
                self._advance(read, now + CLOCK_TOLERANCE)
            least = positions.moved_back(self.watermark, overlap)
            self.remembered = {
                event: one
                for event, one in self.remembered.items()
                if one.position is not None and not positions.is_before(one.position, least)
            }
        if len(self.remembered) > MAX_REMEMBERED:
            raise TooMuchBehindError(
                f"more than {MAX_REMEMBERED} events lie behind the watermark; correct what is held, or shorten the overlap"
            )

    def _advance(self, read: list[Outcome], latest: datetime) -> None:
        """Move the watermark to the last value before the first unsettled one, before the last one that was read, and not after `latest`."""
        assert self.watermark is not None
        blocking = [outcome for outcome in read if not outcome.settled and not outcome.aside]
        placed = [outcome.position for outcome in read if outcome.position is not None]
        if not placed or any(outcome.position is None for outcome in blocking):
            return
        stops = [placed[-1], *(outcome.position for outcome in blocking[:1] if outcome.position is not None)]
        for position in placed:
            if positions.is_after(position, latest) or any(not positions.is_before(position, stop) for stop in stops):
                break
            if positions.is_before(self.watermark, position):
                self.watermark = position


def _accepted(value: Any) -> Accepted:
    """Read an event that is remembered; earlier versions wrote the position alone."""
    return Accepted(*value) if isinstance(value, list) else Accepted(value, "")


def previous_value(values: Sequence[Position]) -> Position | None:
    """Return the last position that differs from the last one of an ordered read; None where there is one value alone."""
    return next((value for value in reversed(values) if not positions.is_same(value, values[-1])), None)
