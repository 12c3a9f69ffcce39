"""A bus with two gateways, and what a program does at each of them: what one remembers, the other must know."""

import asyncio
import hashlib
import time
import uuid
from typing import Any

import aiohttp

from lgsp_auth.client_authentication import ASSERTION_TYPE
from support.changes import Changes
from support.processes import Process, free_port
from support.workbench import NUMBER, TEXT, Workbench, grant

SECRET = "a secret of the bench"
PLAIN = {"agency": "H49.1", "title": TEXT, "secretSha256": hashlib.sha256(SECRET.encode()).hexdigest()}
READ = "/services/desk/v1/read"


class TwoGateways:
    """The bus, and a system `caller` that takes its tokens as programs do."""

    def __init__(self, bus: Workbench) -> None:
        self.bus = bus
        self.changes = Changes(bus)
        self.ports = [bus.port, free_port()]

    async def start(self, *options: str) -> "TwoGateways":
        """Start the second gateway, with further options, and an adapter; return when both know the system."""
        self.second: Process = self.bus.another_gateway("second", self.ports[1])
        self.second.command += options
        await self.second.start()
        self.adapter = await self.bus.serve()
        assert (await self.changes.put("System", "caller", **PLAIN)).status == 201
        assert (await self.changes.send(grant("caller", "caller", read=["*"]))).status == 201
        async with asyncio.timeout(5):
            while await self.call(await self.token(), 1) != 200:
                await asyncio.sleep(0.01)
        return self

    async def stop(self) -> None:
        await self.bus.unserve(self.adapter)
        await self.second.stop()

    def url(self, gateway: int) -> str:
        return f"http://127.0.0.1:{self.ports[gateway]}"

    async def ask_for_token(self, gateway: int, form: dict[str, str], **headers: str) -> tuple[int, dict[str, Any]]:
        """What the token endpoint of a gateway answers."""
        sent = {"Accept-Language": "en", **headers}
        form = {"grant_type": "client_credentials", **form}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url(gateway)}/oauth2/token", data=form, headers=sent) as answer,
        ):
            return answer.status, await answer.json()

    async def token(self, system: str = "caller", gateway: int = 0, **headers: str) -> str:
        """A token that a system takes with its secret."""
        status, said = await self.ask_for_token(gateway, {"client_id": system, "client_secret": SECRET}, **headers)
        assert status == 200, said
        return str(said["access_token"])

    def assertion(self, system: str = "alpha") -> dict[str, str]:
        """A form that proves once who the system is, by a signature."""
        now = int(time.time())
        claims = {"iss": system, "sub": system, "aud": self.url(0), "iat": now, "exp": now + 300}
        signed = self.bus.keys[system].sign({**claims, "jti": str(uuid.uuid4())})
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    async def call_with(self, gateway: int, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Call an operation at a gateway."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url(gateway) + READ, json={"soDinhDanh": NUMBER}, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def call(self, token: str, gateway: int) -> int:
        """Call with a bearer token: the status."""
        return (await self.call_with(gateway, {"Authorization": f"Bearer {token}"}))[0]

    async def statuses(self, token: str) -> list[int]:
        """What a call with a bearer token gets at each gateway."""
        return [await self.call(token, gateway) for gateway in (0, 1)]

    async def become(self, token: str, wanted: list[int], seconds: float = 15) -> None:
        """Return when a call with a token gets these statuses."""
        async with asyncio.timeout(seconds):
            while await self.statuses(token) != wanted:
                await asyncio.sleep(0.02)
