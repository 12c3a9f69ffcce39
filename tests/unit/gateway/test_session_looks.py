"""The stream of a session looks whether the session is still there, however busy the registry is."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lgsp_gateway.api import session_events
from lgsp_gateway.api.session_events import SessionEventRoute


class Busy:
    """The registry of a working day: somebody changes a grant all the time."""

    own_session = False

    def __init__(self) -> None:
        self.happened = asyncio.Event()
        self.happened.set()

    def take(self) -> bool:
        return False


class Looking:
    """A sign-in whose session has expired, which nobody is told."""

    async def look(self, own: object, now: float) -> None:
        return None


class Waiting:
    """Counts nothing."""

    async def of(self, person: object) -> dict[str, int]:
        return {}


async def test_changes_of_others_do_not_keep_an_expired_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_events, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(session_events, "COALESCE_SECONDS", 0.01)
    parts = cast("Any", (None, Looking(), None, Waiting(), None))
    route, own = SessionEventRoute(*parts), cast("Any", SimpleNamespace(principal=None))

    class Answer:
        async def write(self, data: bytes) -> None:
            """Send it to nobody."""

    async with asyncio.timeout(5):
        assert await route._next_change(cast("Any", Answer()), own, cast("Any", Busy())) is None
