"""The tables of the index: the same in SQLite and in PostgreSQL, where the messages are partitioned by month.

Names (of systems, agencies, services …) stand once in `names`; a message holds their numbers, which makes a row and each of
its indexes small. Some numbers are fixed, so that an index of the database can leave out common values, which nobody
searches for: nearly every message was answered, and many have no purpose.
"""

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

LINE_BITS = 16
"""A place is one integer: the number of the batch, followed by so many bits for the line in it."""

VERSION = 4
"""To be increased where rows must change: an index of another version is dropped and filled again, without what was archived.

A nullable column of messages needs no new version: name it in `ADDED`."""

NOTHING, ANSWERED, CALL, ACCEPTED, DELIVERED, DELIVERY, DELIVERING = range(7)
FIXED = {
    "": NOTHING,
    "answered": ANSWERED,
    "call": CALL,
    "accepted": ACCEPTED,
    "delivered": DELIVERED,
    "delivery": DELIVERY,
    "delivering": DELIVERING,
}

NAMED = (
    "gateway",
    "consumer",
    "agency",
    "provider",
    "service",
    "version",
    "operation",
    "purpose",
    "grant",
    "outcome",
    "kind",
    "event",
    "to",
    "state",
    "by",
)
"""Columns of a message that hold the number of a name."""

RARE = {
    "purpose": NOTHING,
    "grant": NOTHING,
    "outcome": DELIVERED,
    "kind": CALL,
    "event": NOTHING,
    "to": NOTHING,
    "by": NOTHING,
}
"""Indexed only where the number is higher than this one."""

metadata = MetaData()

names = Table(
    "names",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)

progress = Table(
    "progress",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)
"""The number of the last batch in the index. It changes in the transaction that adds the batch."""

messages = Table(
    "messages",
    metadata,
    Column("time", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in NAMED),
    Column("requestSize", Integer, nullable=False),
    Column("answerSize", Integer, nullable=False),
    Column("providerMs", REAL, nullable=False),
    Column("totalMs", REAL, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("durationClass", SmallInteger, nullable=False),
    Column("sizeClass", SmallInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("trace", LargeBinary),
    Column("subject", LargeBinary),
    Column("onBehalfOf", LargeBinary),
    Column("file", LargeBinary),
    Column("reference", Text),
    Column("adapterMs", REAL),
    Column("upstreamMs", REAL),
    PrimaryKeyConstraint("time", "place"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (time)",
)
"""`time` in milliseconds since 1970; `place` is the number of the batch times 65,536 plus the line in it; `leaf` the index of
the entry in the gateway's log. A provider is searched for by its services.

The classes stand for durations and sizes that differ by less than four times (`class_of`). An index of the durations themselves
would find the long ones, but not the newest of them: PostgreSQL then reads all by time, and takes minutes where few are
that long (measured with 10 million messages)."""

ADDED = ("adapterMs", "upstreamMs")
"""Columns that an index of this version lacks where an earlier release made it: whoever writes it adds them in place.

They are nullable, without an index, and null in the rows that were there. So an earlier release goes on beside them: it names the columns
that it reads and writes."""

CLASSES = range(11)


def class_of(amount: float) -> int:
    """Return the class of an amount: 0 below 1, 1 below 4, 2 below 16, and so on; the last has no upper end."""
    return min((int(amount).bit_length() + 1) >> 1, CLASSES[-1])


SMALL_SIZE = 64
"""Bytes of an answer in size class 0."""

Index("by_message", messages.c.message)
_has_subject = messages.c.subject.is_not(None)
_has_trace = messages.c.trace.is_not(None)
_has_file = messages.c.file.is_not(None)
Index("by_trace", messages.c.trace, messages.c.time, sqlite_where=_has_trace, postgresql_where=_has_trace)
Index("by_subject", messages.c.subject, messages.c.time, sqlite_where=_has_subject, postgresql_where=_has_subject)
_has_reference = messages.c.reference.is_not(None)
Index(
    "by_reference",
    messages.c.reference,
    messages.c.time,
    sqlite_where=_has_reference,
    postgresql_where=_has_reference,
)
Index("by_file", messages.c.file, messages.c.time, sqlite_where=_has_file, postgresql_where=_has_file)
for _name in ("consumer", "agency", "service", "operation", "durationClass", "sizeClass"):
    Index(f"by_{_name}", messages.c[_name], messages.c.time)
for _name, _common in RARE.items():
    _where = messages.c[_name] > _common
    Index(f"by_{_name}", messages.c[_name], messages.c.time, sqlite_where=_where, postgresql_where=_where)

logs = Table(
    "logs",
    metadata,
    Column("gateway", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)

tiles = Table(
    "tiles",
    metadata,
    Column("gateway", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("gateway", "level", "number"),
)
"""The hashes of a log's tree, 256 side by side in a tile (C2SP `tlog-tiles`): level 0 holds the leaves, each next level the
roots of full tiles."""

flows = Table(
    "flows",
    metadata,
    Column("span", SmallInteger, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("consumer", Integer, nullable=False),
    Column("provider", Integer, nullable=False),
    Column("service", Integer, nullable=False),
    Column("operation", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("ending", SmallInteger, nullable=False),
    Column("duration", SmallInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    PrimaryKeyConstraint("span", "began", "consumer", "provider", "service", "operation", "kind", "ending", "duration"),
    sqlite_with_rowid=False,
)
"""Calls that ended alike and took about the same time, counted for spans of so many seconds."""

statistics = Table(
    "statistics",
    metadata,
    Column("month", Text, nullable=False),
    *(Column(name, Integer, nullable=False) for name in ("agency", "provider", "service", "operation", "purpose")),
    Column("ending", SmallInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("requestBytes", BigInteger, nullable=False),
    Column("answerBytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("month", "agency", "provider", "service", "operation", "purpose", "ending"),
    sqlite_with_rowid=False,
)
"""What passed in a month of Vietnam's time, for the reports an operator owes. Kept when messages are pruned."""
