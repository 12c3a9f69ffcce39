"""Where something stands in a document that people write, as a refusal names it: `adapter.yaml:12, /operations/lookup`.

Lines are looked for only when somebody is told of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import yaml

from lgsp_contracts import pointers
from lgsp_problems import Refusal

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A document and a path into it.

    Args:
        name: what the document is called, such as its file.
        path: into it, as in a JSON Pointer.
        text: the YAML that it was read from, if it was; `number` says which document in it this is, from 0.
    """

    name: str
    path: Path = ()
    text: str = field(default="", repr=False)
    number: int = 0

    @classmethod
    def of(cls, where: "str | SourceLocation") -> "SourceLocation":
        """Make a location of a document's name; one that is a location already stays."""
        return where if isinstance(where, SourceLocation) else cls(where)

    def __truediv__(self, part: str | int) -> "SourceLocation":
        return replace(self, path=(*self.path, str(part)))

    def at(self, pointer: str) -> "SourceLocation":
        """Follow a JSON Pointer from here."""
        return replace(self, path=self.path + pointers.split(pointer))

    @property
    def line(self) -> int | None:
        """Find the line, counted from 1; that of the nearest thing around where the path leads to nothing."""
        lines = _lines_by_path(self.text)[self.number] if self.text else {}
        return next((lines[self.path[:end]] for end in range(len(self.path), -1, -1) if self.path[:end] in lines), None)

    def refusal(self, vi: str, en: str) -> Refusal:
        """Make the refusal of a document for what stands here.

        Args:
            vi, en: what is wrong and what to do, without a full stop.
        """
        return Refusal("invalid-document", vi=f"{self}: {vi}.", en=f"{self}: {en}.")

    def __str__(self) -> str:
        line = self.line if self.path else None
        name = f"{self.name}:{line}" if line else self.name
        return f"{name}, {pointers.join(self.path)}" if self.path else name


@cache
def _lines_by_path(text: str) -> list[Mapping[Path, int]]:
    nodes = [node for node in yaml.compose_all(text, yaml.CSafeLoader) if node.tag != "tag:yaml.org,2002:null"]
    return [dict(_lines_of_node(node, (), node.start_mark.line + 1)) for node in nodes]


def _lines_of_node(node: yaml.Node, path: Path, line: int) -> list[tuple[Path, int]]:
    found = [(path, line)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found += _lines_of_node(value, (*path, str(key.value)), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            found += _lines_of_node(item, (*path, str(number)), item.start_mark.line + 1)
    return found
