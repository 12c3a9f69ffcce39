"""Sends messages and statuses to the axis, each once, though the axis itself recognises no repetition.

Before something is sent, that is recorded; its outcome after. Where a record of an attempt has no outcome, because the process was killed or the
connection broke, the list of what was sent is searched first.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lgsp_adapters.adapter import Call, Document, UpstreamFailed
from lgsp_adapters.document_exchange.axis_client import AxisClient, AxisRefusedError, MessageType
from lgsp_adapters.document_exchange.messages import iso_time
from lgsp_adapters.document_exchange.records import AXIS, Message, Status
from lgsp_adapters.document_exchange.store import DocumentStore
from lgsp_adapters.document_exchange.tables import SentTable
from lgsp_adapters.edxml import codec
from lgsp_adapters.edxml.attachments import Attachment
from lgsp_adapters.errors import AdapterError
from lgsp_contracts.time_zone import VIETNAM

LEASE_SECONDS = 45.0
"""How long another copy of the adapter leaves an attempt alone; longer than a call takes."""
CLOCK_SKEW = 600.0
"""Seconds by which the clock of the axis may differ."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """Something to send: what it is called here and how it is recognised on the axis."""

    table: SentTable
    id: str
    kind: MessageType
    sender: str
    receivers: list[str]
    title: str
    notation: str
    build: Callable[[], Coroutine[Any, Any, bytes]]


class AxisOutbox:
    """What goes to the axis."""

    def __init__(self, axis: AxisClient, store: DocumentStore) -> None:
        self._axis = axis
        self._store = store

    async def send_message(self, message: Message, call: Call) -> None:
        """Send a message to its receivers outside the province, unless it was sent.

        Raises:
            UpstreamFailed, UpstreamLate, AxisRefusedError: it is not sent.
        """
        if message.axis_id:
            return
        content = message.content
        receivers = [code for code, route in message.receivers if route == AXIS]

        async def build() -> bytes:
            return await self._document(message)

        title = content.get("trichYeu", "")
        await self._send(
            _Outgoing("messages", message.id, "edoc", message.sender, receivers, title, _notation(content), build), call
        )

    async def send_status(self, status: Status, message: Message, call: Call) -> None:
        """Send a status to the agency outside the province that sent the document, unless it was sent; see `send_message`."""
        if status.axis_id:
            return

        async def build() -> bytes:
            return _status(status, message)

        await self._send(
            _Outgoing("statuses", status.id, "status", status.reporter, [status.owner], "", "", build), call
        )

    async def _send(self, outgoing: _Outgoing, call: Call) -> None:
        earlier = await self._store.begin_sending(outgoing.table, outgoing.id, time.time(), LEASE_SECONDS)
        if earlier is None:
            raise UpstreamFailed("broken", "another attempt is sending this to the axis")
        may_be_sent = bool(earlier)
        try:
            known = await self._find_sent(outgoing, earlier, call) if earlier else ""
            if not known:
                content = await outgoing.build()
                known = await self._axis.send(call, outgoing.kind, outgoing.sender, outgoing.receivers, content)
        except AdapterError as error:
            may_be_sent = may_be_sent or not _was_surely_not_sent(error)
            await self._store.release_sending(outgoing.table, outgoing.id, LEASE_SECONDS if may_be_sent else None)
            raise
        await self._store.mark_sent(outgoing.table, outgoing.id, known)

    async def _find_sent(self, outgoing: _Outgoing, since: float, call: Call) -> str:
        """Find something in the list of what was sent; "" where it is not there."""
        for row in await self._axis.sent(call, outgoing.kind):
            identifier = row.get("senderDocId", "")
            is_same = (row.get("fromCode"), row.get("title"), row.get("notation")) == (
                outgoing.sender,
                outgoing.title,
                outgoing.notation,
            )
            if not (is_same and row.get("toCode") in outgoing.receivers and _sent_after(row, since - CLOCK_SKEW)):
                continue
            if identifier and not await self._store.is_sent_as(identifier):
                return identifier
        return ""

    async def _document(self, message: Message) -> bytes:
        described = message.content.get("tepDinhKem", [])
        numbers = range(1, len(described) + 1)
        contents = [(await self._store.file(message.id, number)).content for number in numbers]
        files = [Attachment(file["ten"], content) for file, content in zip(described, contents, strict=True)]
        fields = {
            **message.content,
            "hanhTrinh": [{"maDinhDanh": message.sender, "thoiDiem": iso_time(message.time)}],
            "tepDinhKem": [{**file, "maNoiDung": f"cid:{number}"} for number, file in enumerate(described, 1)],
        }
        return await asyncio.to_thread(lambda: codec.write_document(fields, files).to_bytes())


def _was_surely_not_sent(error: AdapterError) -> bool:
    return isinstance(error, AxisRefusedError) or (
        isinstance(error, UpstreamFailed) and error.why in ("unreachable", "unfit") and not error.connected
    )


def _notation(content: Document) -> str:
    return "/".join(content[name] for name in ("soVanBan", "kyHieu") if content.get(name))


def _status(status: Status, message: Message) -> bytes:
    content = message.content
    about = {"maDinhDanh": status.owner, "soKyHieu": _notation(content), "maTaiLieu": status.document}
    if "ngayBanHanh" in content:
        about["ngayBanHanh"] = content["ngayBanHanh"]
    receiver: Document = next((organ for organ in content["noiNhan"] if organ.get("maDinhDanh") == status.reporter), {})
    fields = {
        "traLoiCho": about,
        "noiGui": {**receiver, "maDinhDanh": status.reporter},
        "trangThai": status.status,
        "thoiDiem": iso_time(status.time),
        **status.content,
    }
    return codec.write_status(fields).to_bytes()


def _sent_after(row: dict[str, str], since: float) -> bool:
    try:
        sent = datetime.strptime(row.get("sentTime", ""), "%d/%m/%Y %H:%M:%S").replace(tzinfo=VIETNAM)
    except ValueError:
        return True
    return sent.timestamp() >= since
