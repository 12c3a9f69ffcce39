"""`lgsp adapter preview`: what a file of an office holds, and what an adapter would take of it, without an inbox or a bus."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import yaml
from cyclopts import Parameter

from lgsp_adapters.cli.contracts_option import Contracts
from lgsp_adapters.cli.operation_arguments import load_both
from lgsp_adapters.connectors import connector_lookup
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import UnreadableFileError
from lgsp_adapters.tabular.table import MAX_LINES, describe, join_lines
from lgsp_adapters.text.comparison import printable_name
from lgsp_adapters.upstream.response import printable_text
from lgsp_contracts import exact_json
from lgsp_contracts.cli.terminal import out
from lgsp_problems import NotFound, Refusal

Output = Annotated[Literal["text", "json"], Parameter(name=["--output", "-o"])]

_INSPECTION = "lgsp_adapters.subprocess_reader.inspection_parser"
_DOCUMENTS = ("request", "answer")
"""What entries have as JSON text, so that no number in it loses digits."""

_WIDTH = 10_000
"""So wide that no expression is broken into lines."""


def preview(
    file: Path,
    /,
    *,
    manifest: str = "",
    contract: Contracts = [],  # noqa: B006 - cyclopts reads it, nobody writes to it
    limit: int = 20,
    faults: Annotated[bool, Parameter(negative="")] = False,
    output: Output = "text",
) -> None:
    """Show what a file holds: its sheets, headings and columns, and a draft of `files` for a manifest.

    With a manifest, show what its adapter would take: each row with its answer or request, or with its fault. Values are shown, so the
    output is personal data where the file is. The file may lie anywhere, and nothing is written beside it.

    Parameters
    ----------
    file
        The file: a workbook (.xlsx, .xls, .ods), CSV or XML.
    manifest
        A manifest of the connector files or rows: a path, or the name of one that comes with lgsp.
    contract
        A contract, or a folder of them; those that come with lgsp by default.
    limit
        How many rows and faults are shown; 0 for all.
    faults
        Show faults alone.
    output
        text, or json: one document with everything.
    """
    job = connector_lookup.preview_job(*load_both(manifest, contract)) if manifest else {"parser": _INSPECTION}
    entries: list[dict[str, Any]] = []

    def collect(part: Mapping[str, Any]) -> None:
        wanted = [entry for entry in part["entries"] if not faults or "fault" in entry]
        entries.extend(wanted[: limit - len(entries)] if limit else wanted)

    result = _read(file, job, collect)
    if not manifest:
        out(_inspection_text(file.name, result) if output == "text" else _json(result))
        return
    out(_preview_text(entries, result) if output == "text" else _json({**result, "entries": [*map(_parsed, entries)]}))
    if result["faults"]:
        raise Refusal(
            "invalid-document",
            vi=f"{printable_name(file.name)}: có {result['faults']} lỗi; hãy sửa tệp hoặc bản khai.",
            en=f"{printable_name(file.name)}: {result['faults']} fault{'s' * (result['faults'] > 1)}; correct the file or the manifest.",
        )


def _read(path: Path, job: dict[str, Any], collect: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    name = printable_name(path.name)
    try:
        with path.open("rb") as file:
            result = asyncio.run(reader.read(file, job, collect))
    except OSError as error:
        raise NotFound(
            vi=f"Không mở được tệp {name}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"The file {name} cannot be opened: {error.strerror}; check the path.",
        ) from error
    except UnreadableFileError as unreadable:
        raise Refusal(
            "invalid-document", vi=f"{name}: không nhận được tệp này: {unreadable}.", en=f"{name}: {unreadable}."
        ) from unreadable
    except reader.ReaderError as error:
        where = "; ".join(error.frames)
        raise Refusal(
            "invalid-document",
            vi=f"{name}: không đọc được ({error.error}; {where}).",
            en=f"{name}: it cannot be read ({error.error}; {where}).",
        ) from error
    return {key: value for key, value in result.items() if key != "last"}


def _parsed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: exact_json.loads(value) if name in _DOCUMENTS else value for name, value in entry.items()}


def _json(document: object) -> str:
    return exact_json.dumps(document, orjson.OPT_INDENT_2).decode() + "\n"


def _preview_text(entries: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    lines = [describe({**entry, "fault": entry.get("fault") or _document(entry)}) for entry in entries]
    lines += result["notices"]
    if result["skipped"]:
        lines.append(f"lines that are no rows: {result['skipped']} ({join_lines(result['skippedLines'])})")
    lines.append(f"rows: {result['rows']}, faults: {result['faults']}")
    return "".join(f"{printable_text(line)}\n" for line in lines)


def _document(entry: Mapping[str, Any]) -> str:
    """Write what a row makes: the request of its call, or the key under which it is found and the answer."""
    if "request" in entry:
        return str(entry["request"])
    lines = f" (lines {', '.join(map(str, entry['lines']))})" if "lines" in entry else ""
    return f"{entry['operation']} {', '.join(entry['key'])}{lines}: {entry['answer']}"


def _inspection_text(name: str, result: Mapping[str, Any]) -> str:
    lines = [line for sheet in result["sheets"] for line in _sheet_lines(sheet)]
    draft = {"files": {"pattern": f"*{Path(name).suffix}", **result["files"]}}
    lines += [
        "",
        *yaml.safe_dump(draft, allow_unicode=True, sort_keys=False, default_flow_style=None, width=_WIDTH).splitlines(),
    ]
    return "".join(f"{printable_text(line)}\n" for line in lines)


def _sheet_lines(sheet: Mapping[str, Any]) -> Iterator[str]:
    title = f"sheet {sheet['name']}{'' if sheet['visible'] else ' (hidden)'}: " if sheet["name"] else ""
    if "columns" not in sheet:
        yield f"{title}no headings found; lines with a value: {sheet['lines']}"
        return
    first, last = sheet.get("heading", (0, 0))
    where = (
        ""
        if not first
        else f"headings in line {first}, "
        if first == last
        else f"headings in lines {first} to {last}, "
    )
    if "unreadable" in sheet:
        yield f"{title}{where}but {sheet['unreadable']}"
        return
    yield f"{title}{where}rows: {sheet['rows']}, faulty cells: {sheet['faults']}"
    for column in sheet["columns"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in column["kinds"].items()) or "no value"
        absent = f", {column['absent']} absent" if column["absent"] else ""
        yield f"  {column['heading']}: {kinds}{absent}"
        if "hint" in column:
            yield f"      {column['hint']}"
    if sheet["skipped"]:
        yield f"  lines that seem to be no rows: {', '.join(map(str, sheet['skipped'][:MAX_LINES]))}"
