"""Signs of life for whoever supervises a process, by the protocol of systemd (`sd_notify`): systemd itself, or `lgsp up`.

A supervisor sees the death of a process by itself. That one lives on and does nothing, it sees only when it is told regularly
that the event loop turns: `WATCHDOG=1`, as often as `WATCHDOG_USEC` asks for. `STATUS=` says which background tasks fail.
Without `NOTIFY_SOCKET` nothing is told to anybody.
"""

import contextlib
import os
import socket
from dataclasses import dataclass

from lgsp_runtime.background import Background

SOCKET = "NOTIFY_SOCKET"
MICROSECONDS = "WATCHDOG_USEC"


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who supervises this process.

    Args:
        address: a UNIX datagram socket, `@` before the name of an abstract one; nothing where nobody does.
        seconds: after how long without a sign of life it takes the process for dead; 0 where it does not.
    """

    address: str = ""
    seconds: float = 0.0

    @classmethod
    def from_environment(cls) -> "Supervisor":
        """The one that the environment names. It is not handed on to processes that this one starts."""
        microseconds = os.environ.pop(MICROSECONDS, "0")
        return cls(os.environ.pop(SOCKET, ""), int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0)

    def notify(self, **state: str) -> None:
        """Tell it something; one that is not there is not told."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto("\n".join(f"{name}={value}" for name, value in state.items()).encode(), address)

    def watch(self, background: Background) -> None:
        """Give signs of life from now on, if it wants any."""

        async def report_alive() -> None:
            failing = ", ".join(f"{name} ({error})" for name, error in background.failures().items())
            self.notify(WATCHDOG="1", STATUS=f"failing: {failing}" if failing else "")

        if self.address and self.seconds:
            background.run_every("sign of life", self.seconds / 3, report_alive, within=self.seconds)
