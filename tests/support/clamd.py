"""A real clamd from Debian, with a signature file of its own for the EICAR text: no freshclam, no network."""

import shutil
from pathlib import Path

from support.filings import EICAR
from support.processes import Process, apt_install
from support.waits import eventually

STREAM_MAX_MIB = 4


class Clamd:
    """One clamd.

    Args:
        folder: for its socket, signatures and log; its path is short, since that of a socket has a limit.
    """

    def __init__(self, folder: Path) -> None:
        if not shutil.which("clamd"):
            apt_install("clamav-daemon")
        binary = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
        assert binary, "clamd is missing; apt-get install clamav-daemon"
        self.socket = folder / "clamd.sock"
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "eicar.ndb").write_text(f"Test.EICAR:0:*:{EICAR.hex()}\n")
        config = folder / "clamd.conf"
        config.write_text(
            f"Foreground yes\nLocalSocket {self.socket}\nDatabaseDirectory {signatures}\n"
            f"StreamMaxLength {STREAM_MAX_MIB}M\nUser root\nLogTime yes\n"
        )
        self.address = f"unix:{self.socket}"
        self._process = Process([binary, "--config-file", str(config)], folder / "clamd.log")

    async def start(self) -> "Clamd":
        """Start it, and wait until it listens."""
        await self._process.start(wait_ready=False)
        await eventually(self.socket.exists, seen=self._process.log.read_text)
        return self

    async def stop(self) -> None:
        """End it at once."""
        await self._process.kill()
        self.socket.unlink(missing_ok=True)
