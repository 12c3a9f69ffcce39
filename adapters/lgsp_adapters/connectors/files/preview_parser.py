"""Previews an inbox file as a register, in the process that may die (`subprocess_reader`): what each row answers, or its faults."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from lgsp_adapters.connectors.files import register
from lgsp_adapters.connectors.files.file_parser import lookups_of
from lgsp_adapters.subprocess_reader.parser import ROWS_PER_PART, Emit
from lgsp_adapters.tabular import tables
from lgsp_adapters.tabular.layout import Layout
from lgsp_adapters.tabular.table import Fault, Table
from lgsp_contracts import exact_json, whole_numbers


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Emit `entries` in the order of rows: where each stands, with its key and answer as JSON text, or with its fault.

    Raises:
        UnreadableFileError: it is no such table.
    """
    lookups = lookups_of(job)
    layout = Layout(**job["layout"])
    table = tables.read(file, layout, register.needed_columns(lookups))
    checked = register.check_table(table, lookups, optional=layout.format == "xml")
    by_row: dict[int, list[Fault]] = {}
    for fault in checked.faults:
        by_row.setdefault(fault["row"], []).append(fault)
    entries: list[Fault] = [*by_row.get(0, ())]
    found = {name: _answers(table, lookup, job["responses"][name], by_row) for name, lookup in lookups.items()}
    for index in range(len(table.rows)):
        entries += by_row.get(index + 1, ())
        for name, answers in found.items():
            if entry := answers.get(index):
                entries.append({"operation": name, **table.reference(index), **entry})
        if len(entries) >= ROWS_PER_PART:
            emit({"entries": entries})
            entries = []
    emit({"entries": entries})
    return {
        "rows": len(table.rows),
        "faults": len(checked.faults),
        "withoutKey": checked.without_key,
        "skipped": table.skipped,
        "skippedLines": table.skipped_lines,
        "notices": checked.notices,
    }


def _answers(
    table: Table, lookup: register.Lookup, response: Any, faults: Mapping[int, list[Fault]]
) -> dict[int, Mapping[str, Any]]:
    """Return the key and answer that rows without a fault make, by the first of those rows, from 0."""
    convert = whole_numbers.whole_numbers(response)
    answers: dict[int, Mapping[str, Any]] = {}
    for key, numbers in lookup.index_rows(table)[0].items():
        if not any(number + 1 in faults for number in numbers):
            answer = exact_json.dumps(convert(lookup.answer_of(table, numbers))).decode()
            more = {"lines": [table.lines[number] for number in numbers]} if len(numbers) > 1 else {}
            answers[numbers[0]] = {"key": list(key), **more, "answer": answer}
    return answers
