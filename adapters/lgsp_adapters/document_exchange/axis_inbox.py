"""Takes in what waits on the axis: documents and statuses for agencies of the province.

The axis is told that something was fetched only when it is stored here and its event is on disk. A process that is killed between fetches it again;
the store knows it by the axis's id, and the bus counts its event once. A document whose event is refused is set aside: it stays unfetched for the
axis, is tried again, and the others go on.
"""

import asyncio
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace

import structlog

from lgsp_adapters.adapter import Call, Document, FileRefused, LimitReached, UpstreamFailed, UpstreamLate
from lgsp_adapters.document_exchange import messages
from lgsp_adapters.document_exchange.attached_files import AttachedFiles
from lgsp_adapters.document_exchange.axis_client import AxisClient, AxisRefusedError, MessageType
from lgsp_adapters.document_exchange.calls import own_call
from lgsp_adapters.document_exchange.records import AXIS, PROVINCE, Message, Status
from lgsp_adapters.document_exchange.store import DocumentStore
from lgsp_adapters.edxml import codec
from lgsp_adapters.edxml.attachments import names_inside
from lgsp_adapters.edxml.fields import parse_time
from lgsp_adapters.edxml.message import EdxmlMessage, InvalidEdxmlError
from lgsp_adapters.edxml.secrecy import is_secret
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.watching.positions import Position
from lgsp_adapters.watching.source import Occurrence, Read
from lgsp_runtime.error_frames import frames

READ_AT_ONCE = 20
"""Messages that are fetched before their events are published."""
MAX_ASIDE = 1000
"""Messages that are set aside; with more of them no further ones are fetched, so that memory is bounded."""
POSTPONED_SECONDS = 60.0
"""How long something that could not be fetched lets others go before it."""
CLASSIFIED_DOCUMENT = "Văn bản mang dấu chỉ độ mật, trục LGSP không tiếp nhận"
UNUSABLE_ATTACHMENT = "Tệp đính kèm là chương trình, có mã độc hoặc quá lớn, trục LGSP không tiếp nhận"
"""What the sender of a document is told that is refused."""


class _SecretMessageError(AdapterError):
    """A message is marked with a degree of secrecy."""

    def __init__(self, message: EdxmlMessage) -> None:
        super().__init__("the message is marked with a degree of secrecy")
        self.message = message


class _UnusableAttachmentError(AdapterError):
    """The bus will never take an attachment of a document."""

    def __init__(self, header: Document, reason: str) -> None:
        super().__init__(reason)
        self.header = header


class AxisInbox:
    """The events of one kind of message; an `EventSource`.

    Args:
        poll_seconds: between two looks at the axis.
    """

    start: Position | None = None
    overlap = 0.0

    def __init__(
        self, kind: MessageType, axis: AxisClient, store: DocumentStore, files: AttachedFiles, poll_seconds: float
    ) -> None:
        self._kind: MessageType = kind
        self._axis = axis
        self._store = store
        self._files = files
        self._poll_seconds = poll_seconds
        self._postponed: dict[str, float] = {}
        self._aside: dict[str, Occurrence] = {}
        self._reading: list[Occurrence] = []
        self._log = structlog.get_logger()

    @property
    def poll_seconds(self) -> float:
        """Return how long after one look the next begins."""
        return self._poll_seconds

    async def read(self, position: Position | None) -> Read:
        """Fetch and store what waits, behind what is set aside.

        Raises:
            UpstreamFailed, UpstreamLate, AxisRefusedError: the axis gives no usable answer.
        """
        waiting = await self._axis.received(own_call(), self._kind)
        now = time.monotonic()
        self._postponed = {identifier: until for identifier, until in self._postponed.items() if until > now}
        due = [entry for entry in waiting if entry["docId"] not in {*self._postponed, *self._aside}]
        if len(self._aside) >= MAX_ASIDE:
            self._log.error("nothing further is fetched from the axis until events that the bus refuses are accepted")
            due = []
        taken_in = [await self._take_in(entry) for entry in due[:READ_AT_ONCE]]
        occurrences = [occurrence for occurrence in taken_in if occurrence]
        self._reading = [*self._aside.values(), *occurrences]
        return Read(self._reading, complete=len(due) <= READ_AT_ONCE or not occurrences)

    async def acknowledge(self, occurrence: Occurrence) -> None:
        """Tell the axis that a message was fetched.

        Raises:
            UpstreamFailed, UpstreamLate, AxisRefusedError: it does not take it.
        """
        if self._kind == "edoc":
            await self._store.mark_announced(occurrence.row["message"], occurrence.row["receiver"])
        else:
            await self._store.mark_status_announced(occurrence.id)
        await self._axis.mark(own_call(), occurrence.row["axis_id"], "done")

    async def settled(self, ids: Collection[str]) -> None:
        """Set aside the messages that are not settled."""
        self._aside = {item.row["axis_id"]: item for item in self._reading if item.id not in set(ids)}

    async def _take_in(self, entry: Mapping[str, str]) -> Occurrence | None:
        """Store one message and return its event; None where it was refused."""
        identifier, receiver, sender = entry["docId"], entry.get("to", ""), entry.get("from", "")
        call = own_call()
        take_in = self._take_in_document if self._kind == "edoc" else self._take_in_status
        try:
            return await take_in(identifier, receiver, sender, call)
        except _SecretMessageError as secret:
            await self._refuse_secret(identifier, receiver, secret.message, call)
        except _UnusableAttachmentError as error:
            self._log.warning(
                "attachment of the axis refused", axis_id=identifier, reason=str(error), frames=frames(error)
            )
            await self._answer_refusal(error.header, receiver, UNUSABLE_ATTACHMENT, call)
            await self._axis.mark(call, identifier, "fail")
        except InvalidEdxmlError as error:
            self._log.warning(
                "document of the axis refused", axis_id=identifier, reason=str(error), frames=frames(error)
            )
            await self._axis.mark(call, identifier, "fail")
        except (UpstreamFailed, UpstreamLate, LimitReached, AxisRefusedError) as error:
            self._postponed[identifier] = time.monotonic() + POSTPONED_SECONDS
            self._log.warning(
                "document of the axis not fetched", axis_id=identifier, reason=str(error), frames=frames(error)
            )
        return None

    async def _take_in_document(self, identifier: str, receiver: str, sender: str, call: Call) -> Occurrence:
        stored = await self._store.message_with_key(_key(identifier))
        if stored is None:
            content = await self._axis.fetch(call, identifier)
            document = await asyncio.to_thread(_read_document, content)
            fields = dict(document.fields)
            _check_sender(fields, sender)
            described = fields.pop("tepDinhKem", [])
            types = [file.get("loaiNoiDung", "application/octet-stream") for file in described]
            message = _message(identifier, receiver, fields)
            try:
                files = await self._files.take_in(document.attachments, types, content, f"{identifier}.edxml", call)
            except FileRefused as error:
                raise _UnusableAttachmentError(fields, str(error)) from error
            attached = [
                {**file, "loaiNoiDung": media_type, "tep": stored_file.reference}
                for file, media_type, stored_file in zip(described, types, files[1:], strict=True)
            ]
            if attached:
                message = replace(message, content={**message.content, "tepDinhKem": attached})
            stored = await self._store.add_message(message, files)
        data = messages.summary(stored, receiver)
        row = {"message": stored.id, "receiver": receiver, "axis_id": identifier}
        return Occurrence(messages.event_id(stored, receiver), None, data, data["thoiDiem"], row=row)

    async def _take_in_status(self, identifier: str, receiver: str, sender: str, call: Call) -> Occurrence:
        status_id = _uuid(identifier)
        stored = await self._store.status(status_id)
        if stored is None:
            parsed = EdxmlMessage.parse(await self._axis.fetch(call, identifier))
            if is_secret(parsed):
                raise _SecretMessageError(parsed)
            fields = codec.read_status(parsed)
            _check_sender(fields, sender)
            document = fields["traLoiCho"].get("maTaiLieu", "")
            about = await self._store.messages_of(document, receiver)
            moment = parse_time(fields.get("thoiDiem", ""))
            stored = await self._store.add_status(
                Status(
                    id=status_id,
                    message=about[0].id if about else "",
                    document=document[:200],
                    owner=receiver,
                    reporter=fields["noiGui"]["maDinhDanh"][:50],
                    status=fields["trangThai"],
                    time=moment.timestamp() if moment else time.time(),
                    content={name: fields[name] for name in ("dienGiai", "nguoiXuLy") if name in fields},
                    axis_id=identifier,
                )
            )
        data = messages.status_event(stored)
        return Occurrence(stored.id, None, data, data["thoiDiem"], row={"axis_id": identifier})

    async def _refuse_secret(self, identifier: str, receiver: str, parsed: EdxmlMessage, call: Call) -> None:
        """Refuse a message that is marked with a degree of secrecy: report it, tell its sender why, and have the axis keep it from coming again."""
        self._log.warning("secret document of the axis refused", axis_id=identifier)
        self._files.adapter.security.event(
            "secret-document-refused",
            "failure",
            "api",
            "A message of the e-document axis is marked with a degree of secrecy; it was not accepted.",
            organization__id=receiver,
            lgsp__service="documents",
            lgsp__axis_document=identifier,
        )
        if self._kind == "edoc":
            try:
                header = codec.read_header(parsed)
            except InvalidEdxmlError as error:
                self._log.warning("sender of a secret document not told", reason=str(error), frames=frames(error))
            else:
                await self._answer_refusal(header, receiver, CLASSIFIED_DOCUMENT, call)
        await self._axis.mark(call, identifier, "fail")

    async def _answer_refusal(self, header: Document, receiver: str, explanation: str, call: Call) -> None:
        """Tell the sender of a document, where it names itself, that it is refused."""
        sender = header.get("noiGui", {}).get("maDinhDanh")
        if not sender:
            self._log.warning("sender of a refused document not told", reason="the document names none")
            return
        answer = {
            "traLoiCho": {"maDinhDanh": sender, "maTaiLieu": header.get("maTaiLieu", "")},
            "noiGui": {"maDinhDanh": receiver},
            "trangThai": "TU_CHOI",
            "dienGiai": explanation,
            "thoiDiem": messages.iso_time(time.time()),
        }
        await self._axis.send(call, "status", receiver, [sender], codec.write_status(answer).to_bytes())


def _check_sender(fields: Document, sender: str) -> None:
    """Check that a message names the sender that the axis names, so that nobody writes in the name of another.

    Raises:
        InvalidEdxmlError: it does not.
    """
    if sender and fields["noiGui"].get("maDinhDanh") != sender:
        raise InvalidEdxmlError("the message names another sender than the axis")


def _read_document(content: bytes) -> codec.ReadDocument:
    """Read a document and search it for secrecy.

    Raises:
        InvalidEdxmlError: it is no edXML, or an attachment cannot be unpacked safely.
        _SecretMessageError: it is marked with a degree of secrecy.
    """
    parsed = EdxmlMessage.parse(content)
    if is_secret(parsed):
        raise _SecretMessageError(parsed)
    document = codec.read_document(parsed)
    names = [name for file in document.attachments for name in (file.name, *names_inside(file.content))]
    if is_secret(parsed, names):
        raise _SecretMessageError(parsed)
    return document


def _message(identifier: str, receiver: str, fields: Document) -> Message:
    sender = fields["noiGui"].get("maDinhDanh", "")
    if not sender or not receiver:
        raise InvalidEdxmlError("the message names no sender, or the axis no receiver")
    return Message(
        id=_uuid(identifier),
        document=fields.get("maTaiLieu", identifier)[:200],
        business=fields["nghiepVu"],
        sender=sender[:50],
        route=AXIS,
        time=time.time(),
        key=_key(identifier),
        content={**fields, "maTaiLieu": fields.get("maTaiLieu", identifier)},
        receivers=((receiver, PROVINCE),),
        axis_id=identifier,
    )


def _key(identifier: str) -> str:
    return f"axis/{identifier}"


def _uuid(identifier: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"axis/{identifier}"))
