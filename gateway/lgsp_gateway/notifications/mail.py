"""Sends notifications by mail (SMTP)."""

import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from lgsp_contracts.time_zone import iso_time
from lgsp_gateway.notifications.digest import Digest
from lgsp_problems import CannotStart, Text

SECONDS = 20.0
PROBE_SECONDS = 60.0
"""Between two connections that only look whether the server is there."""
FAULT_SECONDS = 5400.0
"""After which a refused mail says nothing about now: a mail that waits is tried again within an hour, by whichever gateway sends."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why the server took no mail.

    Args:
        since: when that began, in seconds since 1970.
        at: when it was last seen, in seconds of the monotonic clock.
        to_send: whether a mail was refused; else already the connection was.
    """

    error: str
    since: float
    at: float
    to_send: bool


class MailSender:
    """Sends digests to one mail server.

    Args:
        url: `smtp://USER@HOST:PORT` (STARTTLS; on this machine without, where the server offers none) or `smtps://…`.
        password_file: of the user.
        sender: the address that mails are from.
        domain: of the bus, for the ids of messages.

    Raises:
        CannotStart: the URL is none of these, or a setting is missing.
    """

    def __init__(self, url: str, password_file: Path | None, sender: str, domain: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not sender:
            raise CannotStart(
                vi="--smtp phải có dạng smtp://NGƯỜI-DÙNG@MÁY:CỔNG hoặc smtps://…, cùng --mail-sender; hãy sửa lại.",
                en="--smtp must be smtp://USER@HOST:PORT or smtps://…, together with --mail-sender; correct it.",
            )
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._implicit_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username or "")
        self._password_file = password_file
        self._sender = sender
        self._domain = domain
        self._fault: _Fault | None = None
        self._probe_due = 0.0

    async def send(self, address: str, digest: Digest) -> str:
        """Send a digest.

        Returns:
            Why it was not accepted; empty where it was.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, address, digest.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{digest.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(digest.body)
        try:
            async with self._connection() as server:
                await server.send_message(message, recipients=[address])
        except aiosmtplib.SMTPRecipientsRefused as error:  # the address is at fault, not the server
            return type(error).__name__
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._note_fault(error, to_send=True)
            return type(error).__name__
        self._fault = None
        return ""

    async def check(self) -> Text | None:
        """Return what is wrong with the mail server, from the last mail and from a connection at most once a minute."""
        if time.monotonic() >= self._probe_due:
            await self._probe()
        fault = self._fault
        if fault is None or time.monotonic() - fault.at > FAULT_SECONDS:
            return None
        server = f"{self._host}:{self._port}"
        return Text(
            f"Máy chủ thư {server} không nhận thư ({fault.error}) từ {iso_time(fault.since)}; hãy kiểm tra máy chủ, --smtp, tài khoản và mật khẩu của nó. Thông báo còn chờ và được gửi lại.",
            f"The mail server {server} has taken no mails ({fault.error}) since {iso_time(fault.since)}; check the server, --smtp, and its user and password. Notifications wait, and are sent again.",
        )

    async def _probe(self) -> None:
        """Connect and sign in; send nothing."""
        self._probe_due = time.monotonic() + PROBE_SECONDS
        try:
            async with self._connection():
                pass
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._note_fault(error, to_send=False)
            return
        if self._fault is not None and not self._fault.to_send:
            self._fault = None

    def _note_fault(self, error: Exception, *, to_send: bool) -> None:
        since = self._fault.since if self._fault else time.time()
        self._fault = _Fault(type(error).__name__, since, time.monotonic(), to_send)

    def _connection(self) -> aiosmtplib.SMTP:
        # Without TLS a mail would tell the network what waits for whom; on this machine nobody listens.
        starttls = None if self._implicit_tls or self._host in _LOOPBACK else True
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password() if self._user else None,
            use_tls=self._implicit_tls,
            start_tls=False if self._implicit_tls else starttls,
            timeout=SECONDS,
        )

    def _password(self) -> str:
        return self._password_file.read_text(encoding="utf-8").strip() if self._password_file else ""
