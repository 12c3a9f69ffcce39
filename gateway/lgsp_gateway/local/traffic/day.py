"""The plan of a working day: who asks what at which minute, and what goes wrong. Pure: the same seed gives the same day.

Offices open at 7:30 and are closed at noon; a hospital begins earlier. At ten the population database is slow, at two in the afternoon the insurance
database fails, at half past three a school asks more than its quota.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

BEGIN, END = 7 * 60, 18 * 60
"""Minutes of the day that are played."""
MINUTES_PER_SECOND = 2
"""How fast: a minute of the day takes half a second, the whole day five and a half minutes."""

MAX_TIMES = 100
"""Of one thing in one minute."""

Curve = tuple[tuple[int, float], ...]
"""Shares of the busiest hour by minute of the day, with straight lines in between."""

OFFICES: Curve = (
    *((7 * 60 + 15, 0.02), (7 * 60 + 45, 0.7), (9 * 60, 1.0), (10 * 60 + 45, 0.9), (11 * 60 + 30, 0.3)),
    *(
        (12 * 60, 0.05),
        (13 * 60 + 15, 0.05),
        (13 * 60 + 45, 0.7),
        (15 * 60, 0.9),
        (16 * 60 + 30, 0.5),
        (17 * 60 + 15, 0.03),
    ),
)
HOSPITAL: Curve = ((7 * 60, 0.5), (8 * 60, 1.0), (10 * 60, 0.9), (12 * 60, 0.4), (14 * 60, 0.7), (17 * 60, 0.3))
ADMISSIONS: Curve = ((8 * 60, 0.1), (15 * 60 + 25, 0.15), (15 * 60 + 35, 1.0), (16 * 60, 1.0), (16 * 60 + 10, 0.1))


@dataclass(frozen=True, slots=True)
class Call:
    """A system calls an operation with the contract's own example; `deferred` where it need not wait for the answer."""

    system: str
    service: str
    operation: str
    purpose: str
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Birth:
    """An office registers a birth; its adapter finds the new row and publishes the event."""

    number: int


@dataclass(frozen=True, slots=True)
class DossierStep:
    """The one-stop desk publishes that a dossier has changed."""

    number: int


@dataclass(frozen=True, slots=True)
class Document:
    """An office sends a document with a file to another one."""

    number: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The system behind an adapter becomes as `settings` say (`lgsp_adapters.sandbox.fault_injection`); well again where that is empty."""

    sandbox: str
    settings: Mapping[str, Any]
    words: str


Action = Call | Birth | DossierStep | Document | Fault

_CALLS: tuple[tuple[Call, Curve, float], ...] = (
    (Call("mot-cua", "population", "verify-citizen", "giai-quyet-tthc"), OFFICES, 3.0),
    (Call("mot-cua", "population", "lookup-citizen", "giai-quyet-tthc"), OFFICES, 0.9),
    (Call("mot-cua", "insurance", "lookup-participation", "giai-quyet-tthc"), OFFICES, 0.4),
    (Call("mot-cua", "enterprise-registry", "lookup-enterprise", "giai-quyet-tthc"), OFFICES, 0.7),
    (Call("mot-cua", "land-parcels", "lookup-parcel", "giai-quyet-tthc"), OFFICES, 1.1),
    (Call("mot-cua", "land-parcels", "list-parcels", "giai-quyet-tthc"), OFFICES, 0.3),
    (Call("mot-cua", "civil-servants", "lookup-civil-servant", "giai-quyet-tthc"), OFFICES, 0.2),
    (Call("benh-vien", "insurance", "check-health-card", "kham-chua-benh"), HOSPITAL, 2.0),
    (Call("benh-vien", "population", "verify-citizen", "kham-chua-benh"), HOSPITAL, 1.0),
    (Call("benh-vien", "health-records", "lookup-summary", "kham-chua-benh"), HOSPITAL, 1.3),
    (Call("dau-tu", "enterprise-registry", "lookup-enterprise", "tham-dinh-du-an"), OFFICES, 0.4),
    (Call("dau-tu", "construction-permits", "lookup-permit", "quan-ly-dau-tu"), OFFICES, 0.3),
    (Call("du-lich", "enterprise-registry", "lookup-enterprise", "quan-ly-lu-hanh"), OFFICES, 0.3),
    (Call("du-lich", "population", "verify-citizen", "quan-ly-lu-hanh"), OFFICES, 0.03),  # it has no grant
    (Call("truong-hoc", "student-records", "lookup-results", "tuyen-sinh"), ADMISSIONS, 0.9),
    (Call("truong-hoc", "population", "verify-citizen", "tuyen-sinh"), ADMISSIONS, 2.2),  # its quota is 30 a minute
    (Call("van-ban-y-te", "documents", "list-received", "trao-doi-van-ban"), OFFICES, 0.15),
)
"""Calls, when they are made, and how many in a minute of the busiest hour."""

_HAPPENINGS: tuple[tuple[type[Birth | DossierStep | Document], Curve, float], ...] = (
    (Birth, OFFICES, 0.15),
    (DossierStep, OFFICES, 0.35),
    (Document, OFFICES, 0.2),
)

_FAULTS: Mapping[int, Fault] = {
    10 * 60: Fault("population", {"delayMs": 1700}, "10:00 the population database is slow"),
    10 * 60 + 50: Fault("population", {}, "10:50 the population database is itself again"),
    14 * 60: Fault("insurance", {"status": 500}, "14:00 the insurance database fails"),
    14 * 60 + 40: Fault("insurance", {}, "14:40 the insurance database answers again"),
}

_WORDS = {
    7 * 60 + 30: "07:30 offices open",
    11 * 60 + 30: "11:30 offices close for noon",
    13 * 60 + 30: "13:30 offices open again",
    15 * 60 + 30: "15:30 admissions: a school asks more than its quota",
    17 * 60: "17:00 offices close",
}


@dataclass(frozen=True, slots=True)
class Minute:
    """What happens in a minute of the day, in order; `words` where something begins or ends."""

    minute: int
    actions: tuple[Action, ...]
    words: tuple[str, ...] = ()


def day(seed: int, number: int = 0) -> Iterator[Minute]:
    """Yield the minutes of a working day.

    Args:
        number: of the day, from 0: each is a little different.
    """
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - reproducible on purpose
    numbers = itertools.count(number * 10_000)
    for minute in range(BEGIN, END):
        actions: list[Action] = [
            call for call, curve, rate in _CALLS for _ in range(_times(chance, rate * share(curve, minute)))
        ]
        for happening, curve, rate in _HAPPENINGS:
            times = _times(chance, rate * share(curve, minute))
            actions += [happening(next(numbers)) for _ in range(times)]
        chance.shuffle(actions)
        fault = _FAULTS.get(minute)
        words = tuple(filter(None, (fault.words if fault else "", _WORDS.get(minute, ""))))
        yield Minute(minute, (*((fault,) if fault else ()), *actions), words)


def share(curve: Curve, minute: int) -> float:
    """Return how busy it is at a minute, from 0 to 1."""
    before = max((point for point in curve if point[0] <= minute), default=curve[0])
    after = min((point for point in curve if point[0] >= minute), default=curve[-1])
    if before[0] == after[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (minute - before[0]) / (after[0] - before[0])


def _times(chance: random.Random, mean: float) -> int:
    """Return how often something happens by chance that happens so often on average (Poisson distribution, by inversion)."""
    drawn, times = chance.random(), 0
    probability = total = math.exp(-mean)
    while drawn > total and times < MAX_TIMES:
        times += 1
        probability *= mean / times
        total += probability
    return times
