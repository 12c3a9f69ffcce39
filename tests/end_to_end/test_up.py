"""`lgsp up` as a newcomer meets it: READY, the call to paste, Ctrl-C, kill -9, and everything that can be in its way."""

import asyncio
import json
import os
import re
import shlex
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from support.preloaded import run
from support.processes import LGSP, ROOT, Process, alive, free_port
from support.processes import run as run_fresh
from support.waits import eventually

AN = {"soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}
VERIFY_AN = ("population", "verify-citizen", "--as", "mot-cua", "--purpose", "giai-quyet-tthc", "-d", json.dumps(AN))


class Up:
    """A bus started by `lgsp up`."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [*LGSP, "up", "--port", str(self.port), "--state-dir", str(self.state)]
        self.process = Process(command, folder / "up.log")

    async def start(self) -> "Up":
        await self.process.start()
        async with asyncio.timeout(5):
            while not any(line.startswith("  -d ") for line in self.process.output):
                await asyncio.sleep(0.01)
        return self

    @property
    def running(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / "running.json").read_text())
        return found

    async def lgsp(self, *arguments: str, **more: Any) -> tuple[int, str, str]:
        return await run(*arguments, "--state-dir", str(self.state), **more)

    async def call(self, *arguments: str) -> tuple[int, str, str]:
        return await self.lgsp("call", *arguments)

    async def stop(self) -> int:
        self.process.signal(signal.SIGINT)
        return await self.process.ended()


@pytest_asyncio.fixture(scope="module")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """One bus for the tests that leave it as they found it."""
    started = await Up(tmp_path_factory.mktemp("up")).start()
    yield started
    assert await started.stop() == 0


async def test_ready_says_what_runs_where(up: Up) -> None:
    output = "\n".join(up.process.output)
    assert f"READY {up.url}" in output
    for name in ("gateway", "nats-server", "sandbox population", "sandbox enterprise-registry", "sandbox insurance"):
        assert f"  {name}" in output
    for child in ("adapter national", "adapter provincial", "gateway", "nats-server"):
        assert f"lgsp: {child} answers" in output


async def test_the_call_to_paste_works_as_it_stands(up: Up) -> None:
    output = up.process.output
    start = next(number for number, line in enumerate(output) if line.startswith("curl "))
    pasted = "\n".join(output[start:])
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_shell(pasted, stdout=asyncio.subprocess.PIPE, env=environment, cwd=ROOT)
    out, _ = await process.communicate()
    assert json.loads(out) == {"tonTai": True}


async def test_a_demo_citizen_objects_and_the_demo_administrator_reads_it(up: Up) -> None:
    assert any(line.startswith("  my data, as a citizen") and f"{up.url}/my-data" in line for line in up.process.output)
    assert (await up.call(*VERIFY_AN))[0] == 0
    async with browser() as citizen:
        async with citizen.get(f"{up.url}/me/citizen-session") as answer:
            [issuer] = (await answer.json())["issuers"]
        async with citizen.get(f"{up.url}/my-data/sign-in", params={"issuer": issuer["issuer"]}) as answer:
            link = (await answer.text()).split('<a href="')[1].split('"')[0].replace("&amp;", "&")
        async with citizen.get(f"{issuer['issuer']}{link}") as answer:
            assert str(answer.url) == f"{up.url}/my-data"
        entries: list[Any] = []

        async def is_seen() -> bool:
            async with citizen.get(f"{up.url}/me/access-log") as answer:
                entries[:] = (await answer.json())["items"]
            return any(one["operation"] == "verify-citizen" for one in entries)

        await eventually(is_seen)
        asked = {"message": entries[0]["message"], "agency": entries[0]["agency"], "kind": "object", "text": "Vì sao?"}
        async with citizen.post(f"{up.url}/me/access-requests", json=asked) as answer:
            number = (await answer.json())["number"]
    links = dict(re.findall(r"console, (\w+), once +\S+#(\S+)", "\n".join(up.process.output)))
    assert links.keys() == {"operator", "officer", "administrator", "provider", "insurance"}
    for role in ("operator", "administrator"):  # also where an operator was there first
        async with browser() as person:
            async with person.post(f"{up.url}/console/sign-in/once", json={"link": links[role]}) as answer:
                assert answer.status == 200, role
            async with person.get(f"{up.url}/citizen-requests/{number}") as answer:
                assert (await answer.json())["mayAnswer"] is (role == "administrator")


def browser() -> aiohttp.ClientSession:
    """What a browser sends from a page of the bus."""
    headers = {"Sec-Fetch-Site": "same-origin", "X-Requested-With": "lgsp-console"}
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers)


async def test_token_is_alone_on_stdout(up: Up) -> None:
    code, out, err = await run_fresh("token", "mot-cua", "--state-dir", str(up.state))
    assert (code, err) == (0, "")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", out)
    code, out, err = await up.lgsp("token", "nobody")
    assert (code, out) == (1, "")
    assert "Systems with a key there: " in err
    assert "mot-cua" in err


async def test_a_remote_bus_is_reached_by_url_and_token(up: Up, tmp_path: Path) -> None:
    key = up.state / "credentials" / "benh-vien.pem"
    code, token, _ = await run("token", "benh-vien", "--url", up.url, "--key", str(key), "--state-dir", str(tmp_path))
    assert code == 0
    data = json.dumps(AN)
    arguments = ["call", "population", "verify-citizen", "--purpose", "kham-chua-benh", "-d", data, "--url", up.url]
    code, out, _ = await run(*arguments, "--token", token.strip(), "--state-dir", str(tmp_path))
    assert (code, json.loads(out)) == (0, {"tonTai": True})


async def test_call_shows_answer_message_and_timing(up: Up, tmp_path: Path) -> None:
    (tmp_path / "an.json").write_text(json.dumps(AN))
    for data, stdin in ((json.dumps(AN), b""), (f"@{tmp_path}/an.json", b""), ("-", json.dumps(AN).encode())):
        arguments = [
            "call",
            "population",
            "verify-citizen",
            "--as",
            "mot-cua",
            "--purpose",
            "giai-quyet-tthc",
            "-d",
            data,
        ]
        code, out, err = await up.lgsp(*arguments, stdin=stdin)
        assert (code, json.loads(out)) == (0, {"tonTai": True})
        assert re.search(r"message [0-9a-f-]{36}\n", err)
        assert re.search(r"provider [\d.]+, evidence [\d.]+, total [\d.]+ \(ms\)", err)


async def test_the_grants_of_the_demo_differ(up: Up) -> None:
    """mot-cua sees everything, benh-vien neither parents nor religion, du-lich nothing of population."""
    answers = {}
    for system, purpose in (("mot-cua", "giai-quyet-tthc"), ("benh-vien", "kham-chua-benh"), ("du-lich", "x")):
        arguments = ["population", "lookup-citizen", "--as", system, "--purpose", purpose, "-d", json.dumps(AN)]
        answers[system] = await up.call(*arguments)
    everything, hospital = (json.loads(answers[system][1]) for system in ("mot-cua", "benh-vien"))
    assert set(everything) - set(hospital) == {"cha", "me", "tonGiao"}
    assert answers["du-lich"][0] == 1
    assert json.loads(answers["du-lich"][1])["code"] == "not-granted"
    code, out, _ = await up.call(
        "enterprise-registry", "lookup-enterprise", "--as", "du-lich", "-d", '{"maSoDoanhNghiep": "5700999001"}'
    )
    assert code == 0
    assert "nguoiDaiDien" not in json.loads(out)


async def test_all_three_databases_answer(up: Up) -> None:
    card = {"maTheBhyt": "2293001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}
    asked = {
        ("population", "lookup-citizen"): AN,
        ("enterprise-registry", "lookup-enterprise"): {"maSoDoanhNghiep": "5700999001"},
        ("insurance", "check-health-card"): card,
        ("insurance", "lookup-participation"): {"maSoBhxh": "2293001234"},
    }
    for (service, operation), request in asked.items():
        arguments = [service, operation, "--as", "mot-cua", "--purpose", "giai-quyet-tthc", "-d", json.dumps(request)]
        code, out, err = await up.call(*arguments)
        assert code == 0, err
        assert "Nguyễn Văn An" in out


async def test_evidence_tail_shows_and_follows(up: Up) -> None:
    tail = Process([*LGSP, "evidence", "tail", "-n", "0", "--state-dir", str(up.state)], up.state / "tail.log")
    await tail.start(wait_ready=False)
    async with asyncio.timeout(20):
        while not tail.output:
            _, _, err = await up.call(*VERIFY_AN)
    await tail.kill()
    assert "mot-cua → population/verify-citizen [giai-quyet-tthc]  200 answered" in tail.output[0]
    code, out, _ = await up.lgsp("evidence", "tail", "-n", "1", "--no-follow", "-o", "json")
    assert code == 0
    assert json.loads(out)["message"] in err
    code, _, err = await up.lgsp("evidence", "tail", "--no-follow", "--as", "mot-cua")
    assert code == 1
    assert "does not have the role auditor" in err


async def test_the_one_stop_desk_registers_a_birth(up: Up) -> None:
    example = ROOT / "examples" / "one_stop"
    secret = (up.state / "credentials" / "mot-cua.secret").read_text()
    process = await asyncio.create_subprocess_exec(
        *("/usr/bin/env", "-i", f"LGSP_CLIENT_SECRET={secret}", "PYTHONUTF8=1", sys.executable, "-I"),
        *(str(example / "one_stop.py"), up.url, str(example / "birth.json")),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    record = json.loads(out)
    assert process.returncode == 0
    assert record["khaiSinh"]["me"] == {"soDinhDanh": "022195001235", "hoVaTen": "Trần Thị Bình"}
    assert record["khaiSinh"]["chaMeDaKetHon"] is True
    assert record["cheDoThaiSan"]["duocHuong"] is True
    _, entries, _ = await up.lgsp("evidence", "tail", "-n", "50", "--no-follow", "-o", "json")
    written = {json.loads(line)["message"]: json.loads(line) for line in entries.splitlines()}
    assert {written[message]["service"] for message in record["thongDiep"]} == {
        "population",
        "insurance",
        "enterprise-registry",
    }


async def test_keys_rotate_without_dropping_a_call(up: Up) -> None:
    _, token, _ = await up.lgsp("token", "mot-cua")
    statuses: list[int] = []
    stop = asyncio.Event()

    async def load(session: aiohttp.ClientSession, bearer: str) -> None:
        headers = {"Authorization": f"Bearer {bearer}", "Lgsp-Purpose": "giai-quyet-tthc"}
        while not stop.is_set():
            async with session.post("/services/population/v1/verify-citizen", json=AN, headers=headers) as answer:
                statuses.append(answer.status)

    async with aiohttp.ClientSession(up.url) as session:
        callers = [asyncio.create_task(load(session, token.strip()))]
        kids = set()
        for _ in range(3):
            code, out, _ = await up.lgsp("keys", "rotate")
            assert code == 0
            kids.add(out.split()[0])
            async with asyncio.timeout(20):
                while True:
                    _, newer, _ = await up.lgsp("token", "mot-cua")
                    async with session.get("/.well-known/jwks.json") as answer:
                        known = {key["kid"] for key in (await answer.json())["keys"]}
                    if kids <= known:
                        break
            callers.append(asyncio.create_task(load(session, newer.strip())))
        stop.set()
        await asyncio.gather(*callers)
    assert len(kids) == 3
    assert set(statuses) == {200}
    for file in (up.state / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_provider_that_is_down_and_comes_back(up: Up) -> None:
    """The sandbox server is killed for real; `up` starts it again and the next call works."""
    os.kill(up.running["processes"]["sandbox population"], signal.SIGKILL)
    code, out, _ = await up.call(*VERIFY_AN)
    if code:
        assert json.loads(out)["code"] == "provider-failed"
    async with asyncio.timeout(20):
        while (await up.call(*VERIFY_AN))[0]:
            pass
    assert any("sandbox population ended (-9); starting it again" in line for line in up.process.output)
    async with asyncio.timeout(20):
        while "[ok] processes" not in (await up.lgsp("doctor"))[1]:  # which knows the new process
            await asyncio.sleep(0.1)


async def test_slow_and_wrong_providers(up: Up) -> None:
    url = up.running["sandbox"]["insurance"]
    arguments = ["insurance", "lookup-participation", "--as", "mot-cua", "--purpose", "giai-quyet-tthc"]
    arguments += ["-d", '{"maSoBhxh": "2293001234"}']
    for told, code in (
        (["--delay-ms", "20000"], "provider-timeout"),
        (["--garbage", "<html>"], "provider-failed"),
        (["--status", "500"], "provider-failed"),
        (["--drop"], "provider-failed"),
        (["--expire-tokens"], None),
    ):
        assert (await run("sandbox", "tell", url, *told))[0] == 0
        status, out, _ = await up.call(*arguments)
        assert (status, json.loads(out).get("code")) == (1 if code else 0, code)
    assert (await run("sandbox", "tell", url))[0] == 0
    assert (await up.call(*arguments))[0] == 0


async def test_a_second_copy_a_taken_port_and_a_bad_folder_are_said(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, words in (
        (["--port", str(free_port()), "--state-dir", str(up.state)], "Another bus runs on the folder"),
        (["--port", str(up.port), "--state-dir", str(tmp_path / "other")], f"Cannot listen on port {up.port}"),
        (["--port", str(free_port()), "--state-dir", str(tmp_path / "file")], "Cannot write to the folder"),
        (["--port", str(free_port()), "--state-dir", "/proc/lgsp"], "Cannot write to the folder"),
    ):
        code, _, err = await run("up", *arguments)
        assert code == 1
        assert err.startswith(f"lgsp: {words}")
        assert len(err.splitlines()) == 1
        vietnamese = await run("up", *arguments, environment={"LC_ALL": "vi_VN.UTF-8"})
        assert vietnamese[0] == 1
        assert vietnamese[2].splitlines() != err.splitlines()
    code, out, err = await up.call("population", "verify-citizen", "--as", "mot-cua")
    assert json.loads(out)["code"] == "malformed"


async def test_commands_without_a_bus_say_so(tmp_path: Path) -> None:
    for arguments in (["token", "mot-cua"], ["call", "a", "b", "--as", "mot-cua"], ["evidence", "tail"]):
        code, out, err = await run(*arguments, "--state-dir", str(tmp_path))
        assert (code, out) == (1, "")
        assert err.startswith("lgsp: No bus runs on the folder")


async def test_ctrl_c_and_a_kill_leave_nothing_and_data_stays(up: Up) -> None:
    """It ends the bus of this module, and starts it again."""
    assert (await up.call(*VERIFY_AN))[0] == 0
    pids = [*up.running["pids"], up.process.pid]
    _, token, _ = await up.lgsp("token", "mot-cua")
    written = await calls_written(up)
    assert written
    assert len(pids) == 12
    assert await up.stop() == 0
    assert not any(alive(pid) for pid in pids)

    await up.start()
    assert await calls_written(up) == written
    headers = {"Authorization": f"Bearer {token.strip()}", "Lgsp-Purpose": "giai-quyet-tthc"}
    async with (
        aiohttp.ClientSession(up.url) as session,
        session.post("/services/population/v1/verify-citizen", json=AN, headers=headers) as answer,
    ):
        assert answer.status == 200
    pids = up.running["pids"]

    await up.process.kill()
    async with asyncio.timeout(10):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.01)
    await up.start()
    assert (await up.call(*VERIFY_AN))[0] == 0


async def calls_written(up: Up) -> list[str]:
    """The calls in the evidence, each as a line."""
    _, out, _ = await up.lgsp("evidence", "tail", "--no-follow", "-n", "100000")
    return [line for line in out.splitlines() if "population/verify-citizen" in line]


async def test_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    bus = Up(tmp_path)
    await bus.process.start(wait_ready=False)
    async with asyncio.timeout(20):
        while not any("nats-server answers" in line for line in bus.process.output):
            await asyncio.sleep(0.01)
    assert await bus.stop() == 0
    listed = await asyncio.create_subprocess_exec(*shlex.split("ps -eo args"), stdout=asyncio.subprocess.PIPE)
    out, _ = await listed.communicate()
    assert str(tmp_path) not in out.decode()


@pytest.mark.long
async def test_a_child_that_lives_and_does_nothing_is_started_again(tmp_path: Path) -> None:
    up = await Up(tmp_path).start()
    before = up.running["processes"]["indexer"]
    os.kill(before, signal.SIGSTOP)
    async with asyncio.timeout(90):
        while up.running["processes"]["indexer"] == before:
            await asyncio.sleep(0.2)
    assert any("indexer gives no sign of life; ending it" in line for line in up.process.output)
    assert not alive(before)
    _, out, _ = await up.lgsp("doctor")
    assert "[ok] processes" in out, out
    await up.stop()
