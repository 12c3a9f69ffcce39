"""Announces a service by the NATS services protocol (ADR-32): answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`.

`nats service list` and the gateway's adapter discovery ask it. It answers on the connection that carries the calls, so a copy that
announces itself is one that can be called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from lgsp_runtime.nats.client import CallClient, Subscription

TYPES = "io.nats.micro.v1"


@dataclass(slots=True)
class Endpoint:
    """One operation, and how often it was answered."""

    name: str
    subject: str
    queue: str
    requests: int = 0
    nanoseconds: int = 0

    def count(self, nanoseconds: int) -> None:
        """Count a request that took so long."""
        self.requests += 1
        self.nanoseconds += nanoseconds

    def info(self) -> dict[str, Any]:
        """Return what `$SRV.INFO` tells of it."""
        return {"name": self.name, "subject": self.subject, "queue_group": self.queue, "metadata": {}}

    def stats(self, data: Mapping[str, object]) -> dict[str, Any]:
        """Return what `$SRV.STATS` tells of it.

        Args:
            data: what the service adds of its own.
        """
        return {
            "name": self.name,
            "subject": self.subject,
            "queue_group": self.queue,
            "num_requests": self.requests,
            "num_errors": 0,
            "last_error": "",
            "processing_time": self.nanoseconds,
            "average_processing_time": self.nanoseconds // self.requests if self.requests else 0,
            "data": data,
        }


@dataclass(frozen=True, slots=True)
class Description:
    """What a service says of itself."""

    name: str
    version: str
    text: str
    metadata: Mapping[str, str]


class ServiceAnnouncement:
    """One copy of a service, as it is announced.

    Args:
        standing: what `$SRV.STATS` adds to an operation.
        instance: the id of the copy.
        status: what `$SRV.STATS` tells of the copy itself.
    """

    def __init__(
        self,
        client: CallClient,
        description: Description,
        endpoints: Sequence[Endpoint],
        standing: Callable[[str], Mapping[str, object]],
        instance: str,
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._client = client
        self._description = description
        self._endpoints = endpoints
        self._standing = standing
        self._id = instance
        self._status = status
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._subscriptions: list[Subscription] = []

    async def start(self) -> None:
        """Answer from now on: whoever asks all services, those of this name, or this copy."""
        answers = {"PING": self._ping, "INFO": self._info, "STATS": self._stats}
        name = self._description.name
        for verb, document in answers.items():
            for subject in (f"$SRV.{verb}", f"$SRV.{verb}.{name}", f"$SRV.{verb}.{name}.{self._id}"):
                take = partial(self._answer, document)
                self._subscriptions.append(await self._client.subscribe(subject, take))

    async def stop(self) -> None:
        """Answer no more."""
        await self._client.drain(*self._subscriptions)

    def _answer(
        self, document: Callable[[], Any], _subject: bytes, reply: bytes, _data: bytes, _headers: bytes
    ) -> None:
        if reply:
            self._client.publish_nowait(reply.decode(), orjson.dumps(document()))

    def _of(self, kind: str) -> dict[str, Any]:
        service = self._description
        named = {"name": service.name, "id": self._id, "version": service.version, "metadata": service.metadata}
        return {"type": f"{TYPES}.{kind}_response", **named}

    def _ping(self) -> dict[str, Any]:
        return self._of("ping")

    def _info(self) -> dict[str, Any]:
        endpoints = [endpoint.info() for endpoint in self._endpoints]
        return {**self._of("info"), "description": self._description.text, "endpoints": endpoints}

    def _stats(self) -> dict[str, Any]:
        endpoints = [endpoint.stats(self._standing(endpoint.name)) for endpoint in self._endpoints]
        return {**self._of("stats"), "started": self._started, "instance": self._status(), "endpoints": endpoints}
