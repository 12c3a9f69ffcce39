"""A mail server for tests: it takes mails, or refuses some first, and keeps what it took."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from support.processes import free_port


class MailServer:
    """The server, on a port of this machine."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.refused: list[EmailMessage] = []
        self.refusals = 0
        """How many mails are refused from now on before the next one is taken."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> "MailServer":
        await asyncio.to_thread(self._controller.start)
        return self

    async def stop(self) -> None:
        await asyncio.to_thread(self._controller.stop)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content: Any = envelope.content
        mail: EmailMessage = message_from_bytes(content, policy=default)  # type: ignore[assignment,arg-type]
        if self.refusals:
            self.refusals -= 1
            self.refused.append(mail)
            return "451 try again later"
        self.mails.append(mail)
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that were sent to an address."""
        return [mail for mail in self.mails if mail["To"] == address]
