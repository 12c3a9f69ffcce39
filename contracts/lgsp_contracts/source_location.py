"""A position in a document that people write, as a refusal names it: `adapter.yaml:12, /operations/lookup`.

Line numbers are computed only when a location is written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import yaml

from lgsp_contracts import pointers
from lgsp_problems import Refusal, Text

Path = tuple[str, ...]


class DocumentRefusal(Refusal):
    """The refusal of a document that people write, for an error in it.

    Args:
        location: of the error.
        vi, en: what is wrong and what to do, without a full stop.
    """

    def __init__(self, location: "SourceLocation", vi: str, en: str) -> None:
        super().__init__("invalid-document", vi=f"{location}: {vi}.", en=f"{location}: {en}.")
        self.location = location
        self.message = Text(f"{vi}.", f"{en}.")


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A document and a path in it.

    Args:
        name: the name of the document, such as its file.
        path: in the document, as in a JSON Pointer.
        text: the YAML that it was read from, empty where it was not read from YAML.
        number: the index of the document in that YAML, from 0.
    """

    name: str
    path: Path = ()
    text: str = field(default="", repr=False)
    number: int = 0

    @classmethod
    def of(cls, where: "str | SourceLocation") -> "SourceLocation":
        """Convert the name of a document to a location; return a location unchanged."""
        return where if isinstance(where, SourceLocation) else cls(where)

    def __truediv__(self, part: str | int) -> "SourceLocation":
        return replace(self, path=(*self.path, str(part)))

    def at(self, pointer: str) -> "SourceLocation":
        """Return the location at a JSON Pointer from this one."""
        return replace(self, path=self.path + pointers.split(pointer))

    @property
    def line(self) -> int | None:
        """Find the line, counted from 1; that of the nearest parent where the path leads nowhere."""
        lines = _lines_by_path(self.text)[self.number] if self.text else {}
        return next((lines[self.path[:end]] for end in range(len(self.path), -1, -1) if self.path[:end] in lines), None)

    def refusal(self, vi: str, en: str) -> DocumentRefusal:
        """Create the refusal of a document for an error at this location.

        Args:
            vi, en: what is wrong and what to do, without a full stop.
        """
        return DocumentRefusal(self, vi, en)

    def __str__(self) -> str:
        line = self.line if self.path else None
        name = f"{self.name}:{line}" if line else self.name
        return f"{name}, {pointers.join(self.path)}" if self.path else name


@cache
def _lines_by_path(text: str) -> list[Mapping[Path, int]]:
    nodes = [node for node in yaml.compose_all(text, yaml.CSafeLoader) if node.tag != "tag:yaml.org,2002:null"]
    return [dict(_lines_of_node(node, (), node.start_mark.line + 1)) for node in nodes]


def _lines_of_node(node: yaml.Node, path: Path, line: int) -> list[tuple[Path, int]]:
    lines = [(path, line)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines += _lines_of_node(value, (*path, str(key.value)), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines += _lines_of_node(item, (*path, str(number)), item.start_mark.line + 1)
    return lines
