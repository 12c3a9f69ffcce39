"""Files that commands are given, read with a word of what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from lgsp_problems import Refusal


def json_in(file: Path) -> Any:
    """The JSON in a file; None where it is none."""
    try:
        return orjson.loads(content_of(file))
    except orjson.JSONDecodeError:
        return None


def lines_of(file: Path) -> Iterator[bytes]:
    """The lines of a file, without their ends."""
    with file.open("rb") as lines:
        for line in lines:
            yield line.removesuffix(b"\n")


def content_of(file: Path) -> bytes:
    """The bytes of a file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(
            "not-found",
            vi=f"Không đọc được {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}; check the path.",
        ) from None
