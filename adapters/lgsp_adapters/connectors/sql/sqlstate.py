"""The refusal of a database: its SQLSTATE, which means the same everywhere, and its own message, which must not be logged.

SQLSTATE is ISO 9075's. PostgreSQL's subclasses of class 23 are used for every database, since the others say no more than `23000`, or
nothing, and a number of their own: `23505` is always a value that must be unique and is not.
"""

import re
from typing import Any, NamedTuple

from sqlalchemy.exc import DBAPIError

from lgsp_contracts.wire import Failure

UNIQUE_VIOLATION = "23505"
_FOREIGN, _NOT_NULL, _CHECK = "23503", "23502", "23514"
_MYSQL = {
    1062: UNIQUE_VIOLATION,
    1586: UNIQUE_VIOLATION,
    1048: _NOT_NULL,
    1364: _NOT_NULL,
    1216: _FOREIGN,
    1217: _FOREIGN,
    1451: _FOREIGN,
    1452: _FOREIGN,
    3819: _CHECK,
    4025: _CHECK,
    1040: "53300",
    2002: "08001",
    2003: "08001",
    2006: "08006",
    2013: "08006",
}
_SQLITE = {
    "SQLITE_CONSTRAINT_UNIQUE": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_PRIMARYKEY": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_ROWID": UNIQUE_VIOLATION,
    "SQLITE_CONSTRAINT_FOREIGNKEY": _FOREIGN,
    "SQLITE_CONSTRAINT_NOTNULL": _NOT_NULL,
    "SQLITE_CONSTRAINT_CHECK": _CHECK,
    "SQLITE_CONSTRAINT_TRIGGER": "45000",
    "SQLITE_READONLY": "25006",
}
_ORACLE = {
    1: UNIQUE_VIOLATION,
    1400: _NOT_NULL,
    1407: _NOT_NULL,
    2290: _CHECK,
    2291: _FOREIGN,
    2292: _FOREIGN,
    1017: "28000",
    1031: "42501",
    1456: "25006",
    28: "08006",
    3113: "08006",
    3114: "08006",
}
_ORACLE_DRIVER = {
    "DPY-4011": "08006",
    "DPY-6000": "08001",
    "DPY-6001": "08001",
    "DPY-6003": "08001",
    "DPY-6005": "08001",
}
"""Errors that the driver of Oracle numbers itself: no connection, or it is lost."""

_MSSQL = {2627: UNIQUE_VIOLATION, 2601: UNIQUE_VIOLATION, 515: _NOT_NULL, 547: _FOREIGN}
_NUMBER_OF_MSSQL = re.compile(r"\(([0-9]{2,5})\)")

_UNREACHABLE = ("08", "57P", "53300")
_REFUSED = ("28", "42501")
_REFUSED_BY_MYSQL = (1044, 1142, 1143, 1227)


class DatabaseRefusal(NamedTuple):
    """A statement that a database refused, and why.

    Args:
        state: the SQLSTATE, or "" where there is none.
        note: for logs, without a word that may quote a value.
        message: the database's own, for the integrator's terminal only.
    """

    state: str
    why: Failure
    note: str
    message: str


def describe_error(error: DBAPIError, kind: str) -> DatabaseRefusal:
    """Read an error.

    Args:
        kind: of the database, as its address begins.
    """
    original: Any = error.orig
    cause = original.__cause__ or original if kind == "postgresql" else original
    number = _number(original, kind)
    state = _state(original, kind, number)
    named = f"{type(cause).__name__} {number}" if number else type(cause).__name__
    why: Failure = "broken"
    if error.connection_invalidated or state.startswith(_UNREACHABLE):
        why = "unreachable"
    elif state.startswith(_REFUSED) or (kind in ("mysql", "mariadb") and number in _REFUSED_BY_MYSQL):
        why = "refused"
    return DatabaseRefusal(state, why, f"SQLSTATE {state}, {named}" if state else named, _message(cause))


def _number(error: Any, kind: str) -> int:
    first = error.args[0] if error.args else None
    if kind == "oracle":
        first = getattr(first, "code", None)
    elif kind == "mssql":
        match = _NUMBER_OF_MSSQL.search(str(error.args[-1]) if error.args else "")
        first = int(match.group(1)) if match else None
    return first if isinstance(first, int) and kind not in ("postgresql", "sqlite") else 0


def _state(error: Any, kind: str, number: int) -> str:
    if kind == "sqlite":
        name = getattr(error, "sqlite_errorname", "") or ""
        return _SQLITE.get(name) or ("25006" if name.startswith("SQLITE_READONLY") else "")
    if kind == "mssql":
        return _MSSQL.get(number) or str(error.args[0])[:5]
    if kind == "oracle":
        driver_error = getattr(error.args[0], "full_code", "") if error.args else ""
        return _ORACLE.get(number) or _ORACLE_DRIVER.get(driver_error, "")
    known = {"mysql": _MYSQL, "mariadb": _MYSQL}.get(kind, {})
    return known.get(number) or str(getattr(error, "sqlstate", "") or "")


def _message(error: Any) -> str:
    text = str(error)
    parts = [str(part) for name in ("detail", "hint") if (part := getattr(error, name, None))]
    return " ".join([text, *(part for part in parts if part not in text)]).replace("\n", " ")
