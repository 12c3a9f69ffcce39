"""Reads an inbox file as a register that is looked up, in the process that may die (`subprocess_reader`)."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from lgsp_adapters.connectors.files import register
from lgsp_adapters.subprocess_reader.parser import ROWS_PER_PART, Emit, digest_of
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Emit the rows of a file and the keys under which each operation finds them, unless something is wrong with it.

    Raises:
        UnreadableFileError: it is no such table.
    """
    lookups = lookups_of(job)
    layout = Layout(**job["layout"])
    content = digest_of(file)
    table = tables.read(file, layout, register.needed_columns(lookups))
    checked = register.check_table(table, lookups, optional=layout.format == "xml")
    if not checked.faults:
        for begin in range(0, len(table.rows), ROWS_PER_PART):
            emit({"rows": [orjson.dumps(row).decode() for row in table.rows[begin : begin + ROWS_PER_PART]]})
        for name, keys in checked.keys.items():
            pairs = [(orjson.dumps(key).decode(), numbers) for key, numbers in keys.items()]
            for begin in range(0, len(pairs), ROWS_PER_PART):
                emit({"operation": name, "keys": pairs[begin : begin + ROWS_PER_PART]})
    return {
        "rows": len(table.rows),
        "sizes": {name: sum(len(numbers) for numbers in keys.values()) for name, keys in checked.keys.items()},
        "faults": checked.faults,
        "withoutKey": checked.without_key,
        "notices": checked.notices,
        "skipped": table.skipped,
        "skippedLines": table.skipped_lines,
        "content": content,
    }


def lookups_of(job: Mapping[str, Any]) -> dict[str, register.Lookup]:
    """Make the look-ups of a job."""
    location = SourceLocation(job["name"], text=job["text"]) / "operations"
    return {
        name: register.Lookup(
            document,
            location / name,
            Schema(job["requests"][name], name),
            Schema(job["responses"][name], name),
            job["connection"],
        )
        for name, document in job["operations"].items()
    }
