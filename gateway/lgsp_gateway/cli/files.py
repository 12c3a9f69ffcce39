"""Files that commands are given, read with a word of what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from lgsp_problems import NotFound


def read_json(file: Path) -> Any:
    """Read the JSON in a file; return None if it contains none."""
    try:
        return orjson.loads(read_bytes(file))
    except orjson.JSONDecodeError:
        return None


def iterate_lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their line ends."""
    with file.open("rb") as lines:
        for line in lines:
            yield line.removesuffix(b"\n")


def read_bytes(file: Path) -> bytes:
    """Read the bytes of a file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFound(
            vi=f"Không đọc được {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}; check the path.",
        ) from error
