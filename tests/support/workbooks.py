"""Workbooks as spreadsheets write them, made cell by cell, so that a test says what stands in the file."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_OPEN = "http://schemas.openxmlformats.org"
_MAIN = f"{_OPEN}/spreadsheetml/2006/main"
_PACKAGE = f"{_OPEN}/package/2006/relationships"
_OFFICE = f"{_OPEN}/officeDocument/2006/relationships"


class Cell(str):
    """The XML of a cell as it is."""


def text(value: str) -> Cell:
    return Cell(f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>')


def number(value: str, form: int = 0) -> Cell:
    """A number, with a format of `FORMATS`."""
    return Cell(f'<c s="{form}"><v>{value}</v></c>')


def error(value: str) -> Cell:
    return Cell(f'<c t="e"><v>{value}</v></c>')


def formula(value: str, result: str = "") -> Cell:
    return Cell(f"<c><f>{escape(value)}</f>{f'<v>{result}</v>' if result else '<v/>'}</c>")


def truth(value: int) -> Cell:
    return Cell(f'<c t="b"><v>{value}</v></c>')


FORMATS = [
    "General",
    "000000000000",
    "0.00",
    "[h]:mm:ss",
    "dd/mm/yyyy",
    "h:mm",
    '"022"000000000',
    "#,##0",
    "dd/mm/yyyy h:mm",
]


def written(path: Path, *lines: tuple[str | float, ...], **sheets: list[tuple[str | float, ...]]) -> Path:
    """A workbook of one sheet; further ones by name stand behind it."""
    names = {"a": list(lines), **sheets}
    styles = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{escape(f, {chr(34): "&quot;"})}"/>' for n, f in enumerate(FORMATS)
    )
    used = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(FORMATS)))
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    related += f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    told = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{told}</sheets></workbook>'
        )
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>')
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><numFmts>{styles}</numFmts><cellXfs>{used}</cellXfs></styleSheet>',
        )
        for n, rows in enumerate(names.values(), 1):
            book.writestr(f"xl/worksheets/sheet{n}.xml", sheet(*rows))
    return path


def merge(path: Path, *ranges: str, sheet_number: int = 1) -> Path:
    """Merge cells of a workbook, such as A1:F1."""
    part = f"xl/worksheets/sheet{sheet_number}.xml"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    merged = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    parts[part] = parts[part].replace(b"</sheetData>", f"</sheetData><mergeCells>{merged}</mergeCells>".encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def sheet(*lines: tuple[str | float, ...]) -> str:
    """The XML of a sheet."""
    rows = "".join(
        f'<row r="{n}">{"".join(_cell(value, n, column) for column, value in enumerate(line))}</row>'
        for n, line in enumerate(lines, 1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def _cell(value: str | float, row: int, column: int) -> str:
    cell = value if isinstance(value, Cell) else text(value) if isinstance(value, str) else number(str(value))
    return cell.replace("<c", f'<c r="{chr(65 + column)}{row}"', 1)


_OPEN_DOCUMENT = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)


def open_document(path: Path, merged: tuple[str, ...] = (), **sheets: list[tuple[str | float, ...]]) -> Path:
    """A workbook of LibreOffice; cells that are merged, such as A1:F1, are so in all sheets but the first."""
    spans = {first: _size(first, last) for first, last in (one.split(":") for one in merged)}
    tables = []
    for number, (name, lines) in enumerate(sheets.items()):
        rows = "".join(
            "<table:table-row>"
            + "".join(
                _open_cell(value, spans.get(f"{chr(65 + column)}{row}") if number else None)
                for column, value in enumerate(line or ("",))
            )
            + "</table:table-row>"
            for row, line in enumerate(lines, 1)
        )
        tables.append(f'<table:table table:name="{name}">{rows}</table:table>')
    body = f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("content.xml", f"<office:document-content {_OPEN_DOCUMENT}>{body}</office:document-content>")
    return path


def _size(first: str, last: str) -> tuple[int, int]:
    """The columns and rows of a merged cell; its columns have one letter."""
    return ord(last[0]) - ord(first[0]) + 1, int(last[1:]) - int(first[1:]) + 1


def _open_cell(value: str | float, span: tuple[int, int] | None) -> str:
    kind = (
        'office:value-type="string"' if isinstance(value, str) else f'office:value-type="float" office:value="{value}"'
    )
    size = f' table:number-columns-spanned="{span[0]}" table:number-rows-spanned="{span[1]}"' if span else ""
    return (
        f"<table:table-cell {kind}{size}><text:p>{value}</text:p></table:table-cell>"
        if value != ""
        else "<table:table-cell/>"
    )
