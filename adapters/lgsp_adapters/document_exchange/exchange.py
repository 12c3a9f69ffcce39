"""Answers for the service `documents`: sends, delivers, and says how far a document has come.

What is sent is stored before anything else; then receivers in the province are told by an event, and those outside by the axis. An attempt that
breaks off is finished by the next one under the same key, or by the exchange itself, so that each receiver gets it once.
"""

import asyncio
import time
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from lgsp_adapters.adapter import Adapter, Call, Connection, Declared, Document, PublicationRefused, UpstreamFailed
from lgsp_adapters.document_exchange import messages
from lgsp_adapters.document_exchange.attached_files import AttachedFiles
from lgsp_adapters.document_exchange.axis_client import AxisClient, AxisRefusedError
from lgsp_adapters.document_exchange.axis_inbox import AxisInbox
from lgsp_adapters.document_exchange.axis_outbox import AxisOutbox
from lgsp_adapters.document_exchange.calls import own_call
from lgsp_adapters.document_exchange.records import AXIS, PROVINCE, Message, Route, SetAside, Status
from lgsp_adapters.document_exchange.store import DocumentStore
from lgsp_adapters.errors import AdapterError
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.names import is_of_agency
from lgsp_contracts.time_zone import VIETNAM
from lgsp_problems import CannotStart
from lgsp_runtime.error_frames import frames

SWEEP_SECONDS = 15.0
UNFINISHED_SECONDS = 30.0
"""Age from which the exchange finishes itself what its caller did not."""
DAYS = 90
"""How long the exchange keeps documents where `connection.days` says nothing."""
AGENCIES_SECONDS = 600.0
LOCKS = 64
LIMIT = 50
"""Items of a list where the caller asks for no other number."""


class DocumentExchange(Adapter):
    """The adapter.

    Its `connection` has `database` and `key` of the store; `local`, the codes of the province's agencies by their beginnings, separated by spaces;
    `url`, `systemid` and `secret` of the axis, without which documents stay in the province; and optionally `agencies`, the names of the
    province's agencies by code, which are registered with the axis; `days`, for which documents are kept; and `poll-seconds`.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        needed = ("database", "key", "local", *(("systemid", "secret") if connection.get("url") else ()))
        missing = ", ".join(name for name in needed if not connection.get(name))
        if missing:
            raise CannotStart(
                vi=f"connection của trục văn bản thiếu {missing}; hãy bổ sung vào bản khai.",
                en=f"The connection of the exchange of documents lacks {missing}; add it to the manifest.",
            )
        self._store = DocumentStore(str(connection["database"]), str(connection["key"]))
        self._local = str(connection["local"]).split()
        self._attached = AttachedFiles(self, self._store)
        self._days = float(connection.get("days", DAYS))
        self._log = structlog.get_logger()
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]
        self._axis: AxisClient | None = None
        self._outbox: AxisOutbox | None = None
        self._agencies: tuple[float, frozenset[str]] = (0.0, frozenset())
        self._set_aside = SetAside()
        if connection.get("url"):
            self._axis = AxisClient(str(connection["url"]), str(connection["systemid"]), str(connection["secret"]))
            self._outbox = AxisOutbox(self._axis, self._store)

    async def open(self) -> None:
        """Open the store, and begin to finish what was left."""
        await self._store.open()
        if self._axis:
            await self._axis.open()
        self.background.run_every("unfinished documents", SWEEP_SECONDS, self.finish_unfinished, within=None)
        if self._axis and self.connection.get("agencies"):
            self.background.run_every("agencies of the axis", 3600.0, self._register_agencies, within=None)
        self.background.run_every("old documents", 3600.0, self._delete_old, within=None)

    async def close(self) -> None:
        """Close the connections."""
        if self._axis:
            await self._axis.close()
        await self._store.close()

    def writes(self, operation: str) -> bool:
        """Tell whether an operation changes something."""
        return operation not in ("list-received", "get-document", "list-agencies")

    def standing(self) -> Mapping[str, Any]:
        """Tell what is set aside, for the health of the service."""
        aside = self._set_aside
        if not aside.count:
            return {}
        return {"setAside": {"count": aside.count, "since": round(aside.since, 3), "reason": aside.reason}}

    def event_sources(self) -> Mapping[str, EventSource]:
        """Return what is watched on the axis for each event."""
        if self._axis is None:
            return {}
        pause = float(self.connection.get("poll-seconds", 10))
        return {
            "document-received": AxisInbox("edoc", self._axis, self._store, self._attached, pause),
            "status-changed": AxisInbox("status", self._axis, self._store, self._attached, pause),
        }

    async def send_document(self, request: Document, call: Call) -> Document:
        """Send a new document."""
        self._check_sender(request["noiGui"]["maDinhDanh"], call)
        content = {**messages.document_fields(request), "nghiepVu": "MOI"}
        return await self._send(content, messages.receivers_of(request), call, is_new=True)

    async def recall_document(self, request: Document, call: Call) -> Document:
        """Ask receivers to give a document back."""
        original = await self._own(request["maTaiLieu"], call)
        named = request.get("noiNhan")
        receivers = messages.all_receivers(await self._store.messages_of(original.document, original.sender))
        organs = [organ for organ in receivers if not named or organ["maDinhDanh"] in named]
        if not organs:
            raise Declared("document-not-found")
        content = messages.recall(original.content, organs, request)
        return await self._send(content, messages.receivers_of(content), call)

    async def update_document(self, request: Document, call: Call) -> Document:
        """Send a new edition of a document, or change its receivers."""
        original = await self._own(request["vanBan"]["maTaiLieu"], call)
        self._check_sender(request["vanBan"]["noiGui"]["maDinhDanh"], call)
        content = messages.update(request)
        removed = [change["maDinhDanh"] for change in request.get("thayDoiNoiNhan", []) if change["thayDoi"] == "BO"]
        known = [organ["maDinhDanh"] for organ in original.content["noiNhan"]]
        receivers = [*messages.receivers_of(request["vanBan"]), *(code for code in removed if code in known)]
        return await self._send(content, receivers, call)

    async def replace_document(self, request: Document, call: Call) -> Document:
        """Send a new document in place of others."""
        self._check_sender(request["vanBan"]["noiGui"]["maDinhDanh"], call)
        for replaced in request["thayThe"]:
            await self._own(replaced["maTaiLieu"], call)
        content = messages.replacement(request)
        return await self._send(content, messages.receivers_of(request["vanBan"]), call, is_new=True)

    async def report_status(self, request: Document, call: Call) -> Document:
        """Report the status of a received document to its sender."""
        message = await self._store.message(request["maThongDiep"])
        reporter = self._receiver_of(message, call) if message else None
        if message is None or reporter is None:
            raise Declared("document-not-found")
        reported = ("status", message.id, reporter, call.context.key, request["trangThai"], request.get("dienGiai", ""))
        status = Status(
            id=str(uuid.UUID(self._store.digest(*reported)[:32])),
            message=message.id,
            document=message.document,
            owner=message.sender,
            reporter=reporter,
            status=request["trangThai"],
            time=time.time(),
            content={name: request[name] for name in ("dienGiai", "nguoiXuLy") if name in request},
        )
        status = await self._store.add_status(status)
        await self._finish_status(status, message, call)
        return {"maTaiLieu": status.document, "trangThai": status.status, "thoiDiem": messages.iso_time(status.time)}

    async def list_received(self, request: Document, call: Call) -> Document:
        """List what the agency of the caller received."""
        limit = request.get("gioiHan", LIMIT)
        found = await self._store.received(call.context.agency, request.get("sau", 0), limit)
        answer: Document = {"thongDiep": [messages.summary(message, receiver) for _, receiver, message in found]}
        return {**answer, "tiepTheo": found[-1][0]} if found else answer

    async def get_document(self, request: Document, call: Call) -> Document:
        """Return a message to its sender or one of its receivers."""
        message = await self._store.message(request["maThongDiep"])
        is_sender = message is not None and is_of_agency(message.sender, call.context.agency)
        receiver = message and self._receiver_of(message, call)
        if message is None or not (is_sender or receiver):
            raise Declared("document-not-found")
        statuses = await self._store.statuses(message.document, message.sender)
        shown = [status for status in statuses if is_sender or is_of_agency(status.reporter, call.context.agency)]
        return messages.answer(replace(message, content=await self._attached.hand_out(message, call)), shown)

    async def list_agencies(self, request: Document, call: Call) -> Document:
        """List the agencies that the axis knows."""
        rows = await self._axis_answers(self._axis.agencies(call)) if self._axis else []
        keyword = request.get("tuKhoa", "").lower()
        listed = [(str(row.get("code", "")), row) for row in rows]
        return {
            "donVi": [
                {
                    "maDinhDanh": code[:50],
                    "ten": str(row.get("name", ""))[:300],
                    **({"thuDienTu": str(row["mail"])[:200]} if row.get("mail") else {}),
                }
                for code, row in listed
                if code and keyword in f"{code} {row.get('name', '')}".lower()
            ]
        }

    async def _send(self, content: Document, receivers: Sequence[str], call: Call, *, is_new: bool = False) -> Document:
        """Store a message if it is not there, have it delivered, and answer."""
        sender = content["noiGui"]["maDinhDanh"]
        attempt = "" if is_new else call.context.key
        key = self._store.digest("message", sender, attempt, messages.canonical(content))
        existing = await self._store.message_with_key(key)
        if existing is None:
            if is_new and any(
                other.business in ("MOI", "THAY_THE")
                for other in await self._store.messages_of(content["maTaiLieu"], sender)
            ):
                raise Declared("document-exists")
            routed = await self._route(receivers, call)
            files = await self._attached.fetch(content, call)
            existing = await self._store.add_message(
                Message(
                    id=str(uuid.UUID(key[:32])),
                    document=content["maTaiLieu"],
                    business=content["nghiepVu"],
                    sender=sender,
                    route=PROVINCE,
                    time=time.time(),
                    key=key,
                    content=content,
                    receivers=tuple(routed),
                ),
                files,
            )
        await self._finish_message(existing, call)
        return {
            "maThongDiep": existing.id,
            "maTaiLieu": existing.document,
            "noiNhan": [{"maDinhDanh": code, "duongDi": route} for code, route in existing.receivers],
        }

    async def _finish_message(self, message: Message, call: Call) -> None:
        """Tell each receiver of a message that was not told yet."""
        async with self._lock(message.id):
            message = await self._store.message(message.id) or message
            refused: PublicationRefused | None = None
            for receiver, route in message.receivers:
                if route == PROVINCE:
                    try:
                        await self.announce(message, receiver, call.traceparent)
                    except PublicationRefused as error:  # the other receivers do not wait for this one
                        refused = refused or error
            if any(route == AXIS for _, route in message.receivers) and self._outbox:
                await self._axis_answers(self._outbox.send_message(message, call))
            if refused:
                raise refused

    async def _finish_status(self, status: Status, message: Message, call: Call) -> None:
        """Tell the sender of a document of a status, unless it was told."""
        async with self._lock(status.id):
            status = await self._store.status(status.id) or status
            if message.route == PROVINCE:
                await self.announce_status(status, call.traceparent)
            elif self._outbox:
                await self._axis_answers(self._outbox.send_status(status, message, call))
            await self._store.mark_status_announced(status.id)

    def _lock(self, id: str) -> asyncio.Lock:  # noqa: A002 - of a message or a status
        """Return the lock that keeps two attempts at the same time apart."""
        return self._locks[hash(id) % len(self._locks)]

    async def announce(self, message: Message, receiver: str, traceparent: str = "") -> None:
        """Publish that a message has arrived for a receiver, once."""
        if await self._store.is_announced(message.id, receiver):
            return
        await self.publish(
            "document-received",
            messages.summary(message, receiver),
            id=messages.event_id(message, receiver),
            time=messages.iso_time(message.time),
            traceparent=traceparent,
        )
        await self._store.mark_announced(message.id, receiver)

    async def announce_status(self, status: Status, traceparent: str = "") -> None:
        """Publish that a status was reported, once."""
        await self.publish(
            "status-changed",
            messages.status_event(status),
            id=status.id,
            time=messages.iso_time(status.time),
            traceparent=traceparent,
        )

    async def _route(self, receivers: Sequence[str], call: Call) -> list[tuple[str, Route]]:
        """Say by which route each receiver is reached.

        Raises:
            Declared: `agency-unknown`, where the axis does not know one outside the province.
        """
        routed: list[tuple[str, Route]] = [
            (code, PROVINCE if self._is_local(code) else AXIS) for code in dict.fromkeys(receivers)
        ]
        outside = {code for code, route in routed if route == AXIS}
        if outside and outside - await self._registered_agencies(call, outside):
            raise Declared("agency-unknown")
        return routed

    async def _registered_agencies(self, call: Call, needed: set[str]) -> frozenset[str]:
        until, known = self._agencies
        if self._axis and (until < time.monotonic() or needed - known):
            rows = await self._axis_answers(self._axis.agencies(call))
            known = frozenset(str(row.get("code", "")) for row in rows)
            self._agencies = (time.monotonic() + AGENCIES_SECONDS, known)
        return known

    async def _axis_answers(self, asked: Any) -> Any:
        try:
            return await asked
        except AxisRefusedError as error:
            raise UpstreamFailed("refused", str(error)) from error

    async def _register_agencies(self) -> None:
        """Register the agencies of the province that the axis does not know."""
        assert self._axis is not None
        try:
            known = {str(row.get("code", "")) for row in await self._axis.agencies(own_call())}
            for code, name in self.connection["agencies"].items():
                if code not in known:
                    await self._axis.register(own_call(), code, str(name))
        except AdapterError as error:
            self._log.warning("agencies not registered with the axis", reason=str(error), frames=frames(error))
            raise

    async def _own(self, document: str, call: Call) -> Message:
        """Find a document that the caller's agency sent.

        Raises:
            Declared: `document-not-found`.
        """
        agency = call.context.agency
        for message in await self._store.messages_about(document):
            if (
                message.business in ("MOI", "THAY_THE")
                and message.route == PROVINCE
                and is_of_agency(message.sender, agency)
            ):
                return message
        raise Declared("document-not-found")

    def _check_sender(self, code: str, call: Call) -> None:
        if not is_of_agency(code, call.context.agency) or not self._is_local(code):
            raise Declared("sender-not-allowed")

    def _receiver_of(self, message: Message, call: Call) -> str | None:
        """Return the receiver of a message for which the caller acts."""
        codes = [code for code, route in message.receivers if route == PROVINCE]
        return next((code for code in codes if is_of_agency(code, call.context.agency)), None)

    def _is_local(self, code: str) -> bool:
        return any(is_of_agency(code, beginning) for beginning in self._local)

    async def finish_unfinished(self, seconds: float = UNFINISHED_SECONDS) -> None:
        """Finish what was stored so many seconds ago or earlier, and not told to all its receivers."""
        now = time.time()
        found, statuses = await self._store.unfinished(now - seconds, now)
        for message in found:
            await self._try_to_finish(message.id, self._finish_message(message, own_call()))
        for status in statuses:
            about = await self._store.message(status.message)
            if about:
                await self._try_to_finish(status.id, self._finish_status(status, about, own_call()))
        self._set_aside = await self._store.set_aside()

    async def _try_to_finish(self, id: str, work: Coroutine[Any, Any, None]) -> None:  # noqa: A002 - of a message or a status
        try:
            await work
        except AdapterError as error:
            self._log.warning(
                "document not delivered yet, trying again", id=id, reason=str(error), frames=frames(error)
            )
            await self._store.record_failure(id, time.time(), str(error) or type(error).__name__)
        else:
            await self._store.forget_failures(id)

    async def _delete_old(self) -> None:
        await self._store.delete_before((datetime.now(VIETNAM) - timedelta(days=self._days)).timestamp())
