"""Previews an inbox file as calls, in the process that may die (`subprocess_reader`): the request of each row, or its fault."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from lgsp_adapters.connectors.rows import file_parser
from lgsp_adapters.subprocess_reader.parser import Emit

_KEPT = ("row", "sheet", "line", "column", "fault", "manifest")


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Emit `entries`: where each row stands, with its request as JSON text, or with its fault.

    Raises:
        UnreadableFileError: it is no such table.
    """
    counts = {"rows": 0, "faults": 0}

    def emit_entries(part: Mapping[str, Any]) -> None:
        entries = []
        for request in part["requests"]:
            entry = {name: request[name] for name in _KEPT if request.get(name)}
            entries.append(entry if "fault" in entry else {**entry, "request": request["body"]})
            counts["rows"] += 1
            counts["faults"] += "fault" in entry
        emit({"entries": entries})

    last = file_parser.parse(job, file, emit_entries)
    return {**counts, "skipped": last["skipped"], "skippedLines": last["skippedLines"], "notices": []}
