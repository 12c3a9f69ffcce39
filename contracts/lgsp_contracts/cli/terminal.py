"""What commands that write documents do at a terminal: ask for what no option says, and never write over a file."""

import sys
from pathlib import Path
from typing import Annotated

import yaml
from cyclopts import Parameter

from lgsp_problems import Refusal

Output = Annotated[Path | None, Parameter(alias="-o")]


def asked(what: str, default: str) -> str:
    """The answer of whoever sits at the terminal; the default for an empty line, and where nobody sits there."""
    if not sys.stdin.isatty():
        return default
    return input(f"{what} [{default}]: ").strip() or default


def give(text: str, output: Path | None) -> None:
    """Write to a file, or to stdout where none is named."""
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def not_there(path: Path) -> None:
    """Make sure that nothing is written over.

    Raises:
        Refusal: `already-exists`.
    """
    if path.exists():
        raise Refusal(
            "already-exists",
            vi=f"Đã có {path}; hãy chọn tên khác bằng -o.",
            en=f"{path} is there already; choose another name with -o.",
        )


def write_yaml(document: object, path: Path) -> None:
    """Write a document as people write it.

    Raises:
        Refusal: `already-exists`.
    """
    not_there(path)
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")
