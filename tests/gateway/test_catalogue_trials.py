"""What people find out about a service before they call it: its versions, programs, and an operation to try."""

from typing import Any

from support.console import Officials
from support.workbench import NUMBER, Got, Workbench

from lgsp_adapters.adapter import Call

SERVICE = "/catalog/services/desk/v1"


async def _get(bus: Workbench, path: str, caller: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {bus.token(caller)}"} if caller else {}
    assert bus.session is not None
    async with bus.session.get(path, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_anybody_lists_the_listed_services(bus: Workbench) -> None:
    status, catalogue = await _get(bus, "/catalog/services")
    assert status == 200
    (desk,) = catalogue["items"]
    assert (desk["service"], desk["classification"], desk["agency"]["code"]) == ("desk", "internal", "H49.1")
    assert all(operation["purposes"] == [] for operation in desk["operations"])


async def test_programs_in_six_languages(bus: Workbench) -> None:
    status, programs = await _get(bus, f"{SERVICE}/operations/read/programs")
    assert status == 200
    assert [one["language"] for one in programs["items"]] == ["curl", "python", "java", "csharp", "php", "javascript"]
    assert all("/services/desk/v1/read" in one["program"] for one in programs["items"])
    assert (await _get(bus, f"{SERVICE}/operations/nothing/programs"))[0] == 404


async def test_the_versions_of_a_contract(bus: Workbench) -> None:
    status, versions = await _get(bus, f"{SERVICE}/versions", "operator")
    assert status == 200
    newest = versions["items"][0]
    assert newest["version"] == newest["contract"]["version"]
    assert newest["since"]


async def test_an_operation_is_tried_without_a_provider(bus: Workbench) -> None:
    _, contract = await _get(bus, f"{SERVICE}/contract.json")
    example = contract["operations"]["read"]["example"]
    headers = {"Authorization": f"Bearer {bus.token('operator')}"}
    assert bus.session is not None
    path = f"{SERVICE}/operations/read/try"
    async with bus.session.post(path, json=example["request"], headers=headers) as answer:
        assert answer.status == 200
        tried = await answer.json()
    assert tried == {"answer": example["response"], "visible": example["response"], "source": "contract"}
    async with bus.session.post(path, json={"soDinhDanh": 1}, headers=headers) as answer:
        refused = await answer.json()
    assert answer.status == 422
    assert [error["pointer"] for error in refused["errors"]]
    async with bus.session.post(path, json=example["request"]) as answer:
        assert answer.status == 401


async def test_a_grant_hides_the_same_fields_of_a_trial(bus: Workbench) -> None:
    _, contract = await _get(bus, f"{SERVICE}/contract.json")
    example = contract["operations"]["narrow"]["example"]
    headers = {"Authorization": f"Bearer {bus.token('operator')}"}
    assert bus.session is not None
    path = f"{SERVICE}/operations/narrow/try"
    async with bus.session.post(f"{path}?grant=alpha-desk", json=example["request"], headers=headers) as answer:
        tried = await answer.json()
    assert tried["answer"] == example["response"]
    assert tried["visible"] == {"ketQua": "KHOP"}
    for other in ("no-such-grant", "alpha-hidden"):
        async with bus.session.post(f"{path}?grant={other}", json=example["request"], headers=headers) as answer:
            assert answer.status == 404


async def test_a_trial_at_a_sandbox_takes_the_way_of_a_call_and_reaches_no_real_system(bus: Workbench) -> None:
    asked: list[str] = []

    async def real(request: dict[str, Any], call: Call) -> dict[str, Any]:
        asked.append("real")
        return {"ketQua": "real"}

    async def sandbox(request: dict[str, Any], call: Call) -> dict[str, Any]:
        asked.append("sandbox")
        return {"ketQua": "sandbox", "biMat": "x"}

    officials = Officials(bus)

    async def trying(role: str = "developer", agency: str = "H49.1", grant: str = "alpha-desk") -> Got:
        token = (await officials.signed_in(role, agency=agency)).token
        path = f"{SERVICE}/operations/narrow/try?sandbox=true&grant={grant}"
        headers = {"Authorization": f"Bearer {token}"}
        return await bus.ask("POST", path, {"soDinhDanh": NUMBER}, headers=headers)

    served = await bus.serve(narrow=real)
    nobody = await trying()
    assert (nobody.status, nobody.code) == (503, "no-adapter")
    assert asked == []  # the adapter of the real system is there, and is not asked
    beside = await bus.serve(narrow=sandbox, trials="only")
    tried = await trying()
    assert tried.json == {"answer": {"ketQua": "sandbox"}, "visible": {"ketQua": "sandbox"}, "source": "sandbox"}
    assert (await bus.call("narrow")).json == {"ketQua": "real"}  # and calls reach the real system alone
    assert asked == ["sandbox", "real"]
    for refused in (await trying("developer", "H49.2"), await trying("integrator"), await trying(grant="no-grant")):
        assert refused.status in (403, 404)
    assert asked == ["sandbox", "real"]
    await bus.unserve(beside)
    await bus.unserve(served)
    trials = [one for one in await bus.entries() if one.get("trial") and one["consumer"] == "alpha"]
    assert [(one["outcome"], one["consumer"], one["subject"]) for one in trials[-2:]] == [
        *(("no-adapter", "alpha", ""), ("answered", "alpha", "")),
    ]
    assert all(one["by"].startswith("person/p-") and one["purpose"] for one in trials)
