"""From nothing to a bus in production: `lgsp init`, its first operators, and the way back for those who are locked out."""

import json
import stat
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
import yaml
from cryptography import x509
from faults.test_degraded_storage import faketime
from install.new_bus import OPERATORS, NewBus
from support import preloaded
from support.authority import Authority
from support.processes import free_port
from support.waits import eventually

from lgsp_auth.issuing import AccessTokens
from lgsp_contracts import entry
from lgsp_gateway.keys.key_store import KeyStore


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[NewBus]:
    new = NewBus(tmp_path)
    yield new
    await new.stop()


async def test_a_dry_run_shows_each_file_and_writes_none(bus: NewBus) -> None:
    code, out, err = await bus.init("--dry-run", "--break-glass", "khan-cap")
    assert code == 0, err
    shown = [Path(line) for line in out.splitlines() if line.startswith("/")]
    for document in ("code: H49", "name: H49.12", f"public-url: {bus.url}", "domain: lgsp.quangninh.gov.vn"):
        assert document.removeprefix("code: ") in out
    assert not bus.root.exists()
    code, _, err = await bus.init("--break-glass", "khan-cap")
    assert code == 0, err
    written = {file for file in bus.root.rglob("*") if file.is_file()}
    for file in written:
        assert any(file == one or one in file.parents for one in shown) or file.name in (
            "break-glass.yaml",
            "monitor.yaml",
        ), file
    for folder in ("keys", "nats/passwords", "break-glass", "monitor"):
        for secret in (file for file in (bus.root / folder).rglob("*") if file.is_file()):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret
    assert stat.S_IMODE((bus.root / "nats/nats-1.conf").stat().st_mode) == 0o600
    code, _, err = await bus.init()
    assert (code, "There is a bus in" in err) == (1, True), err


async def test_a_bus_begins_with_the_contracts_that_come_with_lgsp(bus: NewBus) -> None:
    code, _, err = await bus.init("--shipped-contracts")
    assert code == 0, err
    await bus.start()
    services = {one["service"] for one in (await bus.ask("GET", "/catalog/services"))[1]["items"]}
    assert {"population", "insurance"} <= services
    monitor = dict(line.split("=") for line in (bus.root / "doctor.env").read_text().splitlines())
    key = bus.root / "monitor" / f"{monitor['LGSP_MONITOR']}.pem"
    asked = ["--url", monitor["LGSP_URL"], "--as", monitor["LGSP_MONITOR"], "--as-key", str(key)]
    _, out, err = await preloaded.run("doctor", *asked)
    assert "evidence" in out, err  # what only an auditor or an operator is told


async def test_from_nothing_to_operators_who_approve_each_other(bus: NewBus) -> None:
    code, _, err = await bus.init()
    assert code == 0, err
    await bus.start()
    links = await bus.links()
    assert sorted(links) == ["nguyen.van.a", "tran.thi.b"]
    assert (await bus.operators("show"))[0] == 1, "links are shown once"
    for link in links.values():
        await bus.choose_password(link)
    catalog = await bus.ask("GET", "/catalog/services")
    assert catalog[1]["items"] == [], "a bus without the contracts that come with lgsp"

    first, second = await bus.session("nguyen.van.a"), await bus.session("tran.thi.b")
    try:
        async with first.post("/users", json={"user": "le.van.c"}) as answer:
            assert answer.status == 201, await answer.text()
            account = (await answer.json())["account"]
        person = "p-" + "c" * 26
        document = {
            "apiVersion": "lgsp/v1",
            "kind": "Person",
            "metadata": {"name": person},
            "spec": {"issuer": bus.url, "agency": "H49", "roles": ["operator"]},
        }
        new = {"If-None-Match": "*"}
        async with first.put(f"/registry/persons/{person}", json=document, headers=new) as answer:
            assert answer.status in (200, 201), await answer.text()
        body = {"account": account, "name": "Lê Văn C", "reason": ""}
        async with first.post(f"/registry/persons/{person}/link", json=body) as answer:
            assert (await answer.json())["status"]["phase"] == "awaiting-operator"
            revision = answer.headers["ETag"]
        approve = f"/registry/persons/{person}/approve"
        async with first.post(approve, json={"reason": ""}, headers={"If-Match": revision}) as answer:
            assert answer.status == 403
        async with second.post(approve, json={"reason": ""}, headers={"If-Match": revision}) as answer:
            assert (await answer.json())["status"]["phase"] == "active"
        async with first.get("/ops/checks") as answer:
            results = {one["check"]: one["detail"] for one in (await answer.json())["items"]}
            assert results["recovery"] is None
    finally:
        await first.close()
        await second.close()


async def _people_of_bus(bus: NewBus) -> dict[str, str]:
    """The phases of the operators, as the stream of the registry says."""
    browser = await bus.session("nguyen.van.a")
    async with browser.get("/registry/persons") as answer:
        items = (await answer.json())["items"]
    await browser.close()
    return {one["metadata"]["name"]: one["status"]["phase"] for one in items}


async def test_a_recovery_waits_for_operators_who_may_stop_it(bus: NewBus, tmp_path: Path) -> None:
    assert (await bus.init())[0] == 0
    await bus.start_nats()
    gateway = await bus.start_gateway("gw-1")
    for link in (await bus.links()).values():
        await bus.choose_password(link)

    def invite(user: str) -> tuple[str, ...]:
        return (f"{user}=H49=Lê Văn C", "--reason", "Mất cả hai tài khoản")

    code, out, err = await bus.operators("invite", *invite("le.van.c"))
    assert (code, "Waits until" in out, "#" in out) == (0, True, False), out + err
    stopped = next(name for name, phase in (await _people_of_bus(bus)).items() if phase == "created")
    browser = await bus.session("nguyen.van.a")

    async def warned() -> bool:
        async with browser.get("/ops/checks") as answer:
            results = {one["check"]: one["detail"] for one in (await answer.json())["items"]}
        return bool(results["recovery"]) and f"lgsp person end {stopped}" in results["recovery"]["en"]

    await eventually(warned)
    async with browser.post(f"/registry/persons/{stopped}/end", json={"reason": "Không phải chúng tôi"}) as answer:
        assert answer.status == 200, await answer.text()
    await browser.close()

    async def is_stopped() -> bool:
        return "stopped this invitation" in (await bus.operators("show"))[1]

    await eventually(is_stopped)

    code, out, err = await bus.operators("invite", *invite("pham.thi.d"))
    assert "Waits until" in out, out + err
    await _files_of_invitations_shorten_nothing(bus)
    await gateway.stop()
    a_day_later = {"LD_PRELOAD": faketime(), "FAKETIME": "+90000s", "DONT_FAKE_MONOTONIC": "1", "LC_ALL": "C.UTF-8"}
    await bus.start_gateway("gw-1", environment=a_day_later)
    links = await bus.links()
    assert list(links) == ["pham.thi.d"]
    await bus.choose_password(links["pham.thi.d"])
    recovered = await bus.session("pham.thi.d")
    spec = {"agency": "H49", "title": {"vi": "Kiểm toán", "en": "Audit"}, "roles": ["auditor"]}
    auditor = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": "kiem-toan"}, "spec": spec}
    new = {"If-None-Match": "*"}
    async with recovered.put("/registry/systems/kiem-toan", json=auditor, headers=new) as answer:
        assert answer.status == 201, await answer.text()
    await recovered.close()
    token = AccessTokens(bus.url, KeyStore(bus.root / "keys").ring).sign("kiem-toan", time.time() + 90_000)
    async with (
        aiohttp.ClientSession(bus.url, headers={"Authorization": f"Bearer {token}"}) as audit,
        audit.get("/evidence/entries?after=0") as answer,
    ):
        assert answer.status == 200, await answer.text()
        lines = (await answer.text()).splitlines()
    entries = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert not [fault for one in entries for fault in entry.faults(one)]
    steps = [(one["action"], one["principal"]) for one in entries if one["kind"] == "registry"]
    expected = ("invited", "invited", "activated", "activated", "invited", "invited", "activated")
    assert steps == [(action, "host/gw-1") for action in expected]


async def _files_of_invitations_shorten_nothing(bus: NewBus) -> None:
    """Who edits the file of an invitation neither shortens the time of the other operators nor gets into an operator's account."""
    people = await _people_of_bus(bus)
    waiting = next(name for name, phase in people.items() if phase == "created")
    operator = next(name for name, phase in people.items() if phase == "active")
    folder = bus.root / "keys/invitations"
    [file] = folder.glob("*.json")
    content = json.loads(file.read_text())
    edited = {**content, "due": 0.0}
    file.write_text(json.dumps(edited))
    [invited] = content["operators"]
    taken = {**edited, "operators": [{**invited, "user": "nguyen.van.a", "person": operator}]}
    (folder / "0.json").write_text(json.dumps(taken))
    await eventually(lambda: json.loads((folder / "0.json").read_text())["state"] != "waiting")
    assert json.loads((folder / "0.json").read_text())["state"] == "refused"
    (folder / "0.json").unlink()
    _, out, err = await bus.operators("invite", "x.y.z=H99=Không có", "--reason", "Một vòng nữa")
    assert "no agency H99" in out, out + err
    assert (await _people_of_bus(bus))[waiting] == "created"
    file.write_text(json.dumps(content))


async def test_a_gateway_of_another_bus_changes_nothing(bus: NewBus, tmp_path: Path) -> None:
    assert (await bus.init(**{"public-url": "https://lgsp.quangninh.gov.vn"}))[0] == 0
    authority = Authority(tmp_path)
    certificate, key = authority.write("bus", names=[x509.DNSName("*.quangninh.gov.vn")])
    (bus.root / "tls").mkdir()
    certificate.rename(bus.root / "tls/cert.pem")
    key.rename(bus.root / "tls/key.pem")
    await bus.start()
    port = ("--port", str(free_port()))

    said = await bus.refusal_of_gateway(*port, "--public-url", "https://truc.quangninh.gov.vn")
    assert said.startswith(
        "This bus is at https://lgsp.quangninh.gov.vn, and the gateway has --public-url https://truc"
    )
    said = await bus.refusal_of_gateway(*port, "--keys", str(tmp_path / "no-keys"))
    assert said.startswith(f"There are no keys in {tmp_path}/no-keys, and this bus has keys already; copy the folder")
    assert not (tmp_path / "no-keys").exists()
    code, _, err = await preloaded.run("keys", "show", "--keys", str(tmp_path / "others"))
    assert code == 0, err
    said = await bus.refusal_of_gateway(*port, "--keys", str(tmp_path / "others"))
    assert said.startswith(f"The keys in {tmp_path}/others are those of another bus")
    said = await bus.refusal_of_gateway(*port, "--public-url", "https://lgsp.quangninh.gov.vn/")
    assert "without a slash or a path at its end" in said
    other, other_key = authority.write(
        "other", names=[x509.DNSName("lgsp.example.vn"), x509.IPAddress(ip_address("10.0.0.1"))]
    )
    wrong = ("--tls-cert", str(other), "--tls-key", str(other_key))
    said = await bus.refusal_of_gateway(*port, *wrong)
    assert "is for lgsp.example.vn, 10.0.0.1, not for lgsp.quangninh.gov.vn of --public-url" in said

    moved = ("--public-url", "https://truc.quangninh.gov.vn", "--former-public-url", "https://lgsp.quangninh.gov.vn")
    await bus.start_gateway("gw-3", *port, *moved)


@pytest.mark.parametrize(
    ("changes", "operators", "said"),
    [
        ({"domain": "quangninh"}, OPERATORS, "DNS name in lower case"),
        ({"public-url": "https://lgsp.quangninh.gov.vn/truc"}, OPERATORS, "without a slash or a path"),
        ({"public-url": "http://lgsp.quangninh.gov.vn"}, OPERATORS, "takes https"),
        ({"nats": "nats-1,nats-2"}, OPERATORS, "A cluster of 2 NATS servers"),
        ({"nats": "nats-1,nats-1:4223,nats-3"}, OPERATORS, "on a machine of its own"),
        ({"max-storage": "much"}, OPERATORS, "is no size"),
        ({}, OPERATORS[:1], "at least two operators"),
        ({}, (OPERATORS[0], "a.b=H50=A"), "which is not named"),
        ({}, (OPERATORS[0], "a.b"), "names no operator"),
        ({"domain": None}, OPERATORS, "--domain is missing"),
    ],
)
async def test_what_would_fail_later_is_refused_at_once(
    bus: NewBus, changes: dict[str, str | None], operators: tuple[str, ...], said: str
) -> None:
    code, _, err = await bus.init(operators=operators, **changes)
    assert (code, said in err) == (1, True), err
    assert not bus.root.exists()


async def test_three_servers_get_a_configuration_each(bus: NewBus) -> None:
    servers = [f"nats-{number}.quangninh.gov.vn" for number in (1, 2, 3)]
    code, _, err = await bus.init(nats=",".join(servers), **{"public-url": None, "listen": None})
    assert code == 0, err
    settings = yaml.safe_load((bus.root / "gateway.yaml").read_text())
    assert settings["nats"] == ",".join(f"tls://{server}:4222" for server in servers)
    assert (settings["replicas"], settings["public-url"], settings["port"]) == (3, "https://lgsp.quangninh.gov.vn", 443)
    for number, server in enumerate(servers, 1):
        written = json.loads((bus.root / f"nats/nats-{number}.conf").read_text())
        assert (written["host"], written["server_name"], len(written["cluster"]["routes"])) == (
            server,
            f"nats-{number}",
            3,
        )
        assert written["tls"]["cert_file"] == str(bus.root / "tls/cert.pem")


async def test_agencies_come_from_a_spreadsheet(bus: NewBus, tmp_path: Path) -> None:
    (tmp_path / "agencies.csv").write_text(
        '\ufeffMã,Tên,Tên tiếng Anh\nH49.31,Sở Y tế,Department of Health\n\nH49.21,"Sở Tài chính"\n', encoding="utf-8"
    )
    code, out, err = await bus.init("--agencies", str(tmp_path / "agencies.csv"), "--dry-run")
    assert code == 0, err
    for text in ("H49.31", "Department of Health", "Sở Tài chính"):
        assert text in out
