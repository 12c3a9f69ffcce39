"""Dead letters that the people of an agency decide about, on a bus of their own: people who approve leave their mark on it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.console import Officials
from support.later import Register, entries_of, named, send, until
from support.workbench import Got, Workbench


@pytest_asyncio.fixture(scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workbench]:
    bench = await Workbench(tmp_path_factory.mktemp("agency")).start()
    yield bench
    await bench.stop()


async def test_the_people_of_its_agency_decide_about_a_dead_letter(bus: Workbench, register: Register) -> None:
    register.fails = True
    messages = [(await send(bus, "register", named("D"))).message for _ in range(2)]
    for message in messages:
        await until(bus, message, "dead")
    register.fails = False
    officials = Officials(bus)

    async def by(path: str, *roles: str, agency: str = "H49.1", method: str = "GET", body: Any = None) -> Got:
        token = (await officials.signed_in(*roles, agency=agency)).token
        return await bus.ask(method, f"/dead-letters{path}", body, headers={"Authorization": f"Bearer {token}"})

    for role in ("agency-admin", "developer"):
        listed = await by("?system=alpha", role)
        assert set(messages) <= {one["id"] for one in listed.json["items"]}
        elsewhere = await by("", role, agency="H49.2")
        assert not {one["id"] for one in elsewhere.json["items"]} & set(messages)
        assert (await by(f"/{messages[0]}", role)).json["mayDecide"]
        assert (await by(f"/{messages[0]}/payload", role)).status == 403  # it is for the system alone
    for role, agency, status in (
        ("agency-admin", "H49.2", 404),
        ("integrator", "H49.1", 403),
        ("officer", "H49.1", 403),
    ):
        for step in ("retry", "give-up"):
            refused = await by(f"/{messages[0]}/{step}", role, agency=agency, method="POST", body={"reason": "x"})
            assert refused.status == status, (role, step, refused.body)
    assert (await by("?system=alpha", "agency-admin", agency="H49.2")).status == 404
    retried = await by("/retry?system=alpha&reason=outcome-unknown", "agency-admin", agency="H49.2", method="POST")
    assert retried.status == 404
    retried = await by(f"/{messages[0]}/retry", "developer", method="POST")
    assert retried.status == 200, retried.body
    await until(bus, messages[0], "answered")
    person = (await officials.signed_in("agency-admin", agency="H49.1")).person
    old = await officials.begin_session(
        person, seconds=600
    )  # of an hour, 50 minutes ago: whoever finds the browser open deletes nothing
    header, reason = {"Authorization": f"Bearer {old}"}, {"reason": "đã làm tay"}
    refused = await bus.ask("POST", f"/dead-letters/{messages[1]}/give-up", reason, headers=header)
    assert (refused.status, refused.code) == (403, "sign-in-too-old"), refused.body
    given_up = await by(f"/{messages[1]}/give-up", "agency-admin", method="POST", body={"reason": "đã làm tay"})
    assert given_up.json["resolvedBy"].startswith("person/p-")
    decided = [one["by"] for message in messages for one in await entries_of(bus, message) if one.get("by")]
    assert [one.startswith("person/p-") for one in decided] == [True, True]
