"""One instance of an adapter as operations know it, and the gateways' decision whether it takes calls.

An instance outlives the tokens and the changes of its manifest, so that a drained one stays drained; it ends with its process.
"""

import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog
from nats.errors import Error as NatsError

from lgsp_contracts import adapter_control
from lgsp_contracts.adapter_control import Confirmation, Control
from lgsp_contracts.names import SystemName
from lgsp_runtime.background import Background
from lgsp_runtime.nats.client import CallClient

Trials = Literal["none", "only", "also"]
"""Whether an adapter answers trials: none, only them, or them beside calls."""


@dataclass(slots=True)
class Instance:
    """One instance of an adapter.

    Args:
        id: unique among the instances of its system.
        host: the name of the machine, for people.
        drained: takes no calls, since a gateway said so.
        expirations: kind, name and end (seconds since 1970) of what ends of it and of the system behind.
        trials: `only` where its system is a sandbox beside a real one, `also` where the whole bus has sandboxes alone.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(11))
    host: str = field(default_factory=socket.gethostname)
    drained: bool = False
    trials: Trials = "none"
    expirations: list[dict[str, object]] = field(default_factory=list)


class InstanceControl:
    """Takes the decisions of gateways about an instance, over one connection.

    Args:
        follow: makes what is served what `instance.drained` says; returns how many calls are still being answered.
    """

    def __init__(
        self,
        connection: CallClient,
        system: SystemName,
        instance: Instance,
        follow: Callable[[], Awaitable[int]],
        background: Background,
    ) -> None:
        self._connection = connection
        self._subject = adapter_control.subject(system, instance.id)
        self._instance = instance
        self._follow = follow
        self._background = background
        self._revision = 0
        self._reconnects = 0

    async def start(self) -> None:
        """Take decisions from now on, until the connection is closed."""
        await self._connection.subscribe(self._subject, self._on_message)

    def _on_message(self, _subject: bytes, reply: bytes, data: bytes, _headers: bytes) -> None:
        control = adapter_control.parse(data)
        if control is not None:
            self._background.run_once("control of an adapter", self._carry_out(control, reply.decode()))

    async def _carry_out(self, control: Control, reply: str) -> None:
        if self._connection.reconnects != self._reconnects:  # to a bus that may have been restored from a backup
            self._reconnects, self._revision = self._connection.reconnects, 0
        if control.revision >= self._revision:
            self._revision = control.revision
            if control.drain != self._instance.drained:
                self._instance.drained = control.drain
                structlog.get_logger().warning("drained" if control.drain else "resumed", instance=self._instance.id)
        confirmation = Confirmation(working=await self._follow(), drained=self._instance.drained)
        if reply:
            try:
                self._connection.publish_nowait(reply, adapter_control.reply(confirmation))
            except NatsError as error:
                structlog.get_logger().warning("control not confirmed", error=type(error).__name__)
