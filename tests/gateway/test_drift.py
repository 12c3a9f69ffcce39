"""Documents that come from files and were changed elsewhere: the registry says which, by whom, and what differs."""

import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.preloaded import run
from support.workbench import TEXT, Workbench, document, grant


@pytest.fixture
def named() -> str:
    return secrets.token_hex(4)


async def lgsp(bus: Workbench, *arguments: str, system: str = "operator") -> str:
    code, out, err = await run(*arguments, "--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token(system))
    assert code == 0, err
    return out


async def change(bus: Workbench, path: str, by: str = "operator", reason: str = "", **spec: Any) -> None:
    """Change a document by hand."""
    read = await bus.registry("GET", path)
    sent = {**read.json, "spec": {**read.json["spec"], **spec}}
    sent.pop("status", None)
    got = await bus.registry(
        "PUT", f"{path}?reason={reason}", sent, system=by, headers={"If-Match": read.headers["ETag"]}
    )
    assert got.status == 200, got.body


async def drift_of(bus: Workbench, manifest_set: str, state: str = "") -> dict[str, Any]:
    got = await bus.registry(
        "GET", f"drift?manifestSet={manifest_set}&limit=1000" + (f"&state={state}" if state else "")
    )
    assert got.status == 200, got.body
    return {f"{one['kind']}/{one['name']}": one for one in got.json["items"]}


async def test_what_was_changed_elsewhere_is_listed_until_the_files_say_it_too(
    bus: Workbench, tmp_path: Path, named: str
) -> None:
    purpose, system, given, own = f"why-{named}", f"system-{named}", f"grant-{named}", f"quangninh/{named}"
    files = {
        "purpose": document("Purpose", purpose, title=TEXT),
        "system": document("System", system, agency="H49.1", title=TEXT),
        "grant": grant(given, system, read=["*"]),
    }

    def write() -> None:
        for name, content in files.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))

    write()
    applied = await lgsp(bus, "apply", "-f", str(tmp_path), "--set", own)
    assert applied.count("created") == 3
    assert "unchanged" in await lgsp(bus, "apply", "-f", str(tmp_path), "--set", own)
    assert await lgsp(bus, "drift", "--set", own) == "Nothing differs.\n"

    # A step in the life of a document changes nothing that a file says.
    suspended = await bus.registry("POST", f"grants/{given}/suspend", {"reason": "thử"})
    assert suspended.json["metadata"]["applied"]["set"] == own
    assert not await drift_of(bus, own)

    await change(bus, f"purposes/{purpose}", reason="hotfix", title={"vi": "Khác", "en": "Other"})
    drifted = await drift_of(bus, own)
    assert list(drifted) == [f"Purpose/{purpose}"]
    assert drifted[f"Purpose/{purpose}"]["updatedBy"] == "operator"
    shown = await lgsp(bus, "drift", "--set", own, "--diff")
    assert f"purpose/{purpose}" in shown
    assert "hotfix" in shown
    assert any(line.strip().startswith("+") and "Khác" in line for line in shown.splitlines())

    # The files take it over: nothing is changed, and it is recorded.
    files["purpose"]["spec"]["title"] = {"vi": "Khác", "en": "Other"}
    write()
    assert f"purpose/{purpose} unchanged, recorded" in await lgsp(bus, "apply", "-f", str(tmp_path), "--set", own)
    assert not await drift_of(bus, own)

    # Or the files win.
    await change(bus, f"systems/{system}", title={"vi": "Lạ", "en": "Strange"})
    assert f"System/{system}" in await drift_of(bus, own)
    await lgsp(bus, "apply", "-f", str(tmp_path), "--set", own)
    assert not await drift_of(bus, own)

    # Somebody deletes by hand what the files hold, and makes it again.
    assert await lgsp(bus, "delete", "grant", given, "--reason", "nhầm")
    gone = await drift_of(bus, own)
    assert (gone[f"Grant/{given}"]["state"], gone[f"Grant/{given}"]["reason"]) == ("deleted", "nhầm")
    other = {**files["grant"], "spec": {**files["grant"]["spec"], "legalBasis": "Căn cứ khác"}}
    assert (await bus.registry("POST", "grants", other)).status == 201
    assert (await drift_of(bus, own))[f"Grant/{given}"]["state"] == "changed"

    # What the files hold no more is named, and deleted in their name.
    (tmp_path / "grant.yaml").unlink()
    del files["grant"]
    assert f"grant/{given}" in await lgsp(bus, "apply", "-f", str(tmp_path), "--set", own)
    await lgsp(bus, "delete", "grant", given, "--set", own)
    assert not await drift_of(bus, own)
    for path in (f"systems/{system}", f"purposes/{purpose}"):
        kind, name = path.split("/")
        await lgsp(bus, "delete", kind, name, "--set", own)
    assert not await drift_of(bus, own, "in-step")


async def test_what_no_file_knows_is_listed_by_page_for_those_who_may_read_it(bus: Workbench, named: str) -> None:
    made = await bus.registry("POST", "purposes", document("Purpose", f"loose-{named}", title=TEXT))
    assert made.status == 201
    seen: list[str] = []
    cursor = ""
    for _ in range(1000):
        got = await bus.registry("GET", f"drift?state=unmanaged&limit=5{cursor and '&cursor=' + cursor}")
        assert len(got.json["items"]) <= 5
        seen += [f"{one['kind']}/{one['name']}" for one in got.json["items"]]
        if not (cursor := got.json.get("next", "")):
            break
    assert len(seen) == len(set(seen))
    assert {f"Purpose/loose-{named}", "Agency/H49.1", "Grant/alpha-desk"} <= set(seen)
    assert (await bus.registry("GET", "drift", system="gamma")).code == "not-granted"
    tag = {"If-Match": made.headers["ETag"]}
    assert (await bus.registry("DELETE", f"purposes/loose-{named}", headers=tag)).status == 204


async def test_the_files_of_who_may_not_change_a_document_are_not_recorded(bus: Workbench, named: str) -> None:
    read = await bus.registry("GET", "purposes?limit=1")
    made = await bus.registry("POST", "purposes", document("Purpose", f"kept-{named}", title=TEXT))
    assert read.status == 200
    sent = {key: value for key, value in made.json.items() if key != "status"}
    tag = {"If-Match": made.headers["ETag"]}
    path = f"purposes/kept-{named}"
    refused = await bus.registry("PUT", f"{path}?manifestSet=mine", sent, system="agency-admin", headers=tag)
    assert refused.code == "not-granted"
    assert (await bus.registry("PUT", f"{path}?manifestSet=not%20a%20name", sent, headers=tag)).code == "malformed"
    assert (await bus.registry("DELETE", path, headers=tag)).status == 204


async def test_tokens_end_also_where_the_files_say_what_the_registry_says(bus: Workbench, named: str) -> None:
    name = f"system-{named}"
    made = await bus.registry("POST", "systems", document("System", name, agency="H49.1", title=TEXT))
    ended = await bus.registry(
        "PUT",
        f"systems/{name}?manifestSet=quangninh/{named}&endTokens=true",
        document("System", name, agency="H49.1", title=TEXT),
        headers={"If-Match": made.headers["ETag"]},
    )
    assert (ended.status, ended.json["metadata"]["applied"]["set"]) == (200, f"quangninh/{named}")
    assert ended.json["status"]["tokens"]
