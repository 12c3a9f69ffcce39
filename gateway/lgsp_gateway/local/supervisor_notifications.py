"""The signs of life that a child process gives, as its supervisor hears them (the protocol of `lgsp_runtime.supervision`)."""

import contextlib
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from lgsp_runtime import supervision

WATCHDOG_SECONDS = 15.0
"""What the child is told: it gives a sign three times as often."""
MAX_DATAGRAM = 4096


class SupervisorNotifications:
    """What one child says."""

    def __init__(self) -> None:
        # A path of its own: that of a state folder may be longer than the 107 bytes of a socket's address.
        self._folder = tempfile.TemporaryDirectory(prefix="lgsp-")
        self._address = str(Path(self._folder.name) / "signs")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self._address)
        self._last = time.monotonic()
        self._status = ""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment variables that a child process needs."""
        return {supervision.SOCKET: self._address, supervision.MICROSECONDS: str(int(WATCHDOG_SECONDS * 1e6))}

    def restart_clock(self) -> None:
        """Count from now on: a new process, or one that could not be heard."""
        self._last = time.monotonic()
        self._status = ""

    def receive_status(self) -> str:
        """Hear what it has datagram, and return its status where that is another than before."""
        before = self._status
        with contextlib.suppress(BlockingIOError):
            while datagram := self._socket.recv(MAX_DATAGRAM):
                self._last = time.monotonic()
                fields = dict(line.partition("=")[::2] for line in datagram.decode(errors="replace").splitlines())
                self._status = fields.get("STATUS", self._status)
        return self._status if self._status != before else ""

    def silent_for(self) -> float:
        """Return the seconds since the last sign of life."""
        return time.monotonic() - self._last

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
        self._folder.cleanup()
