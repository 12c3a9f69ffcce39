"""The connection of a process to NATS: made patiently, kept for ever, and its ups and downs in the log."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from nats.errors import Error as NatsError

from lgsp_problems import Refusal
from lgsp_process.quick_nats import QuickClient

Hook = Callable[[], Awaitable[None]]

RECONNECT_WAIT = 0.2
"""Seconds between two attempts to connect."""

START_SECONDS = 5.0
"""How long a starting process waits for NATS to be there; a user who is refused is told at once."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where NATS is and who is knocking: a user with a password, or whoever holds the access token of the moment."""

    url: str
    user: str = ""
    password: str = ""
    token: Callable[[], str] | None = None
    tls: ssl.SSLContext | None = None

    @property
    def place(self) -> str:
        """Host and port of the first server, without whatever else an address may hold."""
        return self.url.split(",")[0].rpartition("//")[2].rpartition("@")[2].rstrip("/")

    @property
    def shown(self) -> dict[str, Any]:
        """What nats-py wants to hear of who is knocking."""
        who = {"token": self.token} if self.token else {"user": self.user, "password": self.password}
        return {**who, "tls": self.tls} if self.tls else who

    @classmethod
    def named(cls, url: str, user: str, password_file: Path, tls: ssl.SSLContext | None = None) -> "Door":
        """The door of a user whose password stands in a file.

        Raises:
            Refusal: `cannot-start`, when the file cannot be read.
        """
        try:
            return cls(url, user, password_file.read_text(encoding="utf-8").strip(), tls=tls)
        except OSError as error:
            raise Refusal(
                "cannot-start",
                vi=f"Không đọc được mật khẩu NATS ở {password_file}: {error.strerror}.",
                en=f"Cannot read the NATS password in {password_file}: {error.strerror}; name the right file.",
            ) from None


def broke() -> Refusal:
    """A connection that was there broke while something needed it to start."""
    return Refusal(
        "cannot-start",
        vi="Kết nối NATS bị ngắt trong lúc khởi động; hãy kiểm tra máy chủ NATS rồi khởi động lại.",
        en="The connection to NATS broke while this was starting; check the server, then start this again.",
    )


async def connect(door: Door, name: str, on_lost: Hook | None = None, on_back: Hook | None = None) -> QuickClient:
    """Connect, and stay connected until `close`.

    Args:
        name: what the server calls this connection in its monitoring.
        on_lost, on_back: told when the connection is lost and when it is back.

    Raises:
        Refusal: `cannot-start`, when nothing answers at the address or the user is refused.
    """
    log = structlog.get_logger()
    connection = QuickClient()
    last: list[Exception] = []

    async def lost() -> None:
        if connection.is_closed:  # on purpose
            return
        log.warning("nats connection lost", connection=name)
        if on_lost:
            await on_lost()

    async def back() -> None:
        last.clear()
        log.info("nats connection back", connection=name)
        if on_back:
            await on_back()

    async def failed(error: Exception) -> None:
        if not last or type(error) is not type(last[0]):  # five attempts a second fail in the same way
            log.info("nats trouble", connection=name, error=type(error).__name__)
        last[:] = [error]
        if "authorization" in str(error).lower() and not connection.is_connected:
            patience.reschedule(0)

    try:
        async with asyncio.timeout(START_SECONDS) as patience:
            await connection.connect(
                door.url,
                **door.shown,
                name=name,
                allow_reconnect=True,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_WAIT,  # type: ignore[arg-type]
                ping_interval=10,
                error_cb=failed,
                disconnected_cb=lost,
                reconnected_cb=back,
            )
    except (TimeoutError, OSError, NatsError) as error:
        reason = last[0] if last else error
        raise Refusal(
            "cannot-start",
            vi=f"Không kết nối được NATS ở {door.url}: {reason}; hãy kiểm tra địa chỉ, máy chủ và người dùng.",
            en=f"Cannot connect to NATS at {door.url}: {reason}; check the address, the server and the user.",
        ) from None
    return connection
