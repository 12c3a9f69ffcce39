"""A citizen's log tells what agencies asked; the citizen's own looks are told beside it, and do not fill the disk."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.issuer import PeoplesIssuer
from support.searched import Searched
from support.workbench import NUMBER, Got, Workbench

from lgsp_gateway.api.access_log_limiter import READS_PER_HOUR


class Citizens:
    """A bus whose evidence citizens read."""

    def __init__(self, searched: Searched, issuer: PeoplesIssuer) -> None:
        self.searched = searched
        self.bus = searched.bus
        self.issuer = issuer

    async def look(self, number: Any = NUMBER, scheme: str = "Bearer ", **claims: Any) -> Got:
        headers = {"Authorization": f"{scheme}{self.issuer.token(number, **claims)}", "Accept-Language": "en"}
        async with self.bus.session.get("/me/access-log", headers=headers) as answer:
            return Got(answer.status, await answer.read(), answer.headers)


@pytest_asyncio.fixture(scope="module")
async def citizens(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Citizens]:
    issuer, tmp_path = await PeoplesIssuer().start(), tmp_path_factory.mktemp("citizens")
    address = str(tmp_path / "index.db")
    bus = await Workbench(tmp_path).start("--index", address, "--issuers", str(issuer.entry(tmp_path)))
    searched = await Searched(bus, tmp_path, address).start()
    await searched.indexed((await bus.call(body={"soDinhDanh": "022093009999"})).message)
    yield Citizens(searched, issuer)
    await searched.stop()
    await issuer.stop()


async def test_own_looks_do_not_crowd_out_what_agencies_asked(citizens: Citizens) -> None:
    before = len(await citizens.bus.entries())
    looks = [await citizens.look() for _ in range(READS_PER_HOUR)]
    assert {got.status for got in looks} == {200}
    refused = await citizens.look()
    assert (refused.status, refused.code) == (429, "quota-exceeded")
    assert int(refused.headers["Retry-After"]) > 0
    assert len(await citizens.bus.entries()) == before + READS_PER_HOUR  # each is evidence, and no more are

    await citizens.searched.indexed(looks[-1].message)
    other = await citizens.look("022093005678")  # somebody else is not held up, and sees nothing of it
    assert (other.status, other.json["items"], other.json["own"]) == (200, [], [])


async def test_the_first_page_tells_agencies_and_own_looks_by_day(citizens: Citizens) -> None:
    somebody = "022093004321"
    asked = [(await citizens.bus.call(body={"soDinhDanh": somebody})).message for _ in range(3)]
    for _ in range(55):  # more than a page
        last = await citizens.look(somebody)
    await citizens.searched.indexed(last.message)
    page = (await citizens.look(somebody)).json
    assert [item["message"] for item in page["items"]] == asked[::-1]
    assert page["cursor"] == ""
    assert sum(day["looks"] for day in page["own"]) == 55
    assert len(page["own"]) <= 2  # midnight may pass meanwhile
    assert "chính bạn đã xem nhật ký này" in page["own"][0]["text"]
    assert page["own"][0]["last"].endswith("+07:00")


async def test_a_token_is_shown_as_a_bearer_token(citizens: Citizens) -> None:
    for scheme in ("", "Basic ", "Token "):
        got = await citizens.look(scheme=scheme)
        assert (got.status, got.code) == (401, "token-invalid"), scheme
    for scheme in ("Bearer ", "bearer "):
        assert (await citizens.look("022093001111", scheme=scheme)).status == 200


async def test_odd_claims_are_refused(citizens: Citizens) -> None:
    odd: list[Any] = ["\ud800", "022093001234\ud800", "", 22093001234, ["022093001234"], None, "9" * 3000]
    got = await asyncio.gather(*(citizens.look(number) for number in odd))
    assert [one.status for one in got] == [401] * len(odd)
    for claims in ({"exp": 10**400}, {"exp": [1]}, {"exp": "soon"}, {"exp": float("nan")}):
        assert (await citizens.look(**claims)).status == 401, claims
    assert '"event":"internal error"' not in citizens.bus.gateway.log.read_text()
