"""Reads an inbox file row by row for the events that are made of them, in the process that may die (`subprocess_reader`)."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from lgsp_adapters.subprocess_reader.parser import ROWS_PER_PART, Emit, digest_of
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout

_FAULTY: Mapping[str, Any] = {"fault": "a cell of it is faulty, as are those of rows above"}
"""Of a row behind those whose faults are kept in detail."""


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Emit where each row of a file stands, and the row as JSON text or what is wrong with it.

    Raises:
        UnreadableFileError: it is no such table.
    """
    content = digest_of(file)
    table = tables.read(file, Layout(**job["layout"]), job["needed"])
    wrong: dict[int, Mapping[str, Any]] = {}
    for fault in table.faults:
        wrong.setdefault(fault["row"], fault)
    entries = []
    for number, row in enumerate(table.rows, 1):
        entry = table.reference(number - 1)
        if number in table.faulty:
            entries.append({**entry, **wrong.get(number, _FAULTY)})
        else:
            entries.append({**entry, "content": orjson.dumps(row).decode()})
        if len(entries) == ROWS_PER_PART:
            emit({"entries": entries})
            entries = []
    emit({"entries": entries})
    return {"content": content, "skipped": table.skipped, "skippedLines": table.skipped_lines}
