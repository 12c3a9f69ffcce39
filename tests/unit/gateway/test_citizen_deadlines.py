"""Until when an agency has to answer a citizen."""

import datetime

import pytest

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.citizens.requests import CitizenRequest, due_day


def at(day: str, hour: int = 9) -> float:
    return datetime.datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=VIETNAM).timestamp()


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23", "2026-12-01"),  # Monday
        ("2026-11-27", "2026-12-07"),  # Friday
        ("2026-11-28", "2026-12-07"),  # Saturday
        ("2026-11-29", "2026-12-07"),  # Sunday
    ],
)
def test_saturdays_and_sundays_do_not_count(asked: str, due: str) -> None:
    for hour in (0, 23):  # the day is Vietnam's
        assert due_day(at(asked, hour), 6) == datetime.date.fromisoformat(due)


def test_days_are_left_until_the_last_one_is_over() -> None:
    due = datetime.date(2026, 12, 7)
    request = CitizenRequest("20261127-aaaaaaaaaa", "H49.1", "x", "ask", "?", {}, at("2026-11-27"), due)
    assert [request.days_left(at(day, 23)) for day in ("2026-12-05", "2026-12-07", "2026-12-08")] == [2, 0, -1]
