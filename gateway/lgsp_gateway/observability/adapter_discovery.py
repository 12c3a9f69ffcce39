"""Which adapters are on the bus and how they do: asked of all of them every few seconds by the NATS services protocol.

NATS does not say who answered. But a connection may subscribe to the announcements of the services that its system provides
alone, and reply to nothing but what it was asked. So each service in force is asked under its own name and a reply subject of
its own: what arrives there comes from a provider of that service, and counts where it speaks for the provider that the registry
has for that version (docs/decisions/018). How well a system answers remains its adapter's own word.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_contracts.names import Major, ServiceName, SystemName
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background

REFRESH_SECONDS = 5.0
ANSWER_SECONDS = 1.0
REQUESTS_AT_A_TURN = 100
PAUSE_SECONDS = 0.005
"""After so many services that are asked. Ten thousand at once, and their answers, would keep everybody waiting a tenth of a second."""
MAX_TASKS = 20
MAX_TEXT = 120
ROUND_SECONDS = 30.0
MAX_INSTANCES = 200
"""Running copies of one service that are counted; a copy is a process."""
MAX_BYTES = 64 * 1024
"""What a copy may say of itself."""
REASONS = ("unreachable", "refused", "unintelligible", "broken", "late", "resting")
"""Why a system behind did not answer; what else an adapter says is shown as `other`."""
_VERSION = re.compile(r"([1-9][0-9]{0,3})\.[0-9]{1,4}\.[0-9]{1,4}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STARTED = re.compile(r"[0-9TZ:.+-]{1,40}")


@dataclass(frozen=True, slots=True)
class AdapterInstance:
    """One running adapter, as it told of itself."""

    id: str
    service: ServiceName
    version: str
    system: SystemName
    started: str
    operations: dict[str, dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """As it is shown."""
        named = {"id": self.id, "service": self.service, "version": self.version, "system": self.system}
        return {**named, "started": self.started, "operations": self.operations}


class AdapterDiscovery:
    """The adapters on the bus at this moment."""

    def __init__(self, registry: RegistrySnapshot) -> None:
        self._registry = registry
        self.instances: list[AdapterInstance] = []
        self.updated_at = 0.0
        self._not_counted = 0
        self._round = asyncio.Lock()
        self._rounds_begun = 0
        self._last_whole_round = 0

    def start(self, connection: Client, background: Background) -> None:
        """Begin to ask."""
        self._connection = connection
        background.run_every("adapter discovery", REFRESH_SECONDS, self._refresh_if_connected, within=ROUND_SECONDS)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Service, operation and what one copy says of it."""
        for copy in self.instances:
            for name, said in copy.operations.items():
                yield copy.service, name, said

    async def _refresh_if_connected(self) -> None:
        with contextlib.suppress(NatsError, OSError):
            await self.refresh()

    async def refresh(self) -> None:
        """Ask the adapters of every service in force, and take what comes within a second.

        Rounds never overlap: two at once would keep other requests waiting twice as long. Whoever comes during a round waits for the
        next one, which all who wait share, since the round under way may have asked before the adapter they look for was there.

        Raises:
            NatsError, OSError: NATS is away.
        """
        begun_before = self._rounds_begun
        async with self._round:
            if self._last_whole_round > begun_before:
                return
            self._rounds_begun += 1
            await self._ask_all_services()
            self._last_whole_round = self._rounds_begun

    async def _ask_all_services(self) -> None:
        providers = self._registry.services.providers
        services = list(providers)
        found: dict[ServiceName, dict[str, AdapterInstance]] = {}
        not_counted = 0

        async def take(message: Msg) -> None:
            nonlocal not_counted
            if not message.data:  # nobody serves it
                return
            service = services[int(message.subject.rpartition(".")[2])]
            copy = self._copy(service, providers.get(service, {}), message.data)
            copies = found.setdefault(service, {})
            if copy is None or len(copies) >= MAX_INSTANCES:
                not_counted += 1
            else:
                copies[copy.id] = copy

        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(f"{inbox}.*", cb=take)
        try:
            for number, service in enumerate(services, 1):
                await self._connection.publish(f"$SRV.STATS.{service}", b"", reply=f"{inbox}.{number - 1}")
                if number % REQUESTS_AT_A_TURN == 0:
                    await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(ANSWER_SECONDS)
        finally:
            await answers.unsubscribe()
        if not_counted and not self._not_counted:
            structlog.get_logger().warning("adapters not counted", answers=not_counted)
        self._not_counted = not_counted
        self.instances = [copy for service in sorted(found) for _, copy in sorted(found[service].items())]
        self.updated_at = time.time()

    def _copy(self, service: ServiceName, providers: Mapping[Major, SystemName], data: bytes) -> AdapterInstance | None:
        """What a copy says of itself; None where it speaks for somebody else, or cannot be understood."""
        try:
            said = orjson.loads(data) if len(data) <= MAX_BYTES else {}
            told = said["metadata"]
            version = _VERSION.fullmatch(said["version"])
            if version is None or told.get("wire") is None or said["name"] != service:
                return None
            if not (_ID.fullmatch(said["id"]) and _STARTED.fullmatch(said["started"])):
                return None
            major = Major(int(version[1]))
            provider = providers.get(major)
            contract = self._registry.contract(service, major)
            if provider is None or told["system"] != provider or contract is None:
                return None
            operations = dict(
                map(partial(_operation, contract.operations), said["endpoints"][: len(contract.operations)])
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None
        return AdapterInstance(said["id"], service, version[0], provider, said["started"], operations)


def _operation(known: Collection[str], endpoint: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """One operation of the contract, with its counts and how the system behind it does.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    if endpoint["name"] not in known:
        raise ValueError("no operation of the contract")
    said: dict[str, Any] = {
        "requests": int(endpoint["num_requests"]),
        "averageMs": round(int(endpoint["average_processing_time"]) / 1e6, 3),
    }
    told = endpoint.get("data") or {}
    for part, read in (("upstream", _upstream), ("data", _data), ("tasks", _tasks)):
        if told.get(part):
            said[part] = read(told[part])
    return str(endpoint["name"]), said


def _data(said: Mapping[str, Any]) -> dict[str, Any]:
    """Which data it answers from, and what keeps newer data out."""
    words = {name: _printable_line(said.get(name, "")) for name in ("file", "why", "about")}
    return {**words, "since": float(said.get("since", 0)), "current": bool(said.get("current", True))}


def _tasks(said: Mapping[str, Any]) -> dict[str, str]:
    """Which of its background tasks fail, and with what error."""
    return {_printable_line(name): _printable_line(error) for name, error in list(said.items())[:MAX_TASKS]}


def _printable_line(said: Any) -> str:
    """What it says in words: a line that is printed harmless, and no longer than a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(said)[:MAX_TEXT])


def _upstream(said: Mapping[str, Any]) -> dict[str, Any]:
    failed: dict[str, int] = {}
    for why, number in said.get("failed", {}).items():
        reason = why if why in REASONS else "other"
        failed[reason] = failed.get(reason, 0) + int(number)
    last = said.get("lastReason", "")
    return {
        "up": bool(said.get("up", True)),
        "answered": int(said.get("answered", 0)),
        "failed": failed,
        "failedInARow": int(said.get("failedInARow", 0)),
        "lastAnswer": float(said.get("lastAnswer", 0)),
        "lastFailure": float(said.get("lastFailure", 0)),
        "lastReason": last if last in (*REASONS, "") else "other",
        "lastNote": _printable_line(said.get("lastNote", "")),
    }
