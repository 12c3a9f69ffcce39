"""Who sees which messages, one message's whole story, and the way through its pages in both directions."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.searched import Searched
from support.waits import eventually
from support.workbench import ALL, NUMBER, TEXT, Got, Workbench, document, grant

FAR = [
    document("System", "far", agency="H49.2", title=TEXT),
    document("System", "far-admin", agency="H49.2", title=TEXT, roles=["agency-admin"]),
    grant("far-desk", "far", read=ALL, read_person=ALL, register_once=ALL),
]


@pytest_asyncio.fixture(scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    folder = tmp_path_factory.mktemp("scope")
    address = str(folder / "index.db")
    bus = await Workbench(folder, documents=FAR).start("--index", address)
    found = await Searched(bus, folder, address).start()
    yield found
    await found.stop()


async def story(searched: Searched, message: str, system: str = "auditor", language: str = "en") -> Got:
    headers = {"Accept-Language": language}
    return await searched.bus.ask("GET", f"/evidence/messages/{message}", system=system, headers=headers)


async def test_an_agency_sees_its_own_messages_from_both_sides_and_no_others(searched: Searched) -> None:
    near = (await searched.bus.call(system="alpha")).message
    far = (await searched.bus.call(system="far")).message
    await searched.indexed(near)
    await searched.indexed(far)

    async def seen(system: str, **query: str) -> set[str]:
        got = await searched.get(system, **query)
        assert got.status == 200, got.body
        return {item["message"] for item in got.json["items"]} & {near, far}

    for role in ("agency-admin", "integrator", "developer"):  # of H49.1, which provides the service
        assert await seen(role) == {near}, role
        assert await seen(role, side="provider") == {near, far}, role
        assert await seen(role, side="provider", service="desk", consumer="far") == {far}, role
    assert await seen("far-admin") == {far}
    assert await seen("far-admin", side="provider") == set()
    assert await seen("far-admin", agency="H49.1") == set()
    assert await seen("far-admin", consumer="alpha") == set()
    assert await seen("operator") == await seen("auditor") == {near, far}
    assert (await story(searched, near, "far-admin")).status == 404
    assert (await story(searched, far, "far-admin")).status == 200
    assert (await story(searched, far, "developer")).status == 200  # its agency's service was asked
    assert (await story(searched, near, "alpha")).status == 403  # a system without a role


async def test_an_unknown_name_tells_an_agency_nothing(searched: Searched) -> None:
    for name in ("alpha", "nobody-has-this-name"):
        got = await searched.get("far-admin", consumer=name)
        assert (got.status, got.json["items"]) == (200, []), name


async def test_persons_are_for_auditors_alone(searched: Searched) -> None:
    headers = {"Lgsp-Purpose": "thu-nghiem"}
    message = (await searched.bus.call("read-person", headers=headers)).message
    assert (await searched.indexed(message))["subject"]
    for system in ("operator", "agency-admin"):
        got = await searched.get(system, message=message, complete="true")
        assert [item["subject"] for item in got.json["items"]] == [""], system
        assert (await story(searched, message, system)).json["entries"][0]["subject"] == ""
        refused = await searched.get(system, headers={"Lgsp-Subject": NUMBER})
        assert (refused.status, refused.code) == (403, "not-granted"), system
        assert NUMBER not in refused.json["detail"]
    assert (await story(searched, message)).json["entries"][0]["subject"]


async def test_pages_go_both_ways(searched: Searched) -> None:
    sent = [(await searched.bus.call(system="beta")).message for _ in range(9)]
    await searched.indexed(sent[-1])

    async def page(cursor: str = "") -> tuple[list[str], str, str]:
        got = await searched.get(consumer="beta", limit="3", **({"cursor": cursor} if cursor else {}))
        assert got.status == 200, got.body
        return [item["message"] for item in got.json["items"]], got.json["cursor"], got.json["newer"]

    first, older, newest = await page()
    second, older, newer = await page(older)
    third, _, back = await page(older)
    assert [*first, *second, *third] == sent[::-1]
    assert (await page(back))[0] == second
    assert (await page(newer))[0] == first
    nothing, _, again = await page(newest)
    assert (nothing, again) == ([], newest)
    later = (await searched.bus.call(system="beta")).message
    await searched.indexed(later)
    assert (await page(newest))[0] == [later]


async def test_failures_alone_are_found(searched: Searched) -> None:
    refused = await searched.bus.call("read-person", system="beta")
    await searched.indexed(refused.message)
    found = await searched.items(consumer="beta", failed="true")
    assert {item["message"] for item in found} >= {refused.message}
    assert all(item["status"] >= 400 for item in found)


async def test_a_refused_call_says_in_words_what_to_do(searched: Searched) -> None:
    refused = await searched.bus.call("read-person", system="beta")
    await searched.indexed(refused.message)
    for language, word in (("en", "grant"), ("vi", "quyền")):
        got = await story(searched, refused.message, "operator", language)
        [entry] = got.json["entries"]
        explanation = entry["explanation"]
        assert entry["outcome"] == "not-granted"
        assert word in explanation["title"].lower()
        assert explanation["action"]
        assert explanation["help"] == "/problems/not-granted"
        assert got.headers["Content-Language"] == language
        assert got.json["titles"]["services"]["desk"]["vi"]


async def test_each_reader_of_a_failed_call_is_told_what_they_can_do(searched: Searched) -> None:
    await searched.bus.unserve(next(iter(searched.bus.adapters)))
    failed = (await searched.bus.call(system="far")).message
    await searched.bus.serve()
    assert (await searched.indexed(failed))["outcome"] == "no-adapter"

    async def told(system: str, language: str = "en") -> tuple[str, str | None]:
        got = (await story(searched, failed, system, language)).json
        explanation = got["entries"][0]["explanation"]
        assert explanation["action"]  # what the caller can do is told to all
        return got["reader"], explanation.get("advice")

    assert await told("far-admin") == ("caller", None)
    reader, advice = await told("integrator")  # of the providing agency
    assert (reader, (advice or "").split(" (")[0]) == ("provider", "run the adapter of the system")
    for system in ("operator", "auditor"):  # an auditor's agency has no part in the call
        reader, advice = await told(system)
        assert (reader, (advice or "").split(":")[0]) == ("operator", "see the page Adapters")
    assert "bộ kết nối" in ((await told("integrator", "vi"))[1] or "")


async def test_the_story_of_an_accepted_message_has_its_attempts(searched: Searched) -> None:
    headers = {"Prefer": "respond-async", "Lgsp-Purpose": "thu-nghiem"}
    got = await searched.bus.call("narrow", headers=headers)
    assert got.status == 202, got.body
    message = got.message

    async def told() -> dict[str, Any] | None:
        answer = await story(searched, message, "operator")
        entries = answer.json.get("entries", [])
        return answer.json if [one["kind"] for one in entries] == ["accepted", "delivery"] else None

    await eventually(told)
    found = (await story(searched, message, "operator")).json
    assert found["delivery"]["state"] == "answered"
    assert found["delivery"]["attemptCount"] == 1
    assert "orderingKey" not in found["delivery"]
    assert found["entries"][0]["explanation"]["title"].startswith("The bus accepted")
    assert found["grants"][0]["name"] == "alpha-desk"
    assert (await story(searched, message, "far-admin")).status == 404


async def test_what_is_no_message_is_not_found(searched: Searched) -> None:
    await searched.indexed((await searched.bus.call()).message)
    nothing = await story(searched, "01a2b3c4-0000-7000-8000-000000000000")
    assert (nothing.status, nothing.code) == (404, "not-found")
    assert (await story(searched, "x" * 36)).status == 400


async def test_the_state_of_the_logs_is_for_those_who_run_the_bus_too(searched: Searched) -> None:
    message = (await searched.bus.call()).message
    await searched.indexed(message)
    proof = await searched.bus.ask("GET", f"/evidence/messages/{message}/proof?wait=20", system="auditor")
    assert proof.status == 200
    for system in ("operator", "auditor"):
        got = await searched.bus.ask("GET", "/evidence/logs", system=system)
        [log] = got.json["items"]
        assert (log["gateway"], log["archived"], log["seals"]) == ("bench", 0, [])
        assert log["time"]
        assert log["size"] > 0
        assert got.json["witnesses"] == []
        assert got.json["index"]["state"] in ("current", "stale")
    assert (await searched.bus.ask("GET", f"/evidence/messages/{message}/proof", system="operator")).status == 403
    assert (await searched.bus.ask("GET", "/evidence/logs", system="agency-admin")).status == 403
