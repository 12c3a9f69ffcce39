"""JSON that people can read and programs too, for the commands that print either a table or the documents themselves."""

from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out

TableOrJson = Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])]
"""What a command prints."""


def print_json(content: Any) -> None:
    """Print a document, with indentation."""
    out(f"{orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()}\n")
