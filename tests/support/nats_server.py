"""A nats-server by itself: one of a cluster, or alone."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.processes import Process, free_port

PASSWORD = "thu-nghiem"


class NatsServer:
    """One server, with a user of an account and one of the system account."""

    def __init__(self, folder: Path, name: str = "a", **more: Any) -> None:
        self.port = free_port()
        self.cluster_port = free_port()
        self.folder = folder
        self.name = name
        self.more = more

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self, routes: Sequence["NatsServer"] = ()) -> "NatsServer":
        """Start it, and return when it listens."""
        config = {
            "server_name": self.name,
            "host": "127.0.0.1",
            "port": self.port,
            "max_payload": 4 * 1024 * 1024,
            "accounts": {
                "LGSP": {"users": [{"user": "u", "password": PASSWORD}, self._limited()]},
                "SYS": {"users": [{"user": "system", "password": PASSWORD}]},
            },
            "system_account": "SYS",
            **self.more,
        }
        if routes:
            to = [f"nats://127.0.0.1:{other.cluster_port}" for other in routes]
            config["cluster"] = {"name": "c", "host": "127.0.0.1", "port": self.cluster_port, "routes": to}
        path = self.folder / f"{self.name}.conf"
        path.write_text(json.dumps(config))
        binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert binary
        self.process = Process([binary, "-c", str(path)], self.folder / f"{self.name}.log")
        await self.again()
        return self

    async def again(self) -> None:
        """Start it anew, as it was."""
        await self.process.start(wait_ready=False)
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return

    @staticmethod
    def _limited() -> dict[str, Any]:
        return {"user": "limited", "password": PASSWORD, "permissions": {"subscribe": "a.>", "publish": "b.>"}}
