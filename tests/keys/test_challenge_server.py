"""The port of ACME's challenges is open to everybody: who holds connections there takes no descriptors from the gateway."""

import asyncio
from contextlib import AsyncExitStack
from typing import cast

import aiohttp
from support.processes import free_port

from lgsp_gateway.operate.certificates.certificate_store import CertificateStore
from lgsp_gateway.operate.certificates.challenge_server import LIMITS, open_challenge_server

URL = "https://lgsp.quangninh.example"


class OneChallenge:
    """The challenges of one order."""

    async def validation(self, token: str) -> str | None:
        return "token.thumbprint" if token == "token" else None


async def test_silent_connections_are_few_and_the_authority_is_answered() -> None:
    async with AsyncExitStack() as stack:
        port = free_port()
        await open_challenge_server(stack, cast("CertificateStore", OneChallenge()), "127.0.0.1", port, URL)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3 * LIMITS.each)]
        for _, writer in silent:
            stack.callback(writer.close)
        refused = [asyncio.create_task(reader.read()) for reader, _ in silent[LIMITS.each :]]
        answers = await asyncio.wait_for(asyncio.gather(*refused), 20)
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)

        connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as authority:
            async with authority.get("/.well-known/acme-challenge/token") as answer:
                assert (answer.status, await answer.text()) == (200, "token.thumbprint")
            async with authority.get("/.well-known/acme-challenge/other") as answer:
                assert answer.status == 404
            for path in ("/", "/console", "/services/population/v1/verify-citizen"):
                async with authority.get(path, allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (308, URL)
