"""How far a watch has come."""

from datetime import datetime

import pytest

from lgsp_adapters.watching.positions import Position
from lgsp_adapters.watching.progress import Outcome, Progress
from lgsp_contracts.time_zone import VIETNAM

NOW = datetime(2026, 11, 28, 9, tzinfo=VIETNAM)


def test_an_event_behind_the_watermark_changes_the_document_that_is_stored() -> None:
    progress = Progress.from_document(None, "2026-11-01 00:00:00")
    progress.settle([Outcome("1", "2026-11-28 08:00:00", settled=True)], 600, NOW)
    before = progress.document()
    progress.settle(
        [Outcome("2", "2026-11-28 07:55:00", settled=True), Outcome("1", "2026-11-28 08:00:00", settled=True)],
        600,
        NOW,
    )
    assert progress.document() != before
    assert set(Progress.from_document(progress.document(), None).remembered) == {"1", "2"}


@pytest.mark.parametrize(
    ("start", "today", "mistyped"),
    [
        (
            "2026-11-27 08:00:00",
            "2026-11-28 08:00:00",
            ("2062-11-28 08:00:00", "2062-11-28 08:05:00", "9999-12-31 00:00:00"),
        ),
        ("2026-11-27T08:00:00+07:00", "2026-11-28T01:00:00Z", ("2062-11-28T08:00:00Z", "2062-11-28T08:00:01Z")),
        ("2026-11-27", "2026-11-28", ("2062-11-28", "2062-11-29")),
    ],
)
def test_rows_with_mistyped_years_do_not_hide_what_comes_after(
    start: Position, today: Position, mistyped: list[Position]
) -> None:
    progress = Progress.from_document(None, start)
    read = [Outcome("1", today, settled=True)]
    read += [Outcome(f"mistyped {number}", position, settled=True) for number, position in enumerate(mistyped)]
    progress.settle(read, 0, NOW)
    assert progress.from_where(0) == today
    assert set(progress.remembered) == {outcome.id for outcome in read}, (
        "each was published, and is not published again"
    )


def test_a_clock_that_is_somewhat_ahead_is_followed() -> None:
    progress = Progress.from_document(None, "2026-11-27 08:00:00")
    read = [Outcome("1", "2026-11-28 20:00:00", settled=True), Outcome("2", "2026-11-28 21:00:00", settled=True)]
    progress.settle(read, 0, NOW)
    assert progress.from_where(0) == "2026-11-28 20:00:00"
