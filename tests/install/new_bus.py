"""A bus that `lgsp init` has made, run by hand: nats-server and gateways as the units start them."""

import shutil
import sys
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from support import preloaded
from support.citizens import OWN_PAGE
from support.preloaded import Preloaded
from support.processes import Process, free_port
from support.waits import eventually

AGENCIES = (
    "H49=Ủy ban nhân dân tỉnh Quảng Ninh=People's Committee of Quảng Ninh Province",
    "H49.12=Trung tâm Phục vụ hành chính công tỉnh",
)
OPERATORS = ("tran.thi.b=H49.12=Trần Thị B", "nguyen.van.a=H49=Nguyễn Văn A")
PASSWORD = "con ngựa xanh ăn cỏ trên mây"


class NewBus:
    """A bus in a folder, from nothing."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "etc"
        self.state = folder / "var"
        self.port, self.nats_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._processes: list[Process] = []

    def flags(self, **other: str | None) -> list[str]:
        """The answers of `lgsp init`; other ones take the place of those of the same name, None leaves one out."""
        answers: dict[str, str | None] = {
            "domain": "lgsp.quangninh.gov.vn",
            "public-url": self.url,
            "max-storage": "2GiB",
            "nats": f"127.0.0.1:{self.nats_port}",
            "listen": f"127.0.0.1:{self.port}",
            "to": str(self.root),
            "state": str(self.state),
            **other,
        }
        flags = [part for name, value in answers.items() if value is not None for part in (f"--{name}", value)]
        return [*flags, *(part for agency in AGENCIES for part in ("--agency", agency))]

    async def init(
        self, *more: str, operators: tuple[str, ...] = OPERATORS, **other: str | None
    ) -> tuple[int, str, str]:
        chosen = [part for operator in operators for part in ("--operator", operator)]
        return await preloaded.run("init", *self.flags(**other), *chosen, *more)

    async def start(self) -> None:
        """Start NATS and a gateway."""
        await self.start_nats()
        await self.start_gateway("gw-1")

    async def start_nats(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        nats = Process([binary, "-c", str(self.root / "nats/nats-1.conf")], self._folder / "nats.log")
        self._processes.append(nats)
        await nats.start(wait_ready=False)
        await eventually(lambda: "Server is ready" in nats.log.read_text())

    async def start_gateway(
        self, name: str, *options: str, environment: dict[str, str] | None = None, wait_ready: bool = True
    ) -> Process:
        command = ["gateway", "run", "--name", name, "--config", str(self.root / "gateway.yaml"), *options]
        kind = Process if environment else Preloaded
        if environment:
            command = [sys.executable, "-m", "lgsp_gateway", *command]
        gateway = kind(command, self._folder / f"{name}.log", environment)
        self._processes.append(gateway)
        await gateway.start(wait_ready=wait_ready)
        return gateway

    async def refusal_of_gateway(self, *options: str) -> str:
        """What a gateway says that does not start."""
        command = ("gateway", "run", "--name", "gw-2", "--config", str(self.root / "gateway.yaml"), *options)
        code, _, err = await preloaded.run(*command)
        assert code == 1, err
        return err.rpartition("lgsp: ")[2]

    async def stop(self) -> None:
        for process in reversed(self._processes):
            await process.stop()

    async def operators(self, command: str, *arguments: str) -> tuple[int, str, str]:
        return await preloaded.run("operators", command, *arguments, "--keys", str(self.root / "keys"))

    async def links(self) -> dict[str, str]:
        """The links of the operators, by user, once they are there."""
        found: dict[str, str] = {}

        async def shown() -> bool:
            code, out, err = await self.operators("show")
            assert code == 0, err
            assert "Waits until" not in out, "nobody is waited for on a new bus"
            for link in (line.strip() for line in out.splitlines() if "#" in line):
                found[link.rpartition("#")[2].partition("/")[0]] = link
            return bool(found)

        await eventually(shown)
        return found

    async def choose_password(self, link: str) -> None:
        """What the page of the link sends."""
        user, _, secret = link.rpartition("#")[2].partition("/")
        body = {"user": user, "link": secret, "password": PASSWORD}
        status, answer = await self.ask("POST", "/console/sign-in/link", body)
        assert status == 200, answer
        assert answer["registered"] is True, "whoever is invited is not sent to an operator to be registered"

    async def session(self, user: str) -> aiohttp.ClientSession:
        """A browser in which an operator has signed in."""
        jar = aiohttp.CookieJar(unsafe=True)
        browser = aiohttp.ClientSession(self.url, cookie_jar=jar, headers=OWN_PAGE)
        body = {"user": user, "password": PASSWORD, "code": ""}
        async with browser.post("/console/sign-in/password", json=body) as answer:
            assert answer.status == 200, await answer.text()
        return browser

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(self.url, headers=OWN_PAGE) as session,
            session.request(method, path, json=body) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    def settings(self) -> dict[str, Any]:
        read: dict[str, Any] = yaml.safe_load((self.root / "gateway.yaml").read_text())
        return read
