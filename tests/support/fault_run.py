"""A bus under load whose processes are killed at random: senders and receivers keep ledgers of their own, which are compared.

Senders call an operation asynchronously and publish events, each with a key, one after the other; one that gets no answer sends the same
again. Two gateways, the NATS server, the adapter, the webhook endpoint and connections of gateways are killed with SIGKILL, each time with
at least `UNDER_WAY` accepted messages on their way.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from lgsp_runtime.nats.connection import connect
from support.processes import ROOT, Process, free_port
from support.subscribing import EVENT, SERVICE, subscribed_bus
from support.waits import eventually
from support.workbench import NUMBER

UNDER_WAY = 100
VICTIMS = ("gateway bench", "nats", "adapter", "endpoint", "connection", "gateway second")


@dataclass
class Sent:
    """What senders know: who was told that what is accepted, of each key in its order."""

    accepted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)
    attempts: int = 0

    @property
    def total(self) -> int:
        return sum(map(len, self.accepted.values()))


@dataclass
class Received:
    """What a receiver's ledger says."""

    numbers: dict[str, list[int]]
    ids: dict[str, set[str]]

    @property
    def distinct(self) -> int:
        return sum(len(set(numbers)) for numbers in self.numbers.values())

    @property
    def repeated(self) -> int:
        return sum(map(len, self.numbers.values())) - self.distinct

    @classmethod
    def read(cls, ledger: Path) -> "Received":
        numbers: dict[str, list[int]] = defaultdict(list)
        ids: dict[str, set[str]] = defaultdict(set)
        for line in ledger.read_text().splitlines() if ledger.exists() else ():
            what, *message = line.split(" ")
            key, number = what.split("/")
            numbers[key].append(int(number))
            ids[what].update(message)
        return cls(numbers, ids)


class FaultRun:
    """One run.

    Args:
        keys, of_each: ordering keys, and how many messages and events each has.
        kills: how often something is killed.
        deadline: seconds that the whole of it may take.
    """

    def __init__(self, folder: Path, seed: int, *, keys: int, of_each: int, kills: int, deadline: float) -> None:
        self.folder = folder
        self.keys, self.of_each, self.kills = keys, of_each, kills
        self.deadline = deadline
        self.messages, self.events = Sent(), Sent()
        self.killed: list[str] = []
        self.refused: Counter[str] = Counter()
        """What senders were told instead of 202."""
        self._draw = random.Random(seed)
        self._ledgers = {"adapter": folder / "adapter.ledger", "endpoint": folder / "endpoint.ledger"}

    async def run(self) -> None:
        """Run it to its end; the ledgers are compared then."""
        self.subscribing = await subscribed_bus(self.folder)
        self.bus = bus = self.subscribing.bus
        second, hook = free_port(), free_port()
        self.urls = [f"http://127.0.0.1:{bus.port}", f"http://127.0.0.1:{second}"]
        adapter = ["adapter", bus.nats_url, bus.token("provider"), str(bus.catalog_folder)]
        self.processes = {
            "gateway bench": bus.gateway,
            "gateway second": bus.another_gateway("second", second),
            "adapter": self._receiver(*adapter, str(self._ledgers["adapter"])),
            "endpoint": self._receiver("endpoint", str(hook), str(self._ledgers["endpoint"])),
        }
        try:
            async with asyncio.timeout(self.deadline):
                await asyncio.gather(*(self.processes[name].start() for name in list(self.processes)[1:]))
                made = await bus.ask("POST", "/endpoints", {"name": "nhan", "url": f"http://127.0.0.1:{hook}/hook"})
                await self.subscribing.subscribe(delivery={"kind": "webhook", "endpoint": made.json["id"]})
                await self._load()
        finally:
            for name in ("gateway second", "adapter", "endpoint"):
                await self.processes[name].stop()
            await self.subscribing.stop()

    def report(self) -> str:
        """Return what happened, in one line for each thing."""
        adapter, endpoint = self.received("adapter"), self.received("endpoint")
        return "\n".join(
            (
                f"killed {len(self.killed)} times: {Counter(one.split('@')[0] for one in self.killed)}; {self.killed}",
                f"messages: {self.messages.total} accepted in {self.messages.attempts} attempts, {adapter.repeated} repeated",
                f"senders were told {dict(self.refused)}",
                f"events: {self.events.total} accepted in {self.events.attempts} attempts, {endpoint.repeated} repeated",
            )
        )

    def received(self, name: str) -> Received:
        """Read the ledger of a receiver."""
        return Received.read(self._ledgers[name])

    def check(self) -> None:
        """Compare the ledgers: nothing lost, each key in its order, each event under one id."""
        for sent, name in ((self.messages, "adapter"), (self.events, "endpoint")):
            got = self.received(name)
            first_time = {key: list(dict.fromkeys(numbers)) for key, numbers in got.numbers.items()}
            assert first_time == {f"k{key}": list(range(self.of_each)) for key in range(self.keys)}, name
            assert first_time == dict(sent.accepted), f"what was accepted and what came: {name}"
            if name == "endpoint":
                assert all(len(ids) == 1 for ids in got.ids.values()), "a repetition has the id of the first"

    def _receiver(self, kind: str, *arguments: str) -> Process:
        command = [sys.executable, "-m", "support.fault_processes", kind, *arguments]
        return Process(command, self.folder / f"{kind}.log", {"PYTHONPATH": str(ROOT / "tests")})

    async def _load(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as self._session:
            senders = [asyncio.create_task(self._send(key)) for key in range(self.keys)]
            publishers = [asyncio.create_task(self._publish(key)) for key in range(self.keys)]
            killer = asyncio.create_task(self._kill())
            await asyncio.gather(*senders, *publishers)
            await killer
            await eventually(self._is_over, within=self.deadline, seen=self.report)
            await self._all_answered()

    def _is_over(self) -> bool:
        total = self.keys * self.of_each
        return self.received("adapter").distinct >= total and self.received("endpoint").distinct >= total

    async def _all_answered(self) -> None:
        """The bus says of each message that it was answered."""

        async def is_answered(message: str) -> bool:
            headers = {"Authorization": f"Bearer {self.bus.token('alpha')}"}
            async with self._session.get(f"{self.urls[0]}/messages/{message}", headers=headers) as answer:
                return answer.status == 200 and (await answer.json())["state"] == "answered"

        for message in self.messages.ids:

            async def answered(message: str = message) -> bool:
                return await is_answered(message)

            await eventually(answered)

    async def _send(self, key: int) -> None:
        """Call `read` asynchronously, again and again until it is accepted, then the next."""
        for number in range(self.of_each):
            headers = {
                "Authorization": f"Bearer {self.bus.token('alpha')}",
                "Lgsp-Purpose": "thu-nghiem",
                "Prefer": "respond-async",
                "Idempotency-Key": f'"message-of-key-{key}-{number:05}"',
                "Lgsp-Ordering-Key": f"k{key}",
            }
            body = {"soDinhDanh": NUMBER, "hoVaTen": f"k{key}/{number}"}
            answer = await self._until_accepted(self.messages, "/services/desk/v1/read", body, headers)
            self.messages.accepted[f"k{key}"].append(number)
            self.messages.ids.append(answer["id"])

    async def _publish(self, key: int) -> None:
        """Publish an event, again and again until it is accepted, then the next."""
        for number in range(self.of_each):
            headers = {
                "Authorization": f"Bearer {self.bus.token('provider')}",
                "ce-specversion": "1.0",
                "ce-id": f"event-{key}-{number}",
                "ce-source": "/systems/provider",
                "ce-type": f"lgsp.{SERVICE}.v1.{EVENT}",
                "ce-time": f"2026-01-01T00:00:{number % 60:02}Z",
            }
            body = {"maHoSo": f"k{key}", "can": number}
            await self._until_accepted(self.events, f"/events/{SERVICE}/v1/{EVENT}", body, headers)
            self.events.accepted[f"k{key}"].append(number)

    async def _until_accepted(
        self, sent: Sent, path: str, body: dict[str, object], headers: dict[str, str]
    ) -> dict[str, str]:
        async with asyncio.timeout(self.deadline):
            while True:
                sent.attempts += 1
                try:
                    url = self._draw.choice(self.urls)
                    async with self._session.post(url + path, json=body, headers=headers) as answer:
                        content = await answer.read()
                        if answer.status == 202:
                            return dict(json.loads(content))
                        assert answer.status in {409, 429, 500, 503}, content
                        self.refused[f"{answer.status} {json.loads(content).get('code')}"] += 1
                except (aiohttp.ClientError, TimeoutError) as error:
                    self.refused[type(error).__name__] += 1
                await asyncio.sleep(0.1)
        raise AssertionError("unreachable")

    async def _kill(self) -> None:
        """Kill something again and again, while enough is under way."""
        total = 2 * self.keys * self.of_each
        for number in range(self.kills):
            part = total * (number + 1) // (self.kills + 2)
            await eventually(lambda part=part: self._accepted >= part, within=self.deadline, seen=self.report)  # type: ignore[misc]
            with self._held_receivers():
                await eventually(lambda: self._under_way >= UNDER_WAY, within=self.deadline, seen=self.report)
                await self._kill_one(number)

    async def _kill_one(self, number: int) -> None:
        victim = self._draw.choice(VICTIMS) if self.kills > len(VICTIMS) else VICTIMS[number]
        self.killed.append(f"{victim}@{self.messages.total}+{self.events.total}, {self._under_way} under way")
        if victim == "nats":
            await self.bus.nats.kill()
            await self.bus.start_nats()
        elif victim == "connection":
            await self._kick()
        else:
            await self.processes[victim].kill()
            await self.processes[victim].start()

    @contextlib.contextmanager
    def _held_receivers(self) -> Iterator[None]:
        """Stop the receivers where they are, unless enough is under way: they may take it faster than senders send."""
        held = [self.processes[name].pid for name in ("adapter", "endpoint")] if self._under_way < UNDER_WAY else []
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in held:
                with contextlib.suppress(ProcessLookupError):  # it was the one that was killed
                    os.kill(pid, signal.SIGCONT)

    @property
    def _accepted(self) -> int:
        return self.messages.total + self.events.total

    @property
    def _under_way(self) -> int:
        return self._accepted - self.received("adapter").distinct - self.received("endpoint").distinct

    async def _kick(self) -> None:
        """End the connections by which gateways deliver."""
        system = await connect(self.bus.endpoint("system"), "test")
        reply = json.loads((await system.request("$SYS.REQ.SERVER.PING.CONNZ", b"{}", timeout=5)).data)
        delivering = [one for one in reply["data"]["connections"] if one.get("name", "").endswith(" delivery")]
        for one in delivering:
            kick = json.dumps({"cid": one["cid"]}).encode()
            await system.request(f"$SYS.REQ.SERVER.{reply['server']['id']}.KICK", kick, timeout=5)
        await system.close()
        assert delivering, "no gateway has a connection by which it delivers"
