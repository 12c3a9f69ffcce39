"""Ends the NATS connections whose user may not be what it is any more: a contract is no longer in force or has another provider, the
system's tokens were ended, or the key that signed its token was removed.

A connection keeps the permissions that it was given. So after each change of a system, a service or a key, and every half minute, the
servers are asked who is connected (`CONNZ`). The name of a user says what it may do, whichever gateway let it in and whether
that gateway still runs. Who may do something else now is closed by its server, and comes back with what it may do now.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from lgsp_contracts.names import SystemName
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.nats.auth_callout import ACCOUNT, nats_user_name, split_key, system_of_user
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal
from lgsp_runtime.background import Background

CHECK_SECONDS = 30.0
RECHECK_SECONDS = 0.5
"""After a change it is looked again and again for `RECHECK_PERIOD_SECONDS`: a connection may be on its way in with the rights of before."""
RECHECK_PERIOD_SECONDS = 4.0
ANSWER_SECONDS = 0.3
ROUND_SECONDS = 30.0
PAGE_SIZE = 1_000


class ConnectionRights:
    """Ends connections that may do what their system may not do now, or not by this key.

    Args:
        connection: in the system account.
        in_step: tells whether the registry is known to be up to date. Nothing is ended by an old one.
        keys: tells whose key has gone.
    """

    def __init__(
        self, connection: Client, registry: RegistrySnapshot, in_step: Callable[[], bool], keys: RemovedKeys
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._in_step = in_step
        self._check_until = 0.0
        self._last_check = -CHECK_SECONDS
        self._keys = keys
        registry.on_change(self._note_change)
        keys.on_removed(lambda _, __: self._check_soon())

    def start(self, background: Background) -> None:
        """Look now and then, from now on."""
        background.run_every("nats connection rights", RECHECK_SECONDS, self._check_if_due, within=ROUND_SECONDS)

    def _note_change(self, kind: str, _: str) -> None:
        if kind in ("System", "Service"):
            self._check_soon()

    def _check_soon(self) -> None:
        self._check_until = time.monotonic() + RECHECK_PERIOD_SECONDS

    async def _check_if_due(self) -> None:
        now = time.monotonic()
        if self._in_step() and (now < self._check_until or now - self._last_check > CHECK_SECONDS):
            with contextlib.suppress(NatsError, OSError):
                await self.check()
                self._last_check = now

    async def check(self) -> None:
        """End every connection whose user is not what its system would be now.

        Raises:
            NatsError: the connection to the system account is gone.
        """
        users: dict[SystemName, str] = {}
        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(inbox)
        try:
            await self._connection.publish("$SYS.REQ.SERVER.PING.CONNZ", _page(0), reply=inbox)
            while True:
                try:
                    answer = orjson.loads((await answers.next_msg(timeout=ANSWER_SECONDS)).data)
                except NatsTimeoutError:
                    return
                server, page = answer["server"]["id"], answer.get("data", {})
                end = page.get("offset", 0) + PAGE_SIZE
                if end < page.get("total", 0):
                    await self._connection.publish(f"$SYS.REQ.SERVER.{server}.CONNZ", _page(end), reply=inbox)
                for connection in page.get("connections") or ():
                    await self._end_where_changed(server, connection, users)
        finally:
            await answers.unsubscribe()

    async def _end_where_changed(self, server: str, connection: dict[str, Any], users: dict[SystemName, str]) -> None:
        user = str(connection.get("authorized_user", ""))
        system = system_of_user(user)
        if not system:
            return
        if system not in users:
            users[system] = self._user_of(system)
        name, key = split_key(user)
        if users[system] != name or await self._keys.has_ended(key):
            structlog.get_logger().info(
                "nats connection ended",
                system=system,
                reason="what it may do has changed, its tokens ended, or their key was removed",
            )
            cid = orjson.dumps({"cid": connection["cid"]})
            # A server does nothing on a request without a reply subject (nats-server 2.15).
            await self._connection.publish(f"$SYS.REQ.SERVER.{server}.KICK", cid, reply=self._connection.new_inbox())

    def _user_of(self, system: SystemName) -> str:
        try:
            return nats_user_name(self._registry, system)
        except Refusal:  # it is registered no more
            return ""


def _page(offset: int) -> bytes:
    return orjson.dumps({"acc": ACCOUNT, "auth": True, "offset": offset, "limit": PAGE_SIZE})
