"""How much room the storage of NATS has, and the reserve of it that nothing new may take.

Evidence, the registry, and the outcomes of what was accepted are written to the same storage as messages, events and files. Without room for
evidence every call of everybody stops. So what is new is refused while there is room for the rest: once less than the reserve is free, nothing more
is accepted, and once less than half of it is free, accepted messages wait, since their answers would take room too.

Servers say how much they store and may store; where a server is on this machine, the free space of its disk counts as well. Between two
measurements each gateway counts what it takes itself. Several gateways can take a second's worth of content out of the reserve before all of them
know of it.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_gateway.delivery.storage.stream_health import StreamHealth
from lgsp_problems import StorageFull
from lgsp_runtime.background import Background

RESERVE_SHARE = 0.1
MAX_SERVER_RESERVE = 8 << 30
"""Bytes; evidence of some ten million calls."""
MAX_DISK_RESERVE = 1 << 30
"""Bytes. A disk has other users too, so a share of a large one says little."""
WARNING_RESERVES = 2.0
"""Operators are warned once fewer than so many reserves are free."""
MEASURE_SECONDS = 1.0
OUTDATED_SECONDS = 10.0
"""After which a server that does not answer is taken for gone."""
RETRY_SECONDS = 60
"""After which to try again what was refused."""
DISK = "disk"
"""The name of the room on the disk of this machine; the others have those of their servers."""


@dataclass(frozen=True, slots=True)
class Room:
    """The room of one server, or of one disk, in bytes."""

    name: str
    used: int
    limit: int
    reserve: int

    @property
    def free(self) -> int:
        """Return how many bytes are not used."""
        return max(0, self.limit - self.used)


class StorageSpace:
    """The room that there is, as one gateway knows it. While nothing is known of it, nothing is refused.

    Args:
        folder: the storage of the NATS server on this machine; None where it is on another.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.unreadable: str | None = None
        """Why the free space of the folder could not be read the last time; None where it could."""
        self.streams = StreamHealth()
        self._rooms: dict[str, tuple[Room, float]] = {}
        self._taken = 0
        self._taken_before = 0
        """Bytes taken before the measurement that is under way, which counts them."""
        self._is_short = False

    async def start(self, system: Client, background: Background) -> None:
        """Measure in the background from now on.

        Args:
            system: a connection to the system account, where servers tell what they store.
        """
        await self.streams.start(system, background)
        inbox = system.new_inbox()
        await system.subscribe(inbox, cb=background.guard("storage space", self._on_server))

        async def measure() -> None:
            self._taken, self._taken_before = 0, self._taken_before + self._taken
            if system.is_connected:
                await system.publish("$SYS.REQ.SERVER.PING.JSZ", b'{"config":true}', reply=inbox)
            await self.measure_disk()

        background.run_every("storage space", MEASURE_SECONDS, measure, within=30)

    def rooms(self) -> list[Room]:
        """Return what is known now of each server, and of the disk."""
        oldest = time.monotonic() - OUTDATED_SECONDS
        return [room for room, at in self._rooms.values() if at >= oldest]

    def narrowest(self) -> Room | None:
        """Return the room that is nearest to its reserve; None while nothing is known."""
        return min(self.rooms(), key=lambda room: room.free - room.reserve, default=None)

    def take(self, size: int) -> None:
        """Count something new that is about to be stored.

        Args:
            size: in bytes.

        Raises:
            StorageFull: it would take from the reserve; then it is not counted.
        """
        self.refuse_if_short(size)
        self._taken += size

    def refuse_if_short(self, size: int = 0) -> None:
        """Refuse something new for which there is no room.

        Raises:
            StorageFull: it would take from the reserve.
        """
        if not self._leaves(size, 1.0):
            raise storage_full()

    def can_settle(self) -> bool:
        """Tell whether there is room for the answers and dead letters of accepted messages: half of the reserve is kept for the evidence."""
        return self._leaves(0, 0.5)

    def _leaves(self, size: int, reserves: float) -> bool:
        """Tell whether so many reserves are free in each room after so many bytes more."""
        taken = self._taken + self._taken_before + size
        return all(room.free - taken >= room.reserve * reserves for room in self.rooms())

    async def measure_disk(self) -> None:
        """Measure the disk of the folder, where one is named."""
        if not self.folder:
            return
        try:
            room = await asyncio.to_thread(disk_room, self.folder)
        except OSError as error:  # the check `storage` says so; what the servers tell is still measured
            self.unreadable = error.strerror or type(error).__name__
            return
        self.unreadable = None
        self._measured(room)

    async def _on_server(self, message: Msg) -> None:
        answer = orjson.loads(message.data)
        data, name = answer.get("data") or {}, answer.get("server", {}).get("name", "?")
        limit = (data.get("config") or {}).get("max_storage", 0)
        if limit > 0:
            self._measured(_room(name, data.get("storage", 0), limit, MAX_SERVER_RESERVE))

    def _measured(self, room: Room) -> None:
        self._rooms[room.name] = (room, time.monotonic())
        self._taken_before = 0
        is_short = not self._leaves(0, 1.0)
        if is_short == self._is_short:
            return
        self._is_short = is_short
        log = structlog.get_logger().bind(room=room.name, free_bytes=room.free, reserve_bytes=room.reserve)
        if is_short:
            log.error("storage almost full, nothing new is accepted")
        else:
            log.info("storage has room again")


def disk_room(folder: Path) -> Room:
    """Return the room on the disk of a folder.

    Raises:
        OSError: it cannot be read.
    """
    disk = shutil.disk_usage(folder)
    return _room(DISK, disk.total - disk.free, disk.total, MAX_DISK_RESERVE)


def _room(name: str, used: int, limit: int, max_reserve: int) -> Room:
    return Room(name, used, limit, min(int(limit * RESERVE_SHARE), max_reserve))


def storage_full() -> StorageFull:
    """Return the refusal of something new while the storage is almost full."""
    return StorageFull(
        vi="Kho lưu của trục gần đầy nên trục chưa nhận thêm nội dung mới; hãy gửi lại sau, và báo đơn vị vận hành trục nếu vẫn bị từ chối.",
        en="The storage of the bus is almost full, so it takes nothing new; send this again later, and tell the operator of the bus if it is still refused.",
        retry_after=RETRY_SECONDS,
    )
