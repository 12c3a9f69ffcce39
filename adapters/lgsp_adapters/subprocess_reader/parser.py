"""What a parser is: a module with `parse(job, file, emit)`, which the child process loads by the name that its job gives.

The child knows no connector; each connector that reads files has a parser of its own, `file_parser.py` in its folder.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Protocol

ROWS_PER_PART = 100
"""Rows that are handed over together."""

Emit = Callable[[Mapping[str, Any]], None]
"""Hands a part of the result, a JSON document, to the parent process."""


class Parser(Protocol):
    """What the module of a parser has."""

    def parse(self, job: Mapping[str, Any], file: BinaryIO, emit: Emit, /) -> Mapping[str, Any]:
        """Read a file; emit its parts, and return what is known at its end.

        Raises:
            UnreadableFileError: the file is no such table; the text says why, without a value.
        """


def digest_of(file: BinaryIO) -> str:
    """Compute the SHA-256 of a file's content, in hexadecimal, and go back to its beginning."""
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
