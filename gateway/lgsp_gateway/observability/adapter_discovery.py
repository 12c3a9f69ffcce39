"""Discovers the adapters on the bus and their status, every few seconds, by the NATS services protocol.

NATS does not tell who answered. But an adapter may subscribe only to the requests for services that its system provides, and may
reply only to what it was asked. So each service in force is asked under its own name, with a reply subject of its own: an answer
there comes from a provider of that service, and is accepted if it names the provider that the registry has for that version
(docs/decisions/018). The status of the upstream system is what its adapter reports; nobody verifies it.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_contracts import adapter_control, wire
from lgsp_contracts.names import Major, ServiceName, SystemName
from lgsp_contracts.provider_limit import ProviderLimit
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background

REFRESH_SECONDS = 5.0
ANSWER_SECONDS = 1.0
REQUESTS_PER_TURN = 100
PAUSE_SECONDS = 0.005
"""After so many requests. Ten thousand at once, and their answers, would block the event loop for a tenth of a second."""
MAX_TASKS = 20
"""Failing background tasks that are shown of one operation."""
MAX_ENDS = 20
"""Things that end which are shown of one instance."""
MAX_TEXT = 300
"""Characters that are shown of a text of an adapter. A fault begins with the path of its manifest, and what is wrong comes last."""
MAX_NAME = 63
"""Characters that are shown of a name of an adapter's own choice, such as its machine."""
ROUND_SECONDS = 30.0
MAX_INSTANCES = 200
"""Instances of one service that are counted; an instance is a running process."""
MAX_BYTES = 64 * 1024
"""Bytes of an answer; longer ones are not counted."""
REASONS = ("unreachable", "refused", "unintelligible", "broken", "late", "resting", "limited", "uncounted")
"""Why an upstream system did not answer; any other reason that an adapter reports is shown as `other`."""
WATCH_STATES = ("starting", "watching", "standby", "failing")
_VERSION = re.compile(r"([1-9][0-9]{0,3})\.[0-9]{1,4}\.[0-9]{1,4}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[a-z0-9-]{1,63}")
_STARTED = re.compile(r"[0-9TZ:.+-]{1,40}")


@dataclass(frozen=True, slots=True)
class AdapterInstance:
    """One running adapter, as it describes itself.

    Args:
        wire: the version of the wire protocol that it announces.
        operations: the status of each operation, by name.
        events: the status of each event that it watches for.
        status: of the instance itself; empty of one that announces none (before wire 1.2).
    """

    id: str
    service: ServiceName
    version: str
    system: SystemName
    started: str
    wire: str
    operations: dict[str, dict[str, Any]]
    events: dict[str, dict[str, Any]]
    status: dict[str, Any]

    @property
    def key(self) -> str:
        """Return what identifies it among the instances of all systems: `SYSTEM.ID`."""
        return f"{self.system}.{self.id}"

    @property
    def can_be_drained(self) -> bool:
        """Tell whether it listens to what gateways tell it."""
        version = wire.parse_version(self.wire)
        return version is not None and version >= adapter_control.SINCE

    def reports_drained(self) -> bool:
        """Tell whether it reports that it takes no calls."""
        return bool(self.status.get("drained"))

    def document(self) -> dict[str, Any]:
        """Return the instance as `GET /ops/adapters` shows it."""
        return {
            "id": self.id,
            "service": self.service,
            "version": self.version,
            "system": self.system,
            "started": self.started,
            "wire": self.wire,
            "operations": self.operations,
            **({"events": self.events} if self.events else {}),
            **({"instance": self.status} if self.status else {}),
        }


class Drains(Protocol):
    """Which instances are to take no calls."""

    def is_drained(self, instance: AdapterInstance) -> bool:
        """Tell whether an instance is to take no calls, or reports that it takes none."""

    async def follow(self, instances: Collection[AdapterInstance]) -> None:
        """Have what was decided about the instances of a round carried out."""


class AdapterDiscovery:
    """The adapters on the bus: `instances` as of `updated_at` (seconds since 1970; 0 before the first round).

    Args:
        drains: has decisions about instances carried out after each round; None where nobody decides.
    """

    def __init__(self, registry: RegistrySnapshot, drains: "Drains | None" = None) -> None:
        self._registry = registry
        self.instances: list[AdapterInstance] = []
        self.updated_at = 0.0
        self._not_counted = 0
        self._round = asyncio.Lock()
        self._rounds_begun = 0
        self._last_finished_round = 0
        self._finished = asyncio.Event()
        self._drains = drains

    def is_drained(self, instance: AdapterInstance) -> bool:
        """Tell whether an instance takes no calls, by decision or as it reports."""
        return self._drains.is_drained(instance) if self._drains else instance.reports_drained()

    async def next_round(self) -> None:
        """Wait until a round has finished that may have begun before."""
        await self._finished.wait()

    def start(self, connection: Client, background: Background) -> None:
        """Discover adapters in the background from now on, every `REFRESH_SECONDS`."""
        self._connection = connection
        background.run_every("adapter discovery", REFRESH_SECONDS, self._refresh_if_connected, within=ROUND_SECONDS)

    def update(self, instance: AdapterInstance, status: Mapping[str, Any]) -> AdapterInstance:
        """Take over what an instance has just confirmed of itself, before the next round tells it."""
        changed = replace(instance, status={**instance.status, **status})
        self.instances = [changed if one.key == instance.key else one for one in self.instances]
        return changed

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield service, operation and status for each operation of each instance."""
        for instance in self.instances:
            for name, status in instance.operations.items():
                yield instance.service, name, status

    def watches(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield service, event and status for each event that an instance watches for."""
        for instance in self.instances:
            for name, status in instance.events.items():
                yield instance.service, name, status

    async def _refresh_if_connected(self) -> None:
        with contextlib.suppress(NatsError, OSError):
            await self.refresh()

    async def refresh(self) -> None:
        """Ask the adapters of every service in force, and collect the answers of one second.

        Rounds never overlap, since two at once would block the event loop twice as long. A call during a round waits for the
        next one, which all such calls share: the adapter that is looked for may have come after the requests of this round.

        Raises:
            NatsError, OSError: NATS cannot be reached.
        """
        begun_before = self._rounds_begun
        async with self._round:
            if self._last_finished_round > begun_before:
                return
            self._rounds_begun += 1
            await self._ask_all_services()
            self._last_finished_round = self._rounds_begun
        finished, self._finished = self._finished, asyncio.Event()
        finished.set()
        if self._drains:
            await self._drains.follow(self.instances)

    async def _ask_all_services(self) -> None:
        providers = self._registry.services.providers
        services = list(providers)
        instances: dict[ServiceName, dict[str, AdapterInstance]] = {}
        not_counted = 0

        async def count_answer(message: Msg) -> None:
            nonlocal not_counted
            if not message.data:  # NATS answers that nobody serves it
                return
            service = services[int(message.subject.rpartition(".")[2])]
            instance = self._instance(service, providers.get(service, {}), message.data)
            of_service = instances.setdefault(service, {})
            if instance is None or len(of_service) >= MAX_INSTANCES:
                not_counted += 1
            else:
                of_service[instance.id] = instance

        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(f"{inbox}.*", cb=count_answer)
        try:
            for number, service in enumerate(services, 1):
                await self._connection.publish(f"$SRV.STATS.{service}", b"", reply=f"{inbox}.{number - 1}")
                if number % REQUESTS_PER_TURN == 0:
                    await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(ANSWER_SECONDS)
        finally:
            await answers.unsubscribe()
        if not_counted and not self._not_counted:
            structlog.get_logger().warning("adapters not counted", answers=not_counted)
        self._not_counted = not_counted
        self.instances = [one for service in sorted(instances) for _, one in sorted(instances[service].items())]
        self.updated_at = time.time()

    def _instance(
        self, service: ServiceName, providers: Mapping[Major, SystemName], data: bytes
    ) -> AdapterInstance | None:
        """Read the answer of an instance of a service.

        Returns None where the answer is malformed, or where the registry has another provider for the version that it names.
        """
        try:
            stats = orjson.loads(data) if len(data) <= MAX_BYTES else {}
            metadata = stats["metadata"]
            version = _VERSION.fullmatch(stats["version"])
            if version is None or metadata.get("wire") is None or stats["name"] != service:
                return None
            if not (_ID.fullmatch(stats["id"]) and _STARTED.fullmatch(stats["started"])):
                return None
            major = Major(int(version[1]))
            provider = providers.get(major)
            contract = self._registry.contract(service, major)
            if provider is None or metadata["system"] != provider or contract is None:
                return None
            endpoints = stats["endpoints"][: len(contract.operations)]
            operations = dict(map(partial(_operation_status, contract.operations), endpoints))
            watched = stats["endpoints"][len(contract.operations) :][: len(contract.events)]
            events = dict(map(partial(_watch_status, contract.events), watched))
            status = _instance_status(stats["instance"]) if stats.get("instance") else {}
            wire_version = str(metadata["wire"])
            if not wire.parse_version(wire_version):
                return None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None
        return AdapterInstance(
            stats["id"], service, version[0], provider, stats["started"], wire_version, operations, events, status
        )


def _instance_status(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an instance reports of itself: its connector and machine, its load, its circuit breaker, the limit of its provider.

    Raises:
        ValueError, KeyError, TypeError: it is malformed.
    """
    circuit = reported["circuit"]
    status: dict[str, Any] = {
        "connector": _printable_line(reported["connector"])[:MAX_NAME],
        "host": _printable_line(reported["host"])[:MAX_NAME],
        "drained": bool(reported["drained"]),
        **{name: int(reported[name]) for name in ("concurrency", "working", "waiting")},
        "circuit": {"open": bool(circuit["open"]), "since": float(circuit["since"])},
    }
    if ends := reported.get("expirations"):
        status["expirations"] = [Expiration.parse(one).document() for one in ends[:MAX_ENDS]]
    if limit := reported.get("providerLimit"):
        name = limit.get("name", "default")
        if not _NAME.fullmatch(name):
            raise ValueError("not a name of a limit")
        status["providerLimit"] = {"name": name, **ProviderLimit.from_document(limit).document()}
    return status


def _operation_status(operations: Collection[str], endpoint: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and the status of an operation of the contract: counts, the upstream system, data, background tasks.

    Raises:
        ValueError, KeyError, TypeError: the endpoint is malformed, or not an operation of the contract.
    """
    if endpoint["name"] not in operations:
        raise ValueError("not an operation of the contract")
    status: dict[str, Any] = {
        "requests": int(endpoint["num_requests"]),
        "averageMs": round(int(endpoint["average_processing_time"]) / 1e6, 3),
    }
    reported = endpoint.get("data") or {}
    for part, read in (
        ("upstream", _upstream_status),
        ("data", _data_status),
        ("setAside", _set_aside_status),
        ("tasks", _failing_tasks),
    ):
        if reported.get(part):
            status[part] = read(reported[part])
    return str(endpoint["name"]), status


def _watch_status(events: Collection[str], endpoint: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and the status of an event of the contract that is watched for.

    Raises:
        ValueError, KeyError, TypeError: the endpoint is malformed, or not an event of the contract.
    """
    watch = (endpoint.get("data") or {})["watch"]
    if endpoint["name"] not in events or watch["state"] not in WATCH_STATES:
        raise ValueError("not an event of the contract")
    return str(endpoint["name"]), {
        "state": watch["state"],
        "published": int(watch["published"]),
        "changed": int(watch.get("changed", 0)),
        "lastEvent": float(watch["lastEvent"]),
        "lastRead": float(watch["lastRead"]),
        "nextLook": float(watch.get("nextLook", 0)),
        "reason": _printable_line(watch["reason"]),
        "held": int(watch["held"]),
        "faults": [
            {"event": _printable_line(fault["event"]), "fault": _printable_line(fault["fault"])}
            for fault in watch["faults"][:MAX_TASKS]
        ],
    }


def _data_status(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return which file the adapter answers from, how many of its rows an operation can never find, and why it does not use newer data."""
    texts = {name: _printable_line(data.get(name, "")) for name in ("file", "why", "about")}
    without_key = {"withoutKey": max(map(int, data["withoutKey"].values()))} if data.get("withoutKey") else {}
    faults = [_printable_line(fault) for fault in data.get("report", ())[:MAX_TASKS]]
    return {
        **texts,
        "since": float(data.get("since", 0)),
        "current": bool(data.get("current", True)),
        **without_key,
        **({"report": faults} if faults else {}),
    }


def _set_aside_status(aside: Mapping[str, Any]) -> dict[str, Any]:
    """Return how much the adapter could not deliver and has set aside, since when, and why."""
    return {"count": int(aside["count"]), "since": float(aside["since"]), "reason": _printable_line(aside["reason"])}


def _failing_tasks(tasks: Mapping[str, Any]) -> dict[str, str]:
    """Return which background tasks of the adapter fail, with their errors."""
    return {_printable_line(name): _printable_line(error) for name, error in list(tasks.items())[:MAX_TASKS]}


def _printable_line(text: Any) -> str:
    """Return a text of an adapter shortened to a line, its control characters replaced, so that it is safe to print."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text)[:MAX_TEXT])


def _upstream_status(upstream: Mapping[str, Any]) -> dict[str, Any]:
    failed: dict[str, int] = {}
    for sent_reason, number in upstream.get("failed", {}).items():
        reason = sent_reason if sent_reason in REASONS else "other"
        failed[reason] = failed.get(reason, 0) + int(number)
    last_reason = upstream.get("lastReason", "")
    return {
        "up": bool(upstream.get("up", True)),
        "answered": int(upstream.get("answered", 0)),
        "failed": failed,
        "failedInARow": int(upstream.get("failedInARow", 0)),
        "lastAnswer": float(upstream.get("lastAnswer", 0)),
        "lastFailure": float(upstream.get("lastFailure", 0)),
        "lastReason": last_reason if last_reason in (*REASONS, "") else "other",
        "lastNote": _printable_line(upstream.get("lastNote", "")),
        **{name: float(upstream[name]) for name in ("p50Ms", "p95Ms") if name in upstream},
    }
