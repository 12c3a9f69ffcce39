"""A system sees what its agency has stored before something is refused, and of no other agency; operators see all agencies."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
from support.later import ask, send, until
from support.preloaded import run
from support.waits import eventually
from support.workbench import TEXT, Workbench

QUOTA = 20 << 30


async def usage(bus: Workbench, system: str = "alpha") -> dict[str, Any]:
    """What `/me/quotas` says of storage."""
    return dict((await ask(bus, "/me/quotas", system=system)).json["storage"])


def remote(bus: Workbench, system: str) -> list[str]:
    return ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token(system)]


@contextlib.asynccontextmanager
async def message_waiting(bus: Workbench) -> AsyncIterator[None]:
    """A message of alpha that waits for its provider, in the meantime."""
    message = (await send(bus)).message
    yield
    assert (await ask(bus, f"/messages/{message}/cancel", "POST")).status == 200


async def limit(bus: Workbench, **storage: str) -> None:
    """Set the storage quota of alpha's agency, or end it."""
    found = await bus.registry("GET", "agencies/H49.1")
    changed = {**found.json, "spec": {"title": TEXT, **storage}}
    put = await bus.registry("PUT", "agencies/H49.1", changed, headers={"If-Match": found.headers["ETag"]})
    assert put.status == 200, put.body


async def metrics(bus: Workbench, name: str) -> dict[str, float]:
    """The values of a metric by agency."""
    async with bus.session.get("/metrics") as answer:
        found = re.findall(rf'^{name}{{agency="(.*)"}} (\S+)$', await answer.text(), re.MULTILINE)
    return {agency: float(value) for agency, value in found}


async def test_a_system_sees_what_its_agency_has_stored_and_of_no_other(bus: Workbench) -> None:
    before = await usage(bus)
    async with message_waiting(bus):
        after = await usage(bus)
        assert (after["agency"], after["quotaBytes"]) == ("H49.1", QUOTA)
        assert after["messageBytes"] >= before["messageBytes"] + 1024
        assert after["usedBytes"] == after["messageBytes"] + after["deadLetterBytes"] + after["fileBytes"]
        other = await usage(bus, "asker")
        assert (other["agency"], other["usedBytes"]) == ("H49.2", 0)
    late = (await send(bus, "wait")).message
    await until(bus, late, "dead")

    async def is_counted() -> bool:
        return bool((await usage(bus))["deadLetterBytes"] >= before["deadLetterBytes"] + 1024)

    await eventually(is_counted)
    given_up = await ask(bus, f"/dead-letters/{late}/give-up", "POST", system="operator", body={"reason": "đã có"})
    assert given_up.status == 200, given_up.body


async def test_the_commands_show_it_and_warn_before_something_is_refused(bus: Workbench) -> None:
    async with message_waiting(bus):
        code, out, err = await run("quota", *remote(bus, "alpha"))
        [titles, mine] = out.splitlines()[-2:]
        assert code == 0, err
        assert titles.split() == ["AGENCY", "USED", "QUOTA", "USE%", "MESSAGES", "DEAD-LETTERS", "FILES"]
        assert mine.split()[0::2][:2] == ["H49.1", "20GiB"]
        assert "alpha-desk" in out
        assert (err, "H49.2" in out) == ("", False)

        code, out, err = await run("storage", *remote(bus, "operator"))
        assert (code, [line.split()[0] for line in out.splitlines()][:2]) == (0, ["AGENCY", "H49.1"]), err
        assert "\nH49.2 " in out
        code, out, err = await run("storage", "-o", "json", *remote(bus, "auditor"))
        used = {one["agency"]: one["usedBytes"] for one in orjson.loads(out)["items"]}
        assert (used["H49.1"] > 1024, used["H49.2"]) == (True, 0)
        code, _, err = await run("storage", *remote(bus, "alpha"))
        assert (code, "role" in err) == (1, True)

        await limit(bus, storage="1KiB")

        async def is_known() -> bool:
            return bool((await usage(bus))["quotaBytes"] == 1024)

        await eventually(is_known)
        _, _, err = await run("quota", *remote(bus, "alpha"))
        assert re.search(r"^H49\.1 has used \d+% of its storage quota; delete files,", err)
        vietnamese = {"LC_ALL": "vi_VN.UTF-8"}
        _, _, err = await run("storage", *remote(bus, "operator"), environment=vietnamese)
        assert re.search(r"^H49\.1 đã dùng \d+% hạn mức lưu trữ; hãy xóa tệp", err)
        refused = (await send(bus)).json
        assert refused["code"] == "storage-quota-exceeded"
        assert "1KiB" in refused["detail"]
        assert "`lgsp quota`" in refused["detail"]
        await limit(bus)


async def test_metrics_have_the_quota_of_agencies_that_have_stored_something(bus: Workbench) -> None:
    async with message_waiting(bus):
        assert (await metrics(bus, "lgsp_agency_stored_bytes"))["H49.1"] > 1024
        quotas = await metrics(bus, "lgsp_agency_storage_quota_bytes")
        assert (quotas["H49.1"], "H49.2" in quotas) == (QUOTA, False)
