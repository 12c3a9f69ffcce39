"""The receivers that docs/use/receive-webhooks.md shows, as they stand there, with the official libraries."""

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from support.processes import ROOT, free_port
from support.waits import eventually

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.channel import KEEP_ALIVE_SECONDS, MAX_RESPONSE
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint, Secret
from lgsp_gateway.delivery.webhooks.result_mapping import MAX_RETRY_AFTER
from lgsp_gateway.delivery.webhooks.send_result import Delivered, Failed, FailureReason
from lgsp_gateway.delivery.webhooks.sender import TOTAL_SECONDS, WebhookSender
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_runtime.listed_networks import parse_networks

PAGE = (ROOT / "docs" / "use" / "receive-webhooks.md").read_text()
BODY = json.dumps(
    {"specversion": "1.0", "type": "lgsp.births.v1.registered", "data": {"ten": "Nguyễn Văn An"}}
).encode()


def example(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


@asynccontextmanager
async def running(command: Sequence[str], folder: Path, secret: str) -> AsyncIterator[tuple[str, Path]]:
    """A receiver that answers: its address, and the file that it prints to."""
    port, printed = free_port(), folder / "printed"
    with printed.open("wb") as output:
        environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/hooks"

    async def answers() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.post(url, data=b"{}") as answer:
                return answer.status == 401  # nothing unsigned is taken
        except aiohttp.ClientError:
            return False

    try:
        await eventually(answers, seen=printed.read_text)
        yield url, printed
    finally:
        process.kill()
        process.wait()


async def receives_signed_events_once(command: Sequence[str], folder: Path) -> None:
    right, former, wrong = (Secret(str(number), new_secret_value(), 0) for number in range(3))
    async with running(command, folder, right.value) as (url, printed):
        sender = WebhookSender(EgressAddresses(parse_networks(["127.0.0.1:1024-65535"])), ssl.create_default_context())
        endpoint = [
            Endpoint("e", "nhan", SystemName("mot-cua"), url, secrets)
            for secrets in ((right,), (former, right), (wrong,))
        ]
        for one in (endpoint[0], endpoint[1]):
            assert isinstance(await sender.send(one, "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a11", BODY), Delivered)
        refused = await sender.send(endpoint[2], "019ac5a0-5c64-7d1e-9d1c-6d5c2f0b7a12", BODY)
        await sender.close()
        assert isinstance(refused, Failed)
        assert (refused.reason, refused.status) == (FailureReason.CLIENT_ERROR, 401)
        lines = await eventually(lambda: [line for line in printed.read_text().splitlines() if "received" in line])
    assert lines == ["received lgsp.births.v1.registered"]


async def test_the_receiver_in_python(tmp_path: Path) -> None:
    (tmp_path / "receiver.py").write_text(example("python"))
    await receives_signed_events_once([sys.executable, "receiver.py"], tmp_path)


@pytest.mark.long
async def test_the_receiver_in_javascript(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    subprocess.run(["npm", "install", "--silent", "standardwebhooks"], cwd=tmp_path, check=True, timeout=100)
    (tmp_path / "receiver.js").write_text(example("javascript"))
    await receives_signed_events_once(["node", "receiver.js"], tmp_path)


def test_the_limits_that_the_page_names_are_those_of_the_sender() -> None:
    for words in (f"{TOTAL_SECONDS:.0f} seconds", f"at most {MAX_RESPONSE // 1024} KiB"):
        assert words in PAGE
    assert (KEEP_ALIVE_SECONDS, MAX_RETRY_AFTER) == (4, 3600)
