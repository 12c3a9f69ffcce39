"""The search index of the evidence, in SQLite: derived data, filled from the stream and thrown away without loss.

The number of the last group that went in stands in the same database and changes in the same transaction, so each entry is
in it exactly once wherever the indexer was killed. Readers and the one writer do not wait for each other (WAL).
"""

import base64
import binascii
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lgsp_problems import Refusal

_COLUMNS = {
    "message": "TEXT NOT NULL",
    "time": "INTEGER NOT NULL",
    "gateway": "TEXT NOT NULL",
    "consumer": "TEXT NOT NULL",
    "agency": "TEXT NOT NULL",
    "service": "TEXT NOT NULL",
    "version": "TEXT NOT NULL",
    "operation": "TEXT NOT NULL",
    "purpose": "TEXT NOT NULL",
    "grant": "TEXT NOT NULL",
    "subject": "TEXT NOT NULL",
    "onBehalfOf": "TEXT NOT NULL",
    "outcome": "TEXT NOT NULL",
    "status": "INTEGER NOT NULL",
    "requestSize": "INTEGER NOT NULL",
    "answerSize": "INTEGER NOT NULL",
    "providerMs": "REAL NOT NULL",
    "totalMs": "REAL NOT NULL",
    "trace": "TEXT NOT NULL",
}
EXACT = ("message", "gateway", "consumer", "agency", "service", "operation", "purpose", "grant", "subject", "outcome")
"""What can be searched for as it stands, each with an index by time; `status` and `trace` too, without one."""

AT_LEAST = {"minDuration": "totalMs", "minSize": "answerSize"}
MAX_PAGE = 1000

_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_DECLARED = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
_TABLE = f"CREATE TABLE IF NOT EXISTS messages (sequence INTEGER NOT NULL, line INTEGER NOT NULL, {_DECLARED}, "
_SCHEMA = (
    f"{_TABLE} PRIMARY KEY (sequence, line)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL)",
    'CREATE INDEX IF NOT EXISTS by_time ON messages ("time")',
    *(f'CREATE INDEX IF NOT EXISTS by_{name} ON messages ("{name}", "time")' for name in EXACT),
)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: `exact` and `least` by the names of the entry's fields, times in milliseconds since 1970."""

    exact: Mapping[str, str | int]
    least: Mapping[str, float]
    since: int | None = None
    until: int | None = None
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and where the next page begins; empty when there is none."""

    items: list[dict[str, Any]]
    cursor: str


class Index:
    """One index.

    Raises:
        Refusal: `index-unavailable`, here and in every method, when the database cannot be used.
    """

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._path = path
        self._writes = writes
        self._database: sqlite3.Connection | None = None
        self._opened = (0, 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._database:
            self._database.close()
        self._database = None

    def progress(self) -> int:
        """The last group that is in the index; 0 where none is."""
        try:
            found = self._open().execute("SELECT sequence FROM progress").fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        return int(found[0]) if found else 0

    def add(self, groups: Sequence[tuple[int, bytes]]) -> int:
        """Add groups of entries, all or none: how many entries there were."""
        rows = [row for sequence, group in groups for row in _rows(sequence, group)]
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        database = self._open()
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany(f"INSERT OR REPLACE INTO messages VALUES ({marks})", rows)  # noqa: S608
                database.execute("INSERT OR REPLACE INTO progress VALUES (1, ?)", (groups[-1][0],))
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        return len(rows)

    def search(self, search: Search) -> Page:
        """One page of what is found.

        Raises:
            Refusal: `malformed`, when the cursor is not one of ours.
        """
        conditions, values = _conditions(search)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        query = (
            f"SELECT sequence, line, {_NAMES} FROM messages {where} "  # noqa: S608 - names are ours, values are bound
            'ORDER BY "time" DESC, sequence DESC, line DESC LIMIT ?'
        )
        try:
            found = self._open().execute(query, (*values, search.limit + 1)).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        shown = found[: search.limit]
        more = len(found) > search.limit
        items = [dict(zip(_COLUMNS, row[2:], strict=True)) for row in shown]
        return Page(items, _cursor(items[-1]["time"], *shown[-1][:2]) if more else "")

    def _open(self) -> sqlite3.Connection:
        if self._database is not None and self._file() != self._opened:
            self.close()  # somebody removed it, and perhaps there is a new one: begin again
        if self._database is None:
            try:
                mode = "rwc" if self._writes else "ro"
                uri = f"{self._path.absolute().as_uri()}?mode={mode}"
                database = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
                if self._writes:
                    database.execute("PRAGMA journal_mode = WAL")
                    database.execute("PRAGMA synchronous = NORMAL")
                    for statement in _SCHEMA:
                        database.execute(statement)
            except sqlite3.Error as error:
                raise self._unusable(error) from None
            self._database, self._opened = database, self._file()
        return self._database

    def _file(self) -> tuple[int, int]:
        """Which file stands under the name."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _unusable(self, error: sqlite3.Error) -> Refusal:
        self.close()
        return Refusal(
            "index-unavailable",
            vi=f"Chỉ mục tìm kiếm chưa dùng được ({error}); hãy chạy `lgsp indexer run` và kiểm tra tệp của nó.",
            en=f"The search index cannot be used ({error}); run `lgsp indexer run` and check its file.",
            retry_after=5,
        )


def _rows(sequence: int, group: bytes) -> Iterable[tuple[Any, ...]]:
    for line, entry in enumerate(group.split(b"\n")):
        found = orjson.loads(entry)
        yield (sequence, line, *(found[name] for name in _COLUMNS))


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for name, value in search.exact.items():
        conditions.append(f'"{name}" = ?')
        values.append(value)
    for name, least in search.least.items():
        conditions.append(f'"{name}" >= ?')
        values.append(least)
    for operator, moment in ((">=", search.since), ("<", search.until)):
        if moment is not None:
            conditions.append(f'"time" {operator} ?')
            values.append(moment)
    if search.cursor:
        conditions.append('("time", sequence, line) < (?, ?, ?)')
        values += _place(search.cursor)
    return conditions, values


def _cursor(time: int, sequence: int, line: int) -> str:
    return base64.urlsafe_b64encode(f"{time}.{sequence}.{line}".encode()).decode().rstrip("=")


def _place(cursor: str) -> list[int]:
    try:
        place = [int(part) for part in base64.urlsafe_b64decode(cursor + "==").decode().split(".")]
    except (binascii.Error, ValueError):
        place = []
    if len(place) != 3:
        raise Refusal(
            "malformed",
            vi="cursor không phải do trang trước trả về; hãy bỏ nó đi để bắt đầu lại.",
            en="cursor is not one that a page gave; leave it out to begin again.",
        )
    return place
