"""Inspects a file of unknown form, in the process that may die (`reader.py`)."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from lgsp_adapters.subprocess_reader.parser import Emit
from lgsp_adapters.tabular import inspection


def parse(job: Mapping[str, Any], file: BinaryIO, emit: Emit) -> Mapping[str, Any]:
    """Return what a file holds, as `inspection.inspect` says.

    Raises:
        UnreadableFileError: it is no table.
    """
    return inspection.inspect(file)
