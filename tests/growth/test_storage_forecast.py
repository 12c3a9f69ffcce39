"""How long the storage lasts, at the rate of the last week."""

import time

from lgsp_gateway.delivery.storage.space import Room
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_gateway.observability.storage_forecast import full_at

DAY, GIB = 86_400.0, 1 << 30


def room(used: float) -> Room:
    return Room("nats-1", int(used * GIB), 100 * GIB, 10 * GIB)


def test_it_lasts_what_is_free_before_the_reserve_divided_by_the_rate() -> None:
    now = time.time()
    week = [(now - days * DAY, int((43 - days) * GIB)) for days in range(7, 0, -1)]  # one GiB a day
    end = full_at(week, room(43), now)
    assert end is not None
    assert round((end - now) / DAY) == 47
    shown = Expiration("storage", "nats-1", now + 41.5 * DAY).text(now)
    assert "is full in 41 days at the rate of the last week" in shown.en
    assert "đầy sau 41 ngày" in shown.vi


def test_after_an_archive_the_rate_is_that_since_then() -> None:
    now = time.time()
    samples = [(now - 6 * DAY, 80 * GIB), (now - 2 * DAY, 20 * GIB), (now - DAY, 21 * GIB)]
    end = full_at(samples, room(22), now)
    assert end is not None
    assert round((end - now) / DAY) == 68


def test_nothing_is_said_without_growth_or_history() -> None:
    now = time.time()
    assert full_at([(now - 3 * DAY, 50 * GIB)], room(50), now) is None
    assert full_at([(now - 3600, 10 * GIB)], room(50), now) is None
    assert full_at([(now - 30 * DAY, 10 * GIB)], room(50), now) is None
