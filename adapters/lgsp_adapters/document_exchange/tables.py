"""The tables of the exchange, in SQLite on one machine or in PostgreSQL."""

import sqlite3
from typing import Any, Literal

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from lgsp_problems import CannotStart

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

METADATA = MetaData()
MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String, primary_key=True),
    Column("document", String, nullable=False),
    Column("business", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("route", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("key", String, unique=True, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("axis_id", String),
    Column("axis_started", Float),
    Index("messages_by_document", "document", "sender"),
    Index("messages_by_time", "time"),
)
DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("message", String, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("receiver", String, nullable=False),
    Column("route", String, nullable=False),
    Column("announced", Integer, nullable=False, default=0),
    Index("deliveries_by_receiver", "receiver", "number"),
    Index("deliveries_by_message", "message", "receiver", unique=True),
)
FILES = Table(
    "files",
    METADATA,
    Column("message", String, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("reference", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
STATUSES = Table(
    "statuses",
    METADATA,
    Column("id", String, primary_key=True),
    Column("message", String, ForeignKey("messages.id", ondelete="CASCADE")),
    Column("document", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("reporter", String, nullable=False),
    Column("status", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("announced", Integer, nullable=False, default=0),
    Column("axis_id", String),
    Column("axis_started", Float),
    Index("statuses_by_document", "document", "owner"),
)
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("id", String, primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("again_at", Float, nullable=False),
    Column("reason", String, nullable=False),
)
"""What could not be finished, by the id of the message or status: how often it failed, since when, and when it is tried again."""

SentTable = Literal["messages", "statuses"]
"""The tables of what may go to the axis, by name."""


def create_engine(address: str) -> AsyncEngine:
    """Return the engine of a database, which connects to nothing yet.

    Args:
        address: `sqlite:///PATH` or `postgresql://…`.

    Raises:
        Refusal: `cannot-start`, where it is no such address.
    """
    try:
        url = make_url(address)
        url = url.set(drivername=_DRIVERS[url.get_backend_name()])
    except (ArgumentError, KeyError) as error:
        raise CannotStart(
            vi="Địa chỉ kho văn bản phải có dạng sqlite:///TỆP hoặc postgresql://…; hãy sửa connection.database.",
            en="The address of the document store must be sqlite:///FILE or postgresql://…; correct connection.database.",
        ) from error
    engine = create_async_engine(url, pool_size=4, hide_parameters=True)
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Have SQLite sync each transaction, and wait for another copy's."""
    cursor: sqlite3.Cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
