"""Which streams a NATS server cannot write any more, and which it lags behind in, as the server itself says.

A server whose disk was full does not write a stream again on which a write has failed, also when its disk has room again, until it is restarted
(nats-server 2.15). Neither the free space nor the server's usage tells of that. In a cluster a server also says of each stream
whose leader it does not know, or whose messages it has yet to receive, that it is not current: for some seconds after a leader is lost.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_runtime.background import Background

ASK_SECONDS = 5.0
OUTDATED_SECONDS = 20.0
"""After which a server that does not answer is taken for gone."""
BEHIND_SECONDS = 60.0
"""For which a server may lag behind in a stream before that is reported: a leader is found in ten, and a restarted server catches up."""
_STREAM = "STREAM"
_WRITE_ERROR = " write error: "
"""What the server's text has where a write failed: the error has no code. `tests/faults/test_full_disk.py` compares it with the real server."""

Streams = dict[str, list[str]]
"""Names of streams, by the name of the server."""


class StreamHealth:
    """The streams that servers report, as one gateway knows them."""

    def __init__(self) -> None:
        self._unwritable: dict[str, list[str]] = {}
        self._behind_since: dict[str, dict[str, float]] = {}
        self._heard_at: dict[str, float] = {}

    async def start(self, system: Client, background: Background) -> None:
        """Ask in the background from now on.

        Args:
            system: a connection to the system account.
        """
        inbox = system.new_inbox()
        await system.subscribe(inbox, cb=background.guard("health of streams", self._on_server))

        async def ask() -> None:
            if system.is_connected:
                await system.publish("$SYS.REQ.SERVER.PING.HEALTHZ", b'{"details":true}', reply=inbox)

        background.run_every("health of streams", ASK_SECONDS, ask, within=30)

    def unwritable(self) -> Streams:
        """Return the streams on which a write has failed; without servers where there is none."""
        return {server: self._unwritable[server] for server in self._heard_lately() if self._unwritable[server]}

    def behind(self) -> Streams:
        """Return the streams in which a server has lagged behind for `BEHIND_SECONDS`; without servers where there is none."""
        before = time.monotonic() - BEHIND_SECONDS
        late = {
            server: sorted(stream for stream, since in self._behind_since[server].items() if since <= before)
            for server in self._heard_lately()
        }
        return {server: streams for server, streams in late.items() if streams}

    def note(self, server: str, errors: Iterable[Mapping[str, Any]]) -> None:
        """Remember what a server reports now.

        Args:
            errors: of its health, as `HEALTHZ` with details lists them.
        """
        now, since = time.monotonic(), self._behind_since.get(server, {})
        of_streams = [error for error in errors if error.get("type") == _STREAM]
        failed = {error.get("stream", "?") for error in of_streams if _WRITE_ERROR in error.get("error", "")}
        behind = {error.get("stream", "?") for error in of_streams} - failed
        self._unwritable[server] = sorted(failed)
        self._behind_since[server] = {stream: since.get(stream, now) for stream in behind}
        self._heard_at[server] = now

    def _heard_lately(self) -> list[str]:
        oldest = time.monotonic() - OUTDATED_SECONDS
        return sorted(server for server, at in self._heard_at.items() if at >= oldest)

    async def _on_server(self, message: Msg) -> None:
        answer = orjson.loads(message.data)
        self.note(answer.get("server", {}).get("name", "?"), (answer.get("data") or {}).get("errors") or [])
