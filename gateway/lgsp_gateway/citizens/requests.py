"""Requests of citizens about an entry of their access log: what one holds, and until when it must be answered."""

import datetime
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, cast

from lgsp_contracts.time_zone import VIETNAM

Kind = Literal["object", "ask"]
KINDS: Final = ("object", "ask")
"""A citizen objects to a read, or asks about it."""
MAX_TEXT: Final = 2000
"""Characters of a request."""
MAX_ANSWER: Final = 4000
"""Characters of an answer."""

FIRST_REPLY_DAYS: Final = 2
"""Working days in which an agency has to tell that it received a request and how it deals with it (Decree 356/2025/NĐ-CP, Article 5)."""
FIRST_REPLY_NEAR: Final = 1
"""Days before that from which a first reply is nearly due."""

DAYS_NEAR: Final = 2
"""Days before the last one to answer on from which a request is nearly due."""

_SATURDAY = 5


class Answer(NamedTuple):
    """What an agency wrote, by which principal, and when (seconds since 1970)."""

    text: str
    by: str
    at: float


class CitizenRequest(NamedTuple):
    """A request.

    Args:
        number: which the citizen is given.
        agency: that read, and has to answer.
        citizen: the pseudonym of whoever asks; it is shown to nobody.
        entry: what the access log says of the read.
        asked: seconds since 1970.
        due: the last day to answer on, in Vietnam.
        answer: None until it is answered.
        first_reply: that it was received and how it is dealt with; None until that is told. An answer needs none before it.
    """

    number: str
    agency: str
    citizen: str
    kind: Kind
    text: str
    entry: Mapping[str, Any]
    asked: float
    due: datetime.date
    answer: Answer | None = None
    first_reply: Answer | None = None

    @property
    def waits_for_first_reply(self) -> bool:
        """Whether the citizen has heard nothing yet."""
        return self.answer is None and self.first_reply is None

    @property
    def first_reply_due(self) -> datetime.date:
        """The last day to give the first reply on, in Vietnam."""
        return due_day(self.asked, FIRST_REPLY_DAYS)

    def days_left(self, now: float) -> int:
        """Return the days until the last one to answer on; negative where it is over.

        Args:
            now: seconds since 1970.
        """
        return days_until(self.due, now)

    def document(self) -> dict[str, Any]:
        """Return what is stored of it before it is answered."""
        return {
            "number": self.number,
            "agency": self.agency,
            "citizen": self.citizen,
            "kind": self.kind,
            "text": self.text,
            "entry": dict(self.entry),
            "asked": self.asked,
            "due": self.due.isoformat(),
        }

    @classmethod
    def from_documents(
        cls, asked: Mapping[str, Any], replied: Mapping[str, Any] | None, answered: Mapping[str, Any] | None
    ) -> "CitizenRequest":
        """Read it from what is stored: what was asked, the first reply, and the answer."""
        return cls(
            asked["number"],
            asked["agency"],
            asked["citizen"],
            cast("Kind", asked["kind"]),
            asked["text"],
            asked["entry"],
            asked["asked"],
            datetime.date.fromisoformat(asked["due"]),
            Answer(**answered) if answered else None,
            Answer(**replied) if replied else None,
        )


class DamagedRequest(NamedTuple):
    """What is known of a request that cannot be read: what its number and its key say.

    Args:
        asked: the day in Vietnam on which it was sent.
        due: the last day to answer on, in Vietnam.
        answered: there is an answer, which cannot be read without the request.
    """

    number: str
    agency: str
    asked: datetime.date
    due: datetime.date
    answered: bool

    def days_left(self, now: float) -> int:
        """Return the days until the last one to answer on; negative where it is over.

        Args:
            now: seconds since 1970.
        """
        return days_until(self.due, now)

    @classmethod
    def of_number(cls, number: str, agency: str, working_days: int, *, answered: bool) -> "DamagedRequest":
        """Read the day from a number.

        Args:
            working_days: in which a request has to be answered.
        """
        asked = datetime.datetime.strptime(number[:8], "%Y%m%d").replace(tzinfo=VIETNAM)
        return cls(number, agency, asked.date(), due_day(asked.timestamp(), working_days), answered)


DueRequest = CitizenRequest | DamagedRequest
"""A request with a number and a last day to answer on."""


def days_until(due: datetime.date, now: float) -> int:
    """Return the days until a last day to answer on, in Vietnam; negative where it is over.

    Args:
        now: seconds since 1970.
    """
    return (due - day_of(now)).days


def day_of(time: float) -> datetime.date:
    """Return the day in Vietnam of a time in seconds since 1970."""
    return datetime.datetime.fromtimestamp(time, VIETNAM).date()


def due_day(asked: float, working_days: int) -> datetime.date:
    """Return the last day to answer on.

    Saturdays and Sundays do not count. Public holidays do: they are decided each year, and a deadline that ignores them is never too late.

    Args:
        asked: seconds since 1970.
        working_days: to be counted from the day after.
    """
    day = day_of(asked)
    while working_days:
        day += datetime.timedelta(days=1)
        working_days -= day.weekday() < _SATURDAY
    return day
