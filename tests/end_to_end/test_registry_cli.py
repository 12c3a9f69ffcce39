"""The registry by command, as an operator uses it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from support.preloaded import run
from support.processes import LGSP, Process
from support.workbench import CONTRACTS, TEXT, Workbench, document, grant


class Operator:
    """Runs commands against a bus as its operator."""

    def __init__(self, bus: Workbench) -> None:
        self._bus = bus

    async def __call__(
        self, *arguments: str, system: str = "operator", environment: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        where = ["--url", f"http://127.0.0.1:{self._bus.port}", "--token", self._bus.token(system)]
        return await run(*arguments, *where, environment=environment)


@pytest_asyncio.fixture
async def lgsp(breakable_bus: Workbench) -> AsyncIterator[Operator]:
    yield Operator(breakable_bus)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as an integrator hands it in: documents in any order, and a contract as a catalogue holds it."""
    place = tmp_path / "hand-in"
    place.mkdir()
    (place / "a-grant.yaml").write_text(yaml.safe_dump(grant("land-desk", "desk-system", "land", read=["*"])))
    systems = [document("System", name, agency="H50", title=TEXT) for name in ("desk-system", "land-system")]
    (place / "b-systems.yaml").write_text(yaml.safe_dump_all(systems))
    (place / "c-agency.yaml").write_text(yaml.safe_dump(document("Agency", "H50", title=TEXT)))
    (place / "land.yaml").write_text(yaml.safe_dump({**CONTRACTS[0], "service": "land", "provider": "land-system"}))
    return place


async def test_apply_get_describe_history_export_delete(lgsp: Operator, folder: Path, tmp_path: Path) -> None:
    code, out, err = await lgsp("apply", "-f", str(folder), "--reason", "kết nối đất đai")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "agency/H50 created",
        "system/desk-system created",
        "system/land-system created",
        "service/land-v1 created",
        "grant/land-desk created",
    ]
    code, out, _ = await lgsp("apply", "-f", str(folder))
    assert {line.split()[1] for line in out.splitlines()} == {"unchanged"}

    changed = grant("land-desk", "desk-system", "land", read=["/ketQua"])
    (folder / "a-grant.yaml").write_text(yaml.safe_dump(changed))
    code, out, _ = await lgsp("apply", "-f", str(folder / "a-grant.yaml"), "--dry-run")
    assert "grant/land-desk configured (dry run)" in out
    assert "-    - '*'" in out
    assert "+    - /ketQua" in out
    assert (await lgsp("apply", "-f", str(folder / "a-grant.yaml"), "--reason", "thu hẹp"))[0] == 0

    code, out, _ = await lgsp("get", "grants", "--consumer", "desk-system")
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "land-desk"]
    code, out, _ = await lgsp("get", "grants", "land-desk", "-o", "json")
    assert json.loads(out)["spec"]["operations"]["read"]["fields"] == ["/ketQua"]
    code, out, _ = await lgsp("describe", "grant", "land-desk")
    assert yaml.safe_load(out)["metadata"]["reason"] == "thu hẹp"
    code, out, _ = await lgsp("history", "grants", "land-desk")
    assert "changed by operator (thu hẹp)" in out
    assert "created by operator (kết nối đất đai)" in out

    code, exported, err = await lgsp("export")
    assert (code, err) == (0, "")
    assert {"H50", "land-v1", "land-desk", "desk-v1"} <= {d["metadata"]["name"] for d in yaml.safe_load_all(exported)}

    code, _, err = await lgsp("delete", "system", "desk-system")
    assert code == 1
    assert "still used by Grant land-desk" in err
    assert (await lgsp("delete", "grant", "land-desk", "--reason", "xong"))[0] == 0
    assert (await lgsp("get", "grants", "land-desk"))[0] == 1
    code, out, _ = await lgsp("history", "grants", "land-desk")
    assert "deleted by operator (xong)" in out


async def test_in_vietnamese_and_with_a_long_difference_in_a_line(lgsp: Operator, folder: Path) -> None:
    vietnamese = {"LANG": "vi_VN.UTF-8", "LC_ALL": ""}
    code, out, _ = await lgsp("apply", "-f", str(folder), environment=vietnamese)
    assert (code, out.splitlines()[0]) == (0, "agency/H50 đã tạo")
    contract = {**CONTRACTS[0], "service": "land", "provider": "land-system", "version": "1.1.0"}
    operations = contract["operations"] | {"read-again": CONTRACTS[0]["operations"]["read"]}
    (folder / "land.yaml").write_text(yaml.safe_dump(contract | {"operations": operations}))
    code, out, err = await lgsp("apply", "-f", str(folder / "land.yaml"), "--dry-run")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "service/land-v1 configured (dry run)"
    assert out.splitlines()[1].endswith("--diff shows them")
    assert len(out.splitlines()) == 2
    whole = (await lgsp("apply", "-f", str(folder / "land.yaml"), "--diff", environment=vietnamese))[1]
    assert whole.startswith("service/land-v1 đã thay đổi\n")
    assert len(whole.splitlines()) > 20
    assert "không có" not in (await lgsp("get", "systems", environment=vietnamese))[2]
    code, _, err = await lgsp("get", "grants", "--consumer", "land-system", environment=vietnamese)
    assert (code, err) == (0, "Không có tài liệu nào như vậy.\n")
    shown = (await lgsp("history", "services", "land-v1", environment=vietnamese))[1]
    assert "thay đổi bởi operator" in shown
    assert (await lgsp("delete", "grant", "land-desk", environment=vietnamese))[1] == "grants/land-desk đã xóa\n"


async def test_what_is_exported_applies_to_another_bus(lgsp: Operator, folder: Path, tmp_path: Path) -> None:
    await lgsp("apply", "-f", str(folder))
    await lgsp("grant", "suspend", "land-desk", "--reason", "x")
    code, exported, err = await lgsp("export")
    assert err == "left out: grant/land-desk (suspended)\n"
    (tmp_path / "export.yaml").write_text(exported)
    other = await Workbench(tmp_path / "other").start()
    code, out, err = await Operator(other)("apply", "-f", str(tmp_path / "export.yaml"))
    assert (code, err) == (0, "")
    assert {"agency/H50 created", "service/land-v1 created"} <= set(out.splitlines())
    await other.stop()


async def test_a_grant_and_a_service_by_command(lgsp: Operator, folder: Path) -> None:
    await lgsp("apply", "-f", str(folder))
    for action, extra, phase in (
        ("suspend", ["--reason", "lạm dụng", "--until", "2040-01-01"], "suspended"),
        ("resume", [], "in-force"),
        ("revoke", ["--reason", "hết hạn"], "revoked"),
    ):
        code, out, _ = await lgsp("grant", action, "land-desk", *extra)
        assert (code, out) == (0, f"grant/land-desk is {phase}\n")
    code, _, err = await lgsp("grant", "resume", "land-desk")
    assert code == 1
    assert "This grant is revoked" in err
    code, out, _ = await lgsp("service", "suspend", "land-v1", "--reason", "nâng cấp")
    assert code == 0
    assert out.startswith("service/land-v1 is suspended from")
    assert (await lgsp("service", "resume", "land-v1"))[1] == "service/land-v1 is not suspended\n"


async def test_mistakes_name_their_place(lgsp: Operator, folder: Path) -> None:
    (folder / "b-systems.yaml").write_text("kind: System\nmetadata: {name: x}\n")
    code, out, err = await lgsp("apply", "-f", str(folder))
    assert (code, out) == (1, "")
    assert f"{folder}/b-systems.yaml" in err
    assert "is required" in err
    assert (await lgsp("apply", "-f", str(folder / "none.yaml")))[0] == 1
    code, _, err = await lgsp("get", "systems", system="alpha")
    assert code == 1
    assert "may not do this" in err


async def test_half_a_folder_applied_converges_when_applied_again(breakable_bus: Workbench, tmp_path: Path) -> None:
    bus = breakable_bus
    grants = [grant(f"many-{number}", "gamma", read=["*"]) for number in range(300)]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump_all(grants))
    where = ["--url", f"http://127.0.0.1:{bus.port}", "--token", bus.token("operator")]
    applying = Process([*LGSP, "apply", "-f", str(tmp_path / "many.yaml"), *where], tmp_path / "apply.log")
    await applying.start(wait_ready=False)
    async with asyncio.timeout(20):
        while len(applying.output) < 50:
            await asyncio.sleep(0.001)
    await bus.gateway.kill()
    assert await applying.ended() == 1
    assert "No bus answers at" in applying.log.read_text()
    done = sum(line.startswith("grant/") for line in applying.output)
    assert done < 300

    await bus.gateway.start()
    code, out, _ = await Operator(bus)("apply", "-f", str(tmp_path / "many.yaml"))
    assert code == 0
    verbs = [line.split()[1] for line in out.splitlines() if line.startswith("grant/")]
    assert verbs.count("unchanged") >= done
    assert verbs.count("unchanged") + verbs.count("created") == 300
    assert len((await bus.registry("GET", "grants?consumer=gamma&limit=1000")).json["items"]) == 300
