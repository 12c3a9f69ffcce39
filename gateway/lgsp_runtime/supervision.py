"""Keep-alive notifications to the supervisor of a process, by the protocol of systemd (`sd_notify`): systemd itself, or `lgsp up`.

A supervisor notices by itself that a process ended. That one runs and does nothing, it notices only where it is notified regularly
that the event loop runs: `WATCHDOG=1`, as often as `WATCHDOG_USEC` demands. `STATUS=` says which background tasks fail.
Without `NOTIFY_SOCKET` nothing is sent. In a container nobody listens there: `LGSP_HEARTBEAT` names a file instead, which is touched as
long as the event loop runs, and whose age `lgsp health` judges.
"""

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from lgsp_runtime.background import Background

SOCKET = "NOTIFY_SOCKET"
MICROSECONDS = "WATCHDOG_USEC"
HEARTBEAT = "LGSP_HEARTBEAT"

HEARTBEAT_SECONDS = 5.0
"""How often the file of the heartbeat is touched."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisor of this process.

    Args:
        address: a UNIX datagram socket, `@` before the name of an abstract one; empty where there is no supervisor.
        seconds: without a keep-alive, after which it kills the process; 0 where it does not.
        heartbeat: a file that is touched while the process is alive; None for none.
    """

    address: str = ""
    seconds: float = 0.0
    heartbeat: Path | None = None

    @classmethod
    def from_environment(cls) -> "Supervisor":
        """Return the supervisor that the environment names, and remove it from the environment of processes that this one starts."""
        microseconds = os.environ.pop(MICROSECONDS, "0")
        seconds, file = int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0, os.environ.pop(HEARTBEAT, "")
        return cls(os.environ.pop(SOCKET, ""), seconds, Path(file) if file else None)

    def notify(self, **state: str) -> None:
        """Send it a state, such as `READY="1"`; where there is no supervisor, do nothing."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(f"{name}={value}" for name, value in state.items()).encode(), address)

    def watch(self, background: Background) -> None:
        """Send keep-alives from now on, where it demands them."""

        async def report_alive() -> None:
            failing = ", ".join(f"{name} ({error})" for name, error in background.failures().items())
            self.notify(WATCHDOG="1", STATUS=f"failing: {failing}" if failing else "")

        async def touch_heartbeat() -> None:
            if self.heartbeat:
                self.heartbeat.touch()

        if self.heartbeat:
            background.run_every("heartbeat", HEARTBEAT_SECONDS, touch_heartbeat, within=HEARTBEAT_SECONDS)
        if self.address and self.seconds:
            background.run_every("sign of life", self.seconds / 3, report_alive, within=self.seconds)
