"""Reads a statement of a manifest before it is ever sent: its parameters, and what its database would misread or refuse."""

import re
from collections.abc import Collection

from lgsp_contracts.source_location import SourceLocation

_CAST = re.compile(r"(?<![:\w\\]):(\w+)::\s*([A-Za-z_][\w.]*(?:\s*\([\d,\s]*\))?(?:\[\])?)")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`[^`]*`|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Where a semicolon ends no statement: texts, names, bodies of functions, comments."""
_WITH_BLOCKS = ("oracle", "mssql", "")
"""Where a call is, or may be, a block of statements."""
_LIST = re.compile(r"\bIN\s+:(\w+)", re.IGNORECASE)
_SQLITE_DATE = re.compile(r"\bAS\s+(date|datetime|timestamp|time)\s*\)", re.IGNORECASE)


def parameters_by_name(named: set[str], fields: Collection[str], given: Collection[str]) -> dict[str, str]:
    """Return the parameters that a manifest leaves out because the request has a field of their name, with their expressions."""
    return {name: f'request."{name}"' for name in named if name in fields and name not in given}


def list_parameters(statement: str) -> list[str]:
    """Return the parameters that stand for a list: `IN :danhSach`."""
    return list(dict.fromkeys(_LIST.findall(_QUOTED.sub(" ", statement))))


def check_statement(statement: str, named: set[str], given: set[str], kind: str, location: SourceLocation) -> None:
    """Refuse what could only go wrong.

    Args:
        named: the parameters in the statement, as the library reads it.
        given: those that have a value.
        kind: of the database; "" where that is not known yet.
        location: of the operation.

    Raises:
        Refusal: `invalid-document`, with what to write instead.
    """
    bare = _QUOTED.sub(" ", statement).strip()
    if kind not in _WITH_BLOCKS and not bare.upper().startswith("BEGIN") and ";" in bare.rstrip("; \n"):
        raise (location / "statement").refusal(
            "mỗi thao tác chỉ có một câu lệnh; hãy dùng một thủ tục hoặc WITH",
            "an operation has one statement; use a procedure or WITH",
        )
    cast = _CAST.search(statement)
    if cast:
        meant = f"CAST(:{cast.group(1)} AS {cast.group(2)})"
        raise (location / "statement").refusal(
            f"hãy viết {meant} thay cho {cast.group()}", f"write {meant} for {cast.group()}"
        )
    if kind == "sqlite" and _SQLITE_DATE.search(statement):
        raise (location / "statement").refusal(
            "SQLite đọc CAST(… AS date) thành số năm; hãy viết date(…)",
            "SQLite makes the number of the year of CAST(… AS date); write date(…)",
        )
    if named != given:
        mismatched = ", ".join(sorted(named ^ given))
        raise (location / "parameters").refusal(
            f"câu lệnh và danh sách tham số không khớp ở: {mismatched}; chỉ tham số trùng tên một trường của yêu cầu mới được"
            " bỏ khỏi danh sách, và dấu hai chấm trong chuỗi viết là \\:",
            f"statement and parameters do not agree on: {mismatched}; name each in both (a field of the request with that"
            " name needs no entry), and write a colon in a text as \\:",
        )
