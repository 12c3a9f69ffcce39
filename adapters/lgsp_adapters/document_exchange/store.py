"""The mailboxes of the agencies, in SQLite on one machine or in PostgreSQL.

A message (a document, its recall, update or replacement) has a delivery to each receiver. Codes, times and states are columns; everything else
is encrypted. What is written here is on disk before anybody is told.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.document_exchange.records import AXIS, PROVINCE, Message, Route, SetAside, Status, StoredFile
from lgsp_adapters.document_exchange.sealing import Sealer
from lgsp_adapters.document_exchange.tables import (
    ATTEMPTS,
    DELIVERIES,
    FILES,
    MESSAGES,
    METADATA,
    STATUSES,
    SentTable,
    create_engine,
)
from lgsp_problems import CannotStart

MAX_ROWS = 1000
"""Messages, or statuses, of one answer."""
MAX_UNFINISHED = 100
"""Messages, and statuses, that are finished in one go."""
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 3600.0
"""Seconds between attempts to finish what failed more than once, the shortest and the longest."""
SET_ASIDE_AFTER = 5
"""Attempts, after two minutes about, from which something counts as set aside."""
MAX_REASON = 300


class DocumentStore:
    """The store.

    Args:
        address: `sqlite:///PATH` or `postgresql://…`.
        secret: the key of the store, as `Sealer` has it.
    """

    def __init__(self, address: str, secret: str) -> None:
        self._address = address
        self._secret = secret

    async def open(self) -> None:
        """Make the tables that are missing.

        Raises:
            Refusal: `cannot-start`, where the address, the key or the database cannot be used.
        """
        self._sealer = Sealer(self._secret)
        self._engine = create_engine(self._address)
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
        except (SQLAlchemyError, OSError) as error:
            raise CannotStart(
                vi="Không mở được kho văn bản; hãy kiểm tra địa chỉ cơ sở dữ liệu và quyền ghi.",
                en="The document store cannot be opened; check the address of the database and the right to write.",
            ) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def add_message(self, message: Message, files: Sequence[StoredFile] = ()) -> Message:
        """Store a message with its files, or return the one with the same key that is there."""
        row = {
            "id": message.id,
            "document": message.document,
            "business": message.business,
            "sender": message.sender,
            "route": message.route,
            "time": message.time,
            "key": message.key,
            "content": self._sealer.seal(message.content),
            "axis_id": message.axis_id or None,
        }
        deliveries = [{"message": message.id, "receiver": code, "route": route} for code, route in message.receivers]
        attached = [
            {
                "message": message.id,
                "number": file.number,
                "reference": file.reference,
                "time": file.time,
                "content": self._sealer.seal_bytes(file.content),
            }
            for file in files
        ]
        try:
            async with self._transaction() as connection:
                await connection.execute(insert(MESSAGES).values(row))
                await connection.execute(insert(DELIVERIES), deliveries)
                if attached:
                    await connection.execute(insert(FILES), attached)
        except IntegrityError:
            existing = await self.message_with_key(message.key)
            if existing is None:
                raise
            return existing
        return message

    async def file_references(self, message: str) -> dict[int, tuple[str, float]]:
        """Return, of each file of a message, the reference and when it was stored."""
        async with self._transaction() as connection:
            columns = select(FILES.c.number, FILES.c.reference, FILES.c.time)
            rows = await connection.execute(columns.where(FILES.c.message == message))
            return {row.number: (row.reference, row.time) for row in rows}

    async def file(self, message: str, number: int) -> StoredFile:
        """Return a file of a message that has it."""
        async with self._transaction() as connection:
            found = await connection.execute(select(FILES).where(FILES.c.message == message, FILES.c.number == number))
            row = found.mappings().one()
            return StoredFile(number, row["reference"], row["time"], self._sealer.open_bytes(row["content"]))

    async def renew_file(self, message: str, file: StoredFile) -> None:
        """Record the new reference of a file."""
        async with self._transaction() as connection:
            await connection.execute(
                update(FILES)
                .where(FILES.c.message == message, FILES.c.number == file.number)
                .values(reference=file.reference, time=file.time)
            )

    async def message_with_key(self, key: str) -> Message | None:
        """Find a message by its key."""
        return next(iter(await self._read_messages(MESSAGES.c.key == key)), None)

    async def message(self, id: str) -> Message | None:  # noqa: A002 - the field's name
        """Find a message by its id."""
        return next(iter(await self._read_messages(MESSAGES.c.id == id)), None)

    def digest(self, *parts: str) -> str:
        """Return a digest of some texts that nobody can guess without the key of the store."""
        return self._sealer.digest(*parts)

    async def messages_about(self, document: str) -> list[Message]:
        """List the messages about a document, whoever sent them, in the order in which they came."""
        return await self._read_messages(MESSAGES.c.document == document)

    async def messages_of(self, document: str, sender: str) -> list[Message]:
        """List the messages about a document of a sender, in the order in which they came."""
        return await self._read_messages((MESSAGES.c.document == document) & (MESSAGES.c.sender == sender))

    async def unfinished(self, before: float, now: float) -> tuple[list[Message], list[Status]]:
        """List what was stored before a time, is not announced or not on the axis yet, and whose next attempt is due; what failed least first.

        Args:
            now: in seconds since 1970.
        """
        waiting = select(DELIVERIES.c.message).where(
            ((DELIVERIES.c.route == PROVINCE) & (DELIVERIES.c.announced == 0))
            | (
                (DELIVERIES.c.route == AXIS)
                & select(MESSAGES.c.id)
                .where((MESSAGES.c.id == DELIVERIES.c.message) & MESSAGES.c.axis_id.is_(None))
                .exists()
            )
        )
        messages = (MESSAGES.c.time < before) & (MESSAGES.c.route == PROVINCE) & MESSAGES.c.id.in_(waiting)
        statuses = (STATUSES.c.time < before) & (STATUSES.c.announced == 0) & STATUSES.c.message.is_not(None)
        async with self._transaction() as connection:
            rows = (await connection.execute(_due(MESSAGES, messages, now))).mappings().all()
            found = [self._message(row, await _receivers(connection, row["id"])) for row in rows]
            rows = (await connection.execute(_due(STATUSES, statuses, now))).mappings().all()
            return found, [self._status(row) for row in rows]

    async def record_failure(self, id: str, now: float, reason: str) -> None:  # noqa: A002 - the field's name
        """Record that a message or status could not be finished, and when it is tried again: at once after the first time, then more and more rarely."""
        async with self._transaction() as connection:
            row = (await connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.id == id))).mappings().first()
            failed = row["failed"] + 1 if row else 1
            pause = min(FIRST_PAUSE * 2.0 ** (failed - 2), LONGEST_PAUSE) if failed > 1 else 0.0
            changed = {"failed": failed, "again_at": now + pause, "reason": reason[:MAX_REASON]}
            if row:
                await connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.id == id).values(changed))
            else:
                await connection.execute(insert(ATTEMPTS).values(id=id, since=now, **changed))

    async def forget_failures(self, id: str) -> None:  # noqa: A002 - the field's name
        """Record that a message or status is finished."""
        async with self._transaction() as connection:
            await connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.id == id))

    async def set_aside(self) -> SetAside:
        """Tell how much has failed so often that a person should look."""
        is_aside = ATTEMPTS.c.failed >= SET_ASIDE_AFTER
        async with self._transaction() as connection:
            count = await connection.scalar(select(func.count()).select_from(ATTEMPTS).where(is_aside))
            oldest = await connection.execute(select(ATTEMPTS).where(is_aside).order_by(ATTEMPTS.c.since).limit(1))
            row = oldest.mappings().first()
            return SetAside(count or 0, row["since"], row["reason"]) if row else SetAside()

    async def received(self, agency: str, after: int, limit: int) -> list[tuple[int, str, Message]]:
        """List what an agency and its units received: number, receiver, message; oldest first."""
        async with self._transaction() as connection:
            rows = (
                await connection.execute(
                    select(DELIVERIES.c.number, DELIVERIES.c.receiver, MESSAGES)
                    .join(MESSAGES)
                    .where(_is_of_agency(DELIVERIES.c.receiver, agency) & (DELIVERIES.c.number > after))
                    .where(DELIVERIES.c.route == PROVINCE)
                    .order_by(DELIVERIES.c.number)
                    .limit(limit)
                )
            ).mappings()
            return [(row["number"], row["receiver"], self._message(row, ())) for row in rows]

    async def is_announced(self, message: str, receiver: str) -> bool:
        """Tell whether the event of a delivery was published."""
        async with self._transaction() as connection:
            found = await connection.scalar(
                select(DELIVERIES.c.announced).where(DELIVERIES.c.message == message, DELIVERIES.c.receiver == receiver)
            )
            return bool(found)

    async def mark_announced(self, message: str, receiver: str) -> None:
        """Record that the event of a delivery was published."""
        async with self._transaction() as connection:
            await connection.execute(
                update(DELIVERIES)
                .where(DELIVERIES.c.message == message, DELIVERIES.c.receiver == receiver)
                .values(announced=1)
            )

    async def add_status(self, status: Status) -> Status:
        """Store a status, or return the one with the same id that is there."""
        row = {
            "id": status.id,
            "message": status.message or None,
            "document": status.document,
            "owner": status.owner,
            "reporter": status.reporter,
            "status": status.status,
            "time": status.time,
            "content": self._sealer.seal(status.content),
            "axis_id": status.axis_id or None,
        }
        try:
            async with self._transaction() as connection:
                await connection.execute(insert(STATUSES).values(row))
        except IntegrityError:
            existing = await self.status(status.id)
            if existing is None:
                raise
            return existing
        return status

    async def status(self, id: str) -> Status | None:  # noqa: A002 - the field's name
        """Find a status by its id."""
        async with self._transaction() as connection:
            row = (await connection.execute(select(STATUSES).where(STATUSES.c.id == id))).mappings().first()
            return self._status(row) if row else None

    async def statuses(self, document: str, owner: str) -> list[Status]:
        """List what was reported of a document, in the order of time."""
        async with self._transaction() as connection:
            rows = await connection.execute(
                select(STATUSES)
                .where(STATUSES.c.document == document, STATUSES.c.owner == owner)
                .order_by(STATUSES.c.time)
                .limit(MAX_ROWS)
            )
            return [self._status(row) for row in rows.mappings()]

    async def mark_status_announced(self, id: str) -> None:  # noqa: A002 - the field's name
        """Record that a status was published, or sent to the axis."""
        async with self._transaction() as connection:
            await connection.execute(update(STATUSES).where(STATUSES.c.id == id).values(announced=1))

    async def begin_sending(
        self,
        table: SentTable,
        id: str,  # noqa: A002 - the field's name
        now: float,
        lease: float,
    ) -> float | None:
        """Take the right to send something to the axis.

        Returns:
            When an earlier attempt began whose outcome is unknown; 0 where there was none; None where another copy is sending now.
        """
        rows = METADATA.tables[table]
        async with self._transaction() as connection:
            earlier: float | None = await connection.scalar(select(rows.c.axis_started).where(rows.c.id == id))
            is_free = rows.c.axis_started.is_(None) if earlier is None else rows.c.axis_started == earlier
            if earlier is not None and earlier > now - lease:
                return None
            taken = await connection.execute(
                update(rows).where(rows.c.id == id, rows.c.axis_id.is_(None), is_free).values(axis_started=now)
            )
            return (earlier or 0.0) if taken.rowcount else None

    async def release_sending(
        self,
        table: SentTable,
        id: str,  # noqa: A002 - the field's name
        lease: float | None = None,
    ) -> None:
        """Give the right to send back.

        Args:
            lease: where it may have been sent: as in `begin_sending`, which then says that an attempt has no outcome. None where nothing was sent.
        """
        rows = METADATA.tables[table]
        started = None if lease is None else rows.c.axis_started - lease
        async with self._transaction() as connection:
            await connection.execute(update(rows).where(rows.c.id == id).values(axis_started=started))

    async def mark_sent(self, table: SentTable, id: str, axis_id: str) -> None:  # noqa: A002 - the field's name
        """Record what the axis calls what was sent."""
        rows = METADATA.tables[table]
        async with self._transaction() as connection:
            await connection.execute(update(rows).where(rows.c.id == id).values(axis_id=axis_id))

    async def is_sent_as(self, axis_id: str) -> bool:
        """Tell whether something that was sent is known under this id of the axis."""
        async with self._transaction() as connection:
            found = [
                await connection.scalar(select(rows.c.id).where(rows.c.axis_id == axis_id).limit(1))
                for rows in (MESSAGES, STATUSES)
            ]
            return any(found)

    async def delete_before(self, time: float) -> None:
        """Delete messages and statuses from before a time."""
        async with self._transaction() as connection:
            old = select(MESSAGES.c.id).where(MESSAGES.c.time < time)
            await connection.execute(delete(STATUSES).where(STATUSES.c.time < time))
            await connection.execute(delete(DELIVERIES).where(DELIVERIES.c.message.in_(old)))
            await connection.execute(delete(FILES).where(FILES.c.message.in_(old)))
            await connection.execute(delete(STATUSES).where(STATUSES.c.message.in_(old)))
            await connection.execute(delete(MESSAGES).where(MESSAGES.c.time < time))
            await connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.since < time))

    async def _read_messages(self, condition: Any, limit: int = MAX_ROWS) -> list[Message]:
        async with self._transaction() as connection:
            rows = (
                await connection.execute(select(MESSAGES).where(condition).order_by(MESSAGES.c.time).limit(limit))
            ).mappings()
            return [self._message(row, await _receivers(connection, row["id"])) for row in rows.all()]

    def _message(self, row: RowMapping, receivers: Sequence[tuple[str, Route]]) -> Message:
        fields = {name: row[name] for name in ("id", "document", "business", "sender", "route", "time", "key")}
        content = self._sealer.open(row["content"])
        return Message(**fields, content=content, receivers=tuple(receivers), axis_id=row["axis_id"] or "")

    def _status(self, row: RowMapping) -> Status:
        fields = {name: row[name] for name in ("id", "document", "owner", "reporter", "status", "time")}
        content = self._sealer.open(row["content"])
        return Status(**fields, message=row["message"] or "", content=content, axis_id=row["axis_id"] or "")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise UpstreamFailed("unreachable", f"the document store: {type(error).__name__}") from error


def _due(table: Table, condition: Any, now: float) -> Any:
    """Select rows of messages or statuses whose next attempt is due."""
    failed = func.coalesce(ATTEMPTS.c.failed, 0)
    is_due = ATTEMPTS.c.again_at.is_(None) | (ATTEMPTS.c.again_at <= now)
    joined = select(table).join(ATTEMPTS, ATTEMPTS.c.id == table.c.id, isouter=True)
    return joined.where(condition & is_due).order_by(failed, table.c.time).limit(MAX_UNFINISHED)


async def _receivers(connection: AsyncConnection, message: str) -> list[tuple[str, Route]]:
    rows = await connection.execute(
        select(DELIVERIES.c.receiver, DELIVERIES.c.route)
        .where(DELIVERIES.c.message == message)
        .order_by(DELIVERIES.c.number)
    )
    return [(row.receiver, row.route) for row in rows]


def _is_of_agency(column: Any, agency: str) -> Any:
    return (column == agency) | column.startswith(f"{agency}.", autoescape=True)
