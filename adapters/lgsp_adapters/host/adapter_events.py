"""The events of one hosted adapter: what it publishes by itself, and the watches that its manifest declares."""

from collections.abc import Mapping
from functools import partial

from lgsp_adapters.adapter import Adapter
from lgsp_adapters.host.event_publisher import NatsEventPublisher
from lgsp_adapters.host.event_watch import EventWatch
from lgsp_adapters.host.instance import Instance
from lgsp_adapters.host.watch_states import WatchStates
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.contract import Contract
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.nats.client import CallClient


class AdapterEvents:
    """The publisher and the watches of an adapter whose contract has events. Made before the adapter is opened.

    Args:
        instance: while it is drained, it watches nothing.
    """

    def __init__(self, adapter: Adapter, manifest: Manifest, contract: Contract, instance: Instance) -> None:
        self._instance = instance
        self._publisher = NatsEventPublisher(manifest.system, contract)
        adapter.publish_events_with(self._publisher)
        self._service = manifest.service
        self._states = WatchStates(manifest.system)
        self._watches = {
            event: EventWatch(event, source, contract, self._publisher, self._states)
            for event, source in adapter.event_sources().items()
        }
        self._tasks: list[Task] = []

    async def connect(self, connection: CallClient) -> None:
        """Publish over this connection from now on.

        Raises:
            nats.errors.Error: the connection is gone.
        """
        await self._publisher.connect(connection)
        if self._watches:
            await self._states.connect(connection)

    def disconnect(self, connection: CallClient) -> None:
        """Use a connection no more."""
        self._publisher.disconnect(connection)
        self._states.disconnect(connection)

    def start(self, background: Background) -> None:
        """Begin to watch."""
        self._tasks = [
            background.run_every(
                f"watch for {self._service} {event}", watch.pause, partial(self._look, watch), within=None
            )
            for event, watch in self._watches.items()
        ]

    async def stop(self) -> None:
        """Stop watching, and let another copy go on."""
        for task in self._tasks:
            await task.stop()
        for watch in self._watches.values():
            await watch.stop()

    async def rest(self) -> None:
        """Watch nothing while the instance is drained, and let another copy go on."""
        for watch in self._watches.values():
            await watch.rest()

    async def _look(self, watch: EventWatch) -> None:
        await (watch.rest() if self._instance.drained else watch.look())

    def watches(self) -> Mapping[str, object]:
        """Return the state of each watch, by its event, for the health of the adapter."""
        return {event: watch.status.document() for event, watch in self._watches.items()}
