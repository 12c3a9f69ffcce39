"""Makes the requests of an inbox file's rows, in the process that may die (`subprocess_reader`)."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, BinaryIO

from lgsp_adapters.connectors.rows.connector import RequestBuilder, RowError
from lgsp_adapters.subprocess_reader.parser import ROWS_PER_PART, Emit, digest_of
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation

_FAULTY: Mapping[str, Any] = {"fault": "a cell of it is faulty, as are those of rows above"}
"""Of a row behind those whose faults are kept in detail."""


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Emit, for each row of a file, the body of its call, or what is wrong with the row.

    Raises:
        UnreadableFileError: it is no such table.
    """

    location = SourceLocation(job["name"], text=job["text"])
    build_request = RequestBuilder(
        job["request"], location / "request", Schema(job["schema"], "request"), job["connection"]
    )
    layout = Layout(**job["layout"])
    content = digest_of(file)
    table = tables.read(file, layout, sorted(build_request.needed))
    wrong: dict[int, Mapping[str, Any]] = {}
    for fault in table.faults:
        wrong.setdefault(fault["row"], fault)
    seen: Counter[str] = Counter()
    part: list[Mapping[str, Any]] = []
    for number, row in enumerate(table.rows, 1):
        entry: dict[str, Any] = table.reference(number - 1)
        try:
            if number in table.faulty:
                first = wrong.get(number, _FAULTY)
                raise RowError(first["fault"], first.get("column", ""))
            body = build_request(row)
            digest = hashlib.sha256(body).hexdigest()
            # equal rows are told apart by how many of them came before
            entry |= {"body": body.decode(), "digest": f"{digest}/{seen[digest]}"}
            seen[digest] += 1
        except RowError as bad:
            entry |= {"fault": str(bad), "column": bad.column, "manifest": bad.manifest}
        part.append(entry)
        if len(part) == ROWS_PER_PART:
            emit({"requests": part})
            part = []
    emit({"requests": part})
    return {"content": content, "skipped": table.skipped, "skippedLines": table.skipped_lines}
