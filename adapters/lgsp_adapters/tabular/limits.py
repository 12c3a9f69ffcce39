"""How much one dropped file may be. What is larger is refused with a sentence; nothing that a register needs comes near."""

from lgsp_adapters.errors import AdapterError

MAX_BYTES = 256 * 1024 * 1024
"""Of the file as it lies there."""

MAX_UNPACKED = 1024 * 1024 * 1024
"""Of a part of a workbook, unpacked."""

MAX_ROWS = 500_000
MAX_COLUMNS = 1_000
MAX_CELLS = 10_000_000


class UnreadableFileError(AdapterError):
    """A file that is no such table; its text quotes nothing of it but headings."""
