"""Writes a small table of officers in the format of dBASE III: `python make_table.py can_bo.dbf`."""

import struct
import sys
from pathlib import Path

FIELDS = (
    ("MACB", "C", 6, 0),
    ("HOTEN", "C", 40, 0),
    ("NGAYSINH", "D", 8, 0),
    ("HESO", "N", 5, 2),
    ("LAMVIEC", "L", 1, 0),
)
ROWS = (
    (" ", "NV0001", "Nguyễn Văn An", "19850302", "4.98", "T"),
    (" ", "NV0002", "Trần Thị Bình", "", "3.66", "F"),
    ("*", "NV0003", "Lê Văn Cũ", "19700101", "2.34", "F"),  # deleted
)


def table() -> bytes:
    """Make the content of the file."""
    header_length, record_length = 32 + 32 * len(FIELDS) + 1, 1 + sum(length for *_, length, _ in FIELDS)
    header = struct.pack("<BBBBLHH20x", 3, 126, 11, 28, len(ROWS), header_length, record_length)
    fields = b"".join(struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), *size) for name, kind, *size in FIELDS)
    records = b"".join(
        mark.encode()
        + b"".join(_padded(value, kind, length) for value, (_, kind, length, _) in zip(row, FIELDS, strict=True))
        for mark, *row in ROWS
    )
    return header + fields + b"\r" + records + b"\x1a"


def _padded(value: str, kind: str, length: int) -> bytes:
    content = value.encode()
    return content.rjust(length) if kind == "N" else content.ljust(length)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(table())
