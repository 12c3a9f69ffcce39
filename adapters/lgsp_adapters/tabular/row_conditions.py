"""Which lines of a table are no rows: totals, remarks and signatures, as `skip` and `end` of a manifest say."""

from typing import Any

from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.tabular.layout import ROW, Layout
from lgsp_adapters.tabular.table import Row
from lgsp_adapters.text.comparison import normalize_document
from lgsp_contracts.source_location import SourceLocation


class RowConditions:
    """The conditions of one layout. The methods raise `MappingError` where a value does not fit."""

    def __init__(self, layout: Layout) -> None:
        self._skip = _template(layout.skip, "skip")
        self._end = _template(layout.end, "end")
        self.columns = layout.condition_columns
        """The headings that they name."""

    def is_skipped(self, row: Row) -> bool:
        """Tell whether a line is no row."""
        return self._skip is not None and is_true(self._skip({"row": row}))

    def is_end(self, row: Row) -> bool:
        """Tell whether the rows end before a line."""
        return self._end is not None and is_true(self._end({"row": row}))


def is_true(value: Any) -> bool:
    """Tell whether a value is true in the sense of JMESPath: neither null, false nor empty; a zero is true."""
    return value is not None and value is not False and value not in ("", [], {})


def _template(condition: str, name: str) -> Template | None:
    return Template(normalize_document(condition), SourceLocation(f"files/{name}"), ROW) if condition else None
