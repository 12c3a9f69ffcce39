"""Searching the evidence: every entry is found once, by anything it says, wherever the indexer was killed."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.postgres import Postgres, name_in
from support.preloaded import run
from support.searched import Searched
from support.workbench import NUMBER, Workbench
from yarl import URL

from lgsp_gateway.cli.times import in_milliseconds

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_messages_are_found_by_what_they_say(searched_in_either: Searched) -> None:
    searched = searched_in_either
    bus = searched.bus
    answered = await bus.call()
    personal = await bus.call("read-person", headers={"Lgsp-Purpose": "thu-nghiem"})
    refused = await bus.call("read-person", system="beta", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    for got in (answered, personal, refused):
        await searched.indexed(got.message)

    async def found(headers: dict[str, str] | None = None, **query: str) -> set[str]:
        return {item["message"] for item in await searched.items(headers, **query)}

    assert await found(message=answered.message) == {answered.message}
    assert await found(consumer="beta") == {refused.message}
    assert await found(trace=TRACE) == {refused.message}
    assert await found(trace="0" * 32) == set()
    assert (await searched.get(trace="not-a-trace")).code == "malformed"
    assert await found(operation="read-person") == {personal.message, refused.message}
    assert await found(operation="read-person", outcome="answered") == {personal.message}
    assert await found(purpose="thu-nghiem") == {personal.message}
    assert await found(grant="alpha-desk") == {answered.message, personal.message}
    assert await found(provider="provider", service="desk") == await found(provider="provider")
    assert await found(provider="provider", outcome="not-granted") == {refused.message}
    assert await found(minDuration="0.001", minSize="1") == {answered.message, personal.message}
    assert await found(provider="provider") == {answered.message, personal.message, refused.message}
    assert await found({"Lgsp-Subject": NUMBER}) == {answered.message, personal.message}
    assert await found({"Lgsp-Subject": "022093009999"}) == set()
    assert await found(minDuration="100000") == set()
    assert await found(since="2099-01-01") == set()
    assert await found(until="2099-01-01", consumer="beta") == {refused.message}


async def test_pages_hold_each_message_once(searched_in_either: Searched) -> None:
    searched = searched_in_either
    sent = [(await searched.bus.call()).message for _ in range(25)]
    await searched.indexed(sent[-1])
    pages, cursor = [], ""
    async with asyncio.timeout(20):
        while True:
            got = await searched.get(limit="10", consumer="alpha", **({"cursor": cursor} if cursor else {}))
            pages.append([item["message"] for item in got.json["items"]])
            cursor = got.json["cursor"]
            if not cursor:
                break
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [message for page in pages for message in page] == sent[::-1]


async def test_told_to_stop_as_nats_goes_it_stops(tmp_path: Path) -> None:
    address = str(tmp_path / "index.db")
    bus = await Workbench(tmp_path).start("--index", address)
    searched = Searched(bus, tmp_path, address)
    await searched.indexer.start()
    await searched.indexed((await bus.call()).message)
    async with asyncio.timeout(8):
        assert (await asyncio.gather(searched.indexer.stop(), bus.nats.stop()))[0] == 0
    await searched.stop()


async def test_killed_and_removed_it_holds_each_entry_once(searched_in_either: Searched, postgres: Postgres) -> None:
    searched = searched_in_either
    bus = searched.bus
    sent: list[str] = []

    async def more() -> None:
        sent.extend([got.message for got in await asyncio.gather(*(bus.call() for _ in range(30)))])

    await more()
    await searched.indexed(sent[0])
    await searched.indexer.kill()
    await more()
    await searched.indexer.start()
    await searched.indexed(sent[-1])
    if searched.address.startswith("postgresql"):  # while it runs
        await postgres.sql("DROP TABLE messages, progress, names", name_in(searched.address))
    else:
        for file in Path(searched.address).parent.glob("index.db*"):
            file.unlink()
    await more()
    for message in sent:
        await searched.indexed(message)
    items = await searched.items(limit="1000", consumer="alpha")
    assert sorted(item["message"] for item in items) == sorted(sent)


async def test_a_bad_search_is_refused(searched: Searched) -> None:
    await searched.indexed((await searched.bus.call()).message)
    bad = {"colour": "red", "since": "yesterday", "limit": "-1", "cursor": "x"}
    said = {"colour": "colour", "since": "ISO 8601", "limit": "limit", "cursor": "cursor"}
    for name, value in bad.items():
        got = await searched.get(**{name: value})
        assert (got.status, said[name] in got.json["detail"]) == (400, True), name
    assert (await searched.get(limit="1001")).status == 400  # no page is longer than a thousand


async def test_a_system_without_a_role_does_not_search(bus: Workbench) -> None:
    for system, status in (("alpha", 403), ("auditor", 503)):  # this gateway has no index
        sent = {"Authorization": f"Bearer {bus.token(system)}", "Accept-Language": "en"}
        async with bus.session.get("/evidence/messages", headers=sent) as answer:
            assert answer.status == status
            said = await answer.text()
    assert "indexer run" in said


@pytest_asyncio.fixture(scope="module")
async def quiet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    """A bus indexed in SQLite, for tests that only search."""
    folder = tmp_path_factory.mktemp("quiet")
    address = str(folder / "index.db")
    found = await Searched(await Workbench(folder).start("--index", address), folder, address).start()
    yield found
    await found.stop()


async def test_what_is_mistyped_is_said_so(quiet: Searched) -> None:
    searched = quiet
    await searched.indexed((await searched.bus.call()).message)
    for name, value in (("outcome", "answerd"), ("service", "deks"), ("consumer", "alhpa"), ("agency", "H49.77")):
        got = await searched.get(**{name: value})
        assert (got.status, got.code) == (400, "malformed"), name
        assert name in got.json["detail"]
    for number in ("02209300123", "0220930012345", "1"):
        got = await searched.get(headers={"Lgsp-Subject": number})
        assert (got.status, "12 digits" in got.json["detail"]) == (400, True)
    for name, value in (
        ("message", "thu"),
        ("provider", ""),
        ("minSize", "9" * 400),
        ("cursor", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"),
        ("cursor", "LTk5OTk5OTk5OTk5OTk5OTk5OTkuMA"),
    ):
        got = await searched.get(**{name: value})
        assert (got.status, name in got.json["detail"]) == (400, True), name
    assert await searched.items(outcome="person-not-found") == []  # a contract declares it


async def test_the_largest_of_everything_finds_nothing_and_breaks_nothing(searched_in_either: Searched) -> None:
    searched = searched_in_either
    await searched.indexed((await searched.bus.call()).message)
    largest = {"minDuration": "1000000000", "minSize": "1000000000", "since": "9999-12-31T23:59:59", "limit": "1000"}
    for name, value in largest.items():
        assert len(await searched.items(**{name: value})) == (1 if name == "limit" else 0), name
    for cursor in ("9223372036854775807.9223372036854775807", "-9223372036854775807.0"):
        packed = base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
        assert (await searched.get(cursor=packed)).status == 200
    assert await searched.items(until="0001-01-01T00:00:00+14:00") == []


async def test_times_are_understood_as_they_are_shown_and_typed(quiet: Searched) -> None:
    searched, bus = quiet, quiet.bus
    entry = await searched.indexed((await bus.call()).message)
    shown = in_milliseconds(entry["time"])
    assert shown.endswith("+07:00")
    minute = shown[:16]
    headers = {"Authorization": f"Bearer {bus.token('auditor')}"}
    typed = [shown, shown.replace("+", "%2B"), minute, minute.replace("T", "%20"), shown[11:16], f"T{shown[11:16]}"]
    for since in typed:  # a + that is not encoded is a space to whoever reads the address
        url = URL(f"http://127.0.0.1:{bus.port}/evidence/messages?since={since}", encoded=True)
        async with bus.session.get(url, headers=headers) as answer:
            assert answer.status == 200, (since, await answer.text())
            assert entry["message"] in [item["message"] for item in (await answer.json())["items"]], since
    assert await searched.items(since=minute[:11] + "23:59", until="2099-01-01") == []


async def test_a_message_is_found_by_the_name_that_a_problem_gives_it(quiet: Searched) -> None:
    searched = quiet
    message = (await searched.bus.call()).message
    await searched.indexed(message)
    for name in (f"urn:uuid:{message}", message.upper(), message.replace("-", "")):
        assert [item["message"] for item in await searched.items(message=name)] == [message]


async def test_the_command_shows_the_zone_and_says_that_nothing_was_found(quiet: Searched) -> None:
    searched = quiet
    got = await searched.bus.call()
    entry = await searched.indexed(got.message)
    remote = ["--url", f"http://127.0.0.1:{searched.bus.port}", "--token", searched.bus.token("auditor")]
    zone = {"TZ": "America/Lima", "LC_ALL": "C"}
    code, out, err = await run("evidence", "search", "-n", "1", *remote, environment=zone)
    assert (code, out.split("  ")[0]) == (0, in_milliseconds(entry["time"])), err
    code, again, _ = await run("evidence", "search", "-n", "1", "--since", out[:16], *remote, environment=zone)
    assert (code, again) == (0, out)
    code, tailed, _ = await run("evidence", "tail", "-n", "1", "--no-follow", *remote, environment=zone)
    assert (code, tailed.split("  ")[0]) == (0, in_milliseconds(entry["time"]))
    code, out, err = await run("evidence", "search", "--since", "2099-01-01", *remote, environment=zone)
    assert (code, out) == (0, "")
    assert "no such message" in err
    code, out, err = await run("evidence", "search", "--subject", "02209300123", *remote, environment=zone)
    assert (code, out) == (1, "")
    assert "12 digits" in err
    code, out, err = await run("flows", *remote, environment=zone)
    assert code == 0, err
    assert [line[:10] for line in out.splitlines()[1:]] == [in_milliseconds(entry["time"])[:10]]
    assert all("+07:00" in line for line in out.splitlines()[1:])


async def test_the_command(searched: Searched) -> None:
    got = await searched.bus.call()
    await searched.indexed(got.message)
    remote = ["--url", f"http://127.0.0.1:{searched.bus.port}", "--token", searched.bus.token("auditor")]
    code, out, err = await run("evidence", "search", "--subject", NUMBER, *remote)
    assert code == 0, err
    assert got.message in out
    assert NUMBER not in searched.bus.gateway.log.read_text()


async def test_as_json_the_command_prints_entries_as_they_were_written(searched: Searched) -> None:
    got = await searched.bus.call()
    await searched.indexed(got.message)
    remote = ["--url", f"http://127.0.0.1:{searched.bus.port}", "--token", searched.bus.token("auditor")]
    code, out, err = await run("evidence", "search", "--message", got.message, "-o", "json", *remote)
    assert code == 0, err
    written = await searched.bus.entry(got.message)
    found = json.loads(out)
    assert written["requestDigest"]
    assert {name: found[name] for name in written} == written


async def test_the_latency_of_flows_is_the_same_in_either_database(searched_in_either: Searched) -> None:
    bus = searched_in_either.bus
    for _ in range(19):
        await bus.call()
    last = await bus.call("read-person", headers={"Lgsp-Purpose": "thu-nghiem"})
    await searched_in_either.indexed(last.message)
    got = (await bus.ask("GET", "/ops/flows?window=1h&search=alpha", system="operator")).json
    [*cells] = [one for one in got["latency"] if one["service"] == "desk"]
    assert (sum(one["calls"] for one in cells), sum(one["calls"] for one in got["series"])) == (20, 20)
    if len(cells) == 1:  # all within one minute, so it has the figures of all together
        assert cells[0]["p95"] == got["total"]["p95"]
