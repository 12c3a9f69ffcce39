"""A NATS server with TLS alone, as `lgsp nats config` configures it."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from support.authority import Authority
from support.preloaded import run
from support.processes import Process, free_port
from support.waits import eventually


class TlsNats:
    """A NATS server; `names` are those of its certificate."""

    def __init__(self, folder: Path, names: Sequence[x509.GeneralName]) -> None:
        self.authority = Authority(folder)
        self.port = free_port()
        self.passwords = folder / "nats/passwords"
        self._folder = folder
        self._pair = self.authority.write("nats", names=names)

    async def start(self) -> Process:
        address = (
            "--listen",
            f"127.0.0.1:{self.port}",
            "--store",
            str(self._folder / "store"),
            "--max-storage",
            "1GiB",
        )
        cert, key = map(str, self._pair)
        tls = ("--tls-cert", cert, "--tls-key", key)
        nats = self._folder / "nats"
        code, _, err = await run(
            *("nats", "config", "nats-1", "--to", str(nats), "--keys", str(self._folder / "keys"), *address, *tls)
        )
        assert code == 0, err
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        process = Process([binary, "-c", str(nats / "nats-1.conf")], self._folder / "nats.log")
        await process.start(wait_ready=False)
        await eventually(lambda: "Server is ready" in process.log.read_text())
        return process
