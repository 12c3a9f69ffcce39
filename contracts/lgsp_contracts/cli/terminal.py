"""What commands do at a terminal: they write what others wrote harmlessly, ask for what no option says, and never write over a file.

Every command writes by `out` and `err`; a test finds those that do not.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from lgsp_problems import Refusal, harmless, is_harmful

Output = Annotated[Path | None, Parameter(alias="-o")]


def out(text: str) -> None:
    """Write to stdout, at once, with nothing in it that steers a terminal."""
    sys.stdout.write(harmless(text))
    sys.stdout.flush()


def begin_csv() -> None:
    """Write the mark by which spreadsheets know UTF-8. `out` would show it as the six characters of its code."""
    sys.stdout.write("\ufeff")


def err(text: str) -> None:
    """Write to stderr, in the same way."""
    sys.stderr.write(harmless(text))
    sys.stderr.flush()


def as_yaml(documents: list[Any], width: int = 110) -> str:
    """Documents as YAML that people read, and that says the same when it was made harmless."""
    return yaml.dump_all(documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width)


class _Dumper(yaml.SafeDumper):
    """Quotes what has to be escaped: only a quoted string has escapes."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write a string in double quotes where something in it has to be escaped."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if is_harmful(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def prompt(what: str, default: str) -> str:
    """Ask whoever sits at the terminal. Returns the default for an empty line, and where nobody sits there."""
    if not sys.stdin.isatty():
        return default
    return input(f"{what} [{default}]: ").strip() or default


def write_output(text: str, output: Path | None) -> None:
    """Write to a file, or to stdout where none is named."""
    if output:
        output.write_text(harmless(text), encoding="utf-8")
    else:
        out(text)


def refuse_to_overwrite(path: Path) -> None:
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
    refuse_to_overwrite(path)
    path.write_text(harmless(as_yaml([document], width=120)), encoding="utf-8")
