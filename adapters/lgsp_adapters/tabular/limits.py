"""Limits of an inbox file. A larger one is refused with a message; no register comes near them."""

from lgsp_adapters.errors import AdapterError

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of the file itself."""

MAX_UNPACKED = 1024 * 1024 * 1024
"""Of a part of a workbook, unpacked."""

MAX_ROWS = 500_000
MAX_COLUMNS = 1_000
MAX_CELLS = 10_000_000
MAX_MERGED = 100_000
"""Merged cells of a sheet."""

MAX_HEADING_LINES = 5


class UnreadableFileError(AdapterError):
    """A file that cannot be read as a table; the message quotes nothing of it but headings."""
