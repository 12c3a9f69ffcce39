"""Terminal input and output of commands: text of others is escaped, missing options are asked for, and no file is overwritten.

Every command writes through `out` and `err`; a test fails for one that does not.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from lgsp_problems import Refusal, harmless, is_harmful

Output = Annotated[Path | None, Parameter(alias="-o")]


def out(text: str) -> None:
    """Write to stdout and flush; characters that control a terminal are escaped."""
    sys.stdout.write(harmless(text))
    sys.stdout.flush()


def begin_csv() -> None:
    """Write the byte order mark by which spreadsheets recognise UTF-8. `out` would escape it."""
    sys.stdout.write("\ufeff")


def err(text: str) -> None:
    """Write to stderr and flush; characters that control a terminal are escaped."""
    sys.stderr.write(harmless(text))
    sys.stderr.flush()


def as_yaml(documents: list[Any], width: int = 110) -> str:
    """Write documents as readable YAML that has the same meaning after `harmless`."""
    return yaml.dump_all(documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width)


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes strings that have to be escaped: only a quoted string has escapes."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write a string in double quotes where something in it has to be escaped."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if is_harmful(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def prompt(question: str, default: str) -> str:
    """Ask a question at the terminal; return the default for an empty answer, and where stdin is no terminal."""
    if not sys.stdin.isatty():
        return default
    return input(f"{question} [{default}]: ").strip() or default


def write_output(text: str, output: Path | None) -> None:
    """Write to a file, or to stdout where `output` is None."""
    if output:
        output.write_text(harmless(text), encoding="utf-8")
    else:
        out(text)


def refuse_to_overwrite(path: Path) -> None:
    """Check that a file does not exist yet.

    Raises:
        Refusal: `already-exists`.
    """
    if path.exists():
        raise Refusal(
            "already-exists",
            vi=f"Đã có {path}; hãy chọn tên khác bằng -o.",
            en=f"{path} exists already; choose another name with -o.",
        )


def write_yaml(document: object, path: Path) -> None:
    """Write a document to a new YAML file.

    Raises:
        Refusal: `already-exists`.
    """
    refuse_to_overwrite(path)
    path.write_text(harmless(as_yaml([document], width=120)), encoding="utf-8")
