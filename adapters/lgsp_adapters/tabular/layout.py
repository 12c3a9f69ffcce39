"""How a manifest describes the table in a file: its sheets, its headings, and which lines below them are rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.tabular import encodings
from lgsp_adapters.tabular.limits import MAX_HEADING_LINES
from lgsp_adapters.text.comparison import normalize_document, normalize_heading
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation

SHEET = "@sheet"
"""The column that holds the name of the sheet of a row."""

ROW = ("row",)
"""The variable of the conditions `skip` and `end`."""


@dataclass(frozen=True)
class Layout:
    """The layout of a table in a file, as `files` of a manifest describes it.

    Args:
        format: csv, xlsx or xml.
        row: in XML, the local name of the element that is a row.
        sheet: of a workbook: a name, a pattern with `*` and `?`, or several of them; the first visible sheet when it is empty.
        heading: the line of the headings, or the first and the last one.
        fill: the headings of columns in which a merged cell counts for each of its lines.
        join: the headings of several columns, whose texts are joined with a space.
        skip: an expression on `row`: lines for which it is true are no rows.
        end: an expression on `row`: the first line for which it is true, and those below it, are no rows.
    """

    format: str
    delimiter: str = ","
    encoding: str = "utf-8"
    row: str = "row"
    sheet: str | Sequence[str] = ""
    heading: int | Sequence[int] = 1
    fill: Sequence[str] = ()
    join: Sequence[str] = ()
    skip: str = ""
    end: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any], location: SourceLocation) -> "Layout":
        """Make the layout that a manifest describes.

        Raises:
            Refusal: `invalid-document`, when the encoding is unknown, the lines of the headings are no range, a condition is no expression,
                or the format has nothing of the kind.
        """
        known = {name: value for name, value in settings.items() if name in cls.__dataclass_fields__}
        try:
            layout = cls(**{**known, "encoding": encodings.canonical(str(known.get("encoding", "utf-8")))})
        except encodings.UnknownEncodingError as error:
            raise (location / "encoding").refusal(
                "không có bảng mã này; hãy dùng utf-8, utf-16, windows-1258, tcvn3 hoặc vni",
                "there is no such encoding; use utf-8, utf-16, windows-1258, tcvn3 or vni",
            ) from error
        first, last = layout.heading_lines
        if not first <= last < first + MAX_HEADING_LINES:
            raise (location / "heading").refusal(
                f"hãy ghi dòng đầu và dòng cuối của tiêu đề cột, nhiều nhất {MAX_HEADING_LINES} dòng, ví dụ [3, 4]",
                f"write the first and the last line of the headings, at most {MAX_HEADING_LINES} lines, such as [3, 4]",
            )
        if layout.fill and layout.format != "xlsx":
            raise (location / "fill").refusal(
                f"{layout.format} không có ô gộp; hãy bỏ fill, hoặc nhận chính tệp bảng tính (format: xlsx)",
                f"{layout.format} has no merged cells; remove fill, or take the workbook itself (format: xlsx)",
            )
        for name in ("skip", "end"):
            if name in known:
                Template(normalize_document(known[name]), location / name, ROW)
        return layout

    @property
    def heading_lines(self) -> tuple[int, int]:
        """Return the first and the last line of the headings."""
        if isinstance(self.heading, int):
            return self.heading, self.heading
        first, last = self.heading
        return first, last

    @property
    def sheets(self) -> Sequence[str]:
        """Return the names and patterns of the sheets; none where the first visible sheet is meant."""
        names = [self.sheet] if isinstance(self.sheet, str) else self.sheet
        return [name for name in names if name]

    @cached_property
    def filled(self) -> frozenset[str]:
        """Return the headings under `fill`, normalized as those of files are."""
        return frozenset(map(normalize_heading, self.fill))

    @cached_property
    def joined(self) -> frozenset[str]:
        """Return the headings under `join`, normalized as those of files are."""
        return frozenset(map(normalize_heading, self.join))

    @cached_property
    def condition_columns(self) -> frozenset[str]:
        """Return the headings that `skip` and `end` name."""
        conditions = [normalize_document(condition) for condition in (self.skip, self.end) if condition]
        return frozenset[str]().union(*(columns.named_columns(one, {"row": "row"}) for one in conditions))

    @cached_property
    def named_columns(self) -> frozenset[str]:
        """Return the headings that the layout itself names."""
        return self.filled | self.joined | self.condition_columns


def layout_faults(settings: Mapping[str, Any], location: SourceLocation) -> Iterator[DocumentRefusal]:
    """Yield everything for which `Layout.of` refuses a layout, one key after the other."""
    remaining = dict(settings)
    while True:
        try:
            Layout.of(remaining, location)
        except DocumentRefusal as fault:
            yield fault
            if remaining.pop(fault.location.path[-1], None) is None:
                return
        else:
            return


def variables_of_strings(settings: Mapping[str, Any]) -> Sequence[str]:
    """Return the variables of a mapping whose fields are all strings: the row, unless it is an XML element, which may have parts."""
    return () if settings.get("format") == "xml" else ROW
