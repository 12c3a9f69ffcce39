"""Sends notifications by mail (SMTP)."""

from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from lgsp_gateway.notifications.digest import Digest
from lgsp_problems import CannotStart

SECONDS = 20.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"smtp": 587, "smtps": 465}


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
        # Without TLS a mail would tell the network what waits for whom; on this machine nobody listens.
        starttls = None if self._implicit_tls or self._host in _LOOPBACK else True
        try:
            await aiosmtplib.send(
                message,
                recipients=[address],
                hostname=self._host,
                port=self._port,
                username=self._user or None,
                password=self._password() if self._user else None,
                use_tls=self._implicit_tls,
                start_tls=False if self._implicit_tls else starttls,
                timeout=SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return type(error).__name__
        return ""

    def _password(self) -> str:
        return self._password_file.read_text(encoding="utf-8").strip() if self._password_file else ""
