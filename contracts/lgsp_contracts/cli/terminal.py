"""Terminal input and output of commands: text of others is escaped, missing options are asked for, and no file is overwritten.

Every command writes through `out` and `err`; a test fails for one that does not.
"""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from lgsp_contracts.published_schemas import Kind, editor_line
from lgsp_problems import Language, NotFound, Refusal, harmless, is_harmful

Output = Annotated[Path | None, Parameter(alias="-o")]


def language() -> Language:
    """Return the language of the terminal (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "vi" if locale.lower().startswith("vi") else "en"


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
    """Write documents as readable YAML that has the same meaning after `harmless`: each value on a line of its own."""
    return yaml.dump_all(documents, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width)


def as_compact_yaml(documents: list[Any], width: int = 100) -> str:
    """Write documents as people write them: `{type: string, format: date}` and `[a, b]` on one line, where short values are all there is."""
    return yaml.dump_all(
        documents, Dumper=_CompactDumper, allow_unicode=True, sort_keys=False, width=width, default_flow_style=None
    )


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes strings that have to be escaped: only a quoted string has escapes."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write a string in double quotes where something in it has to be escaped."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if is_harmful(text) else None)


class _CompactDumper(_Dumper):
    ANCHOR_TEMPLATE = "shared%d"

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        """Write a list in brackets where it fits on a line, or has nothing but short values."""
        node = super().represent_sequence(tag, sequence, flow_style)
        scalars = all(isinstance(item, yaml.ScalarNode) for item in node.value)
        short = all(_length(item) <= _SHORT for item in node.value)
        node.flow_style = short and (scalars or _length(node) <= _LINE)
        return node

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        """Write a mapping in braces where it fits on a line, has nothing but short values, or is an example."""
        node = super().represent_mapping(tag, mapping, flow_style)
        scalars = all(isinstance(value, yaml.ScalarNode) for _, value in node.value)
        short = all(_length(value) <= _SHORT for _, value in node.value)
        node.flow_style = short and (scalars or _length(node) <= _LINE)
        for key, value in node.value:
            if key.value == "example":
                _in_braces(value)
        return node


_SHORT = 60
"""Characters of a value beside others on one line."""

_LINE = 100
"""Characters of a value on one line, with its keys."""


def _length(node: yaml.Node) -> int:
    """Return about how many characters a value takes on one line."""
    if isinstance(node, yaml.MappingNode):
        return sum(_length(key) + _length(value) + 4 for key, value in node.value)
    return sum(_length(item) + 2 for item in node.value) if isinstance(node, yaml.SequenceNode) else len(node.value)


def _in_braces(example: yaml.Node) -> None:
    """Write the parts of an example, which are data, as JSON is written."""
    nodes = [value for _, value in example.value] if isinstance(example, yaml.MappingNode) else []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.CollectionNode):
            node.flow_style = True
            nodes += node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in node.value]


_Dumper.add_representer(str, _Dumper.represent_text)
_CompactDumper.add_representer(str, _CompactDumper.represent_text)
_CompactDumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"0[0-9]+"), ["0"])
"""A code such as `07192` is quoted: YAML 1.2 reads it as a number, which YAML 1.1 does not."""


def prompt(question: str, default: str) -> str:
    """Ask a question at the terminal; return the default for an empty answer, and where stdin is no terminal."""
    if not sys.stdin.isatty():
        return default
    return input(f"{question} [{default}]: ").strip() or default


def read_argument(argument: str) -> bytes:
    """Read the document of an option such as `-d`: the text itself, the file after `@`, or stdin for `-`.

    Raises:
        Refusal: `not-found`, when the file cannot be read.
    """
    if argument == "-":
        return sys.stdin.buffer.read()
    if not argument.startswith("@"):
        return argument.encode()
    try:
        return Path(argument[1:]).read_bytes()
    except OSError as error:
        raise NotFound(
            vi=f"Không đọc được tệp {argument[1:]}: {error.strerror}.",
            en=f"Cannot read the file {argument[1:]}: {error.strerror}; name another.",
        ) from error


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


def write_yaml(document: object, path: Path, kind: Kind) -> None:
    """Write a document to a new YAML file, whose first line tells editors its schema.

    Raises:
        Refusal: `already-exists`.
    """
    refuse_to_overwrite(path)
    path.write_text(editor_line(kind) + harmless(as_compact_yaml([document])), encoding="utf-8")
