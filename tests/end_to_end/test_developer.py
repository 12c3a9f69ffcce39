"""A developer of an agency program takes what a program needs from the bus itself: a client, and a mock to try it on."""

import ast
import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest
from support.preloaded import run
from support.processes import LGSP, Process, free_port
from support.waits import eventually
from support.workbench import NUMBER, Workbench

PROGRAM = """
import sys
from desk import Desk, Problem

client = Desk(sys.argv[1], lambda: sys.argv[2])
print(client.read_person({"soDinhDanh": sys.argv[3]}, purpose="thu-nghiem")["ketQua"])
try:
    client.read_person({"soDinhDanh": sys.argv[3]}, purpose="viec-khac")
except Problem as problem:
    print(problem.code)
"""


async def test_a_client_of_a_service_of_the_bus(bus: Workbench, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{bus.port}"
    code, _, err = await run("sdk", "python", "desk", "--url", url, "-o", str(tmp_path / "desk.py"))
    assert code == 0, err
    (tmp_path / "program.py").write_text(PROGRAM)
    served = await bus.serve()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, str(tmp_path / "program.py"), url, bus.token("alpha"), NUMBER), stdout=asyncio.subprocess.PIPE
    )
    assert (await program.communicate())[0].decode().split() == ["KHOP", "purpose-not-granted"]
    await bus.unserve(served)


async def test_a_hidden_service_is_generated_for_its_consumer_alone(bus: Workbench) -> None:
    url = ("--url", f"http://127.0.0.1:{bus.port}")
    hidden = await run("sdk", "python", "hidden", *url)
    absent = await run("sdk", "python", "absent", *url)
    assert hidden[0] == absent[0] == 1
    assert hidden[2] == absent[2].replace("absent", "hidden")
    code, out, _ = await run("sdk", "python", "hidden", *url, "--token", bus.token("alpha"))
    assert code == 0
    assert ast.parse(out)


async def test_without_a_bus_the_shipped_contracts_serve(tmp_path: Path) -> None:
    nowhere = ("--state-dir", str(tmp_path))
    assert (await run("sdk", "python", "population", *nowhere))[0] == 0
    code, _, err = await run("sdk", "python", "social-welfare", *nowhere)
    assert code == 1
    assert "ask a bus with --url ADDRESS" in err


@pytest.mark.long
async def test_a_mock_of_a_service_of_the_bus(bus: Workbench, tmp_path: Path) -> None:
    port = free_port()
    command = ["contract", "mock", "desk", "--url", f"http://127.0.0.1:{bus.port}", "--port", str(port)]
    mock = await Process([*LGSP, *command], tmp_path / "mock.log").start()
    await eventually(lambda: any("-d " in line for line in mock.output))
    state = next(line.split("keys")[1].strip() for line in mock.output if "state, logs and keys" in line)
    token = (await run("token", "consumer", "--state-dir", state))[1].strip()
    headers = {"Authorization": f"Bearer {token}", "Lgsp-Purpose": "thu-nghiem"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        async with session.post("/services/desk/v1/read-person", json={"soDinhDanh": NUMBER}) as answer:
            assert (answer.status, json.loads(await answer.text())) == (200, {"ketQua": "KHOP"})
        async with session.post("/services/desk/v1/read-person", json={}) as refused:
            assert refused.status == 422
    assert await mock.stop() == 0
