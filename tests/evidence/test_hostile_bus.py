"""An auditor's tools against a bus that is what they examine: it writes nowhere but in their folder, and steers no terminal."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from lgsp_gateway.cli.bus_client import BusOptions
from lgsp_gateway.cli.log_commands import export, verify
from lgsp_gateway.cli.witness_commands import witness
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_problems import Refusal

EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp"
NAMES = [
    "../PWN-export",
    "/tmp/PWN-export",
    "a/../../PWN-export",
    "..",
    ".hidden",
    "a.b",
    "gw\x1b[2J",
    "x" * 300,
    "",
    7,
    None,
]


class Hostile:
    """A bus that names its logs as it likes."""

    def __init__(self) -> None:
        self.logs: list[object] = []
        self.keys = ""
        self.problem: dict[str, object] = {}
        self.answers: dict[str, object] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/evidence/logs", self._logs)
        app.router.add_get("/evidence/keys", self._keys)
        app.router.add_get("/{rest:.*}", self._else)
        return app

    async def _logs(self, _: web.Request) -> web.Response:
        if self.problem:
            return web.json_response(self.problem, status=403)
        return web.json_response(
            {"items": [{"gateway": name, "size": 1, "checkpoint": "x\n1\n"} for name in self.logs]}
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.Response(text=self.keys)

    async def _else(self, request: web.Request) -> web.Response:
        if request.path in self.answers:
            return web.json_response(self.answers[request.path])
        if request.path.endswith("/checkpoints"):
            return web.json_response({"start": {"size": 0, "edge": [], "note": ""}, "items": []})
        return web.json_response({"items": []})


@pytest_asyncio.fixture
async def hostile() -> AsyncIterator[tuple[Hostile, str]]:
    bus = Hostile()
    runner = web.AppRunner(bus.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield bus, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def lgsp(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lgsp_gateway", *arguments),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def steers(text: str) -> bool:
    return any(one in text for one in "\x1b\x07\u202e\x9b")


async def test_an_export_stays_in_its_folder(hostile: tuple[Hostile, str], tmp_path: Path) -> None:
    bus, url = hostile
    folder = tmp_path / "deep" / "export"
    folder.parent.mkdir()
    who = BusOptions(url=url, access_token="x")
    for name in NAMES:
        bus.logs = ["gw-1", name]
        with pytest.raises(Refusal) as refused:
            await asyncio.to_thread(export, folder, bus=who)
        assert refused.value.code == "malformed"
        assert not list(folder.iterdir())
        with pytest.raises(Refusal):
            await asyncio.to_thread(verify, bus=who)
    assert sorted(tmp_path.rglob("*")) == [folder.parent, folder]
    assert not Path("/tmp/PWN-export.jsonl").exists()


@pytest.mark.parametrize("name", ["lgsp/../PWN", "lgsp//etc/x", "elsewhere/gw-1", "lgsp/a.b"])
async def test_keys_that_a_bus_hands_out_name_no_file_elsewhere(
    hostile: tuple[Hostile, str], tmp_path: Path, name: str
) -> None:
    bus, url = hostile
    bus.logs, bus.keys = ["gw-1"], f"{Signer(name, bytes(32)).key}\n"
    who = BusOptions(url=url, access_token="x")
    with pytest.raises(Refusal, match="log"):
        await asyncio.to_thread(verify, bus=who)
    with pytest.raises(Refusal, match="log"):
        await asyncio.to_thread(witness, tmp_path / "w", name="w", once=True, bus=who)
    assert {path.name for path in tmp_path.rglob("*")} == {"w", "witness.key", "trusted.txt"}


async def test_what_a_bus_says_steers_no_terminal(hostile: tuple[Hostile, str], tmp_path: Path) -> None:
    bus, url = hostile
    for problem in (
        {"detail": EVIL, "code": "not-granted"},
        {"detail": EVIL, "code": EVIL},
        {"detail": EVIL, "code": 7},
    ):
        bus.problem = problem
        code, out, err = await lgsp("evidence", "export", "x", "--url", url, "--token", "x", cwd=tmp_path)
        assert code == 1
        assert not steers(out + err)
        assert "Traceback" not in err


async def test_what_others_wrote_steers_no_terminal(hostile: tuple[Hostile, str], tmp_path: Path) -> None:
    """Titles, reasons and names in the registry, the evidence and the state of adapters, as a table, a line and a document."""
    bus, url = hostile
    metadata = {"name": "evil", "revision": 2, "updatedAt": 1, "updatedBy": EVIL, "reason": EVIL + "\nforged line"}
    spec = {"agency": EVIL, "title": {"vi": "[/red]" + EVIL, "en": EVIL}, "roles": [EVIL]}
    one = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": metadata, "spec": spec}
    before = {**one, "metadata": {**metadata, "revision": 1}, "spec": {**spec, "agency": "H49"}}
    upstream = {"up": False, "lastReason": EVIL, "failedInARow": 1}
    operations = {EVIL: {"requests": 1, "averageMs": 1.0, "upstream": upstream}}
    copy = {"id": EVIL, "service": EVIL, "version": EVIL, "system": EVIL, "started": EVIL}
    copy |= {"state": EVIL, "operations": operations}
    wrong = {"check": EVIL, "ok": False, "detail": {"vi": EVIL, "en": EVIL}}
    bus.answers = {
        "/registry/systems": {"items": [one]},
        "/registry/systems/evil": one,
        "/registry/systems/evil/history": {"items": [one, before]},
        "/ops/adapters": {"items": [copy]},
        "/ops/checks": {"items": [wrong]},
    }
    lines = (("get", "systems"), ("describe", "systems", "evil"), ("history", "systems", "evil"), ("adapters",))
    for line in lines:
        _, out, err = await lgsp(*line, "--url", url, "--token", "x", cwd=tmp_path)
        assert not steers(out + err), line
        assert "Traceback" not in err, err
        assert "owned" in out, (line, out, err)
        assert not any(shown.startswith("forged line") for shown in out.splitlines()) or line[0] == "describe"
