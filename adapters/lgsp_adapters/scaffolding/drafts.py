"""A drafted contract with its manifest, and what the person who completes them should know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import truediv
from typing import Any

from lgsp_contracts.source_location import SourceLocation

Document = dict[str, Any]
Path = tuple[str, ...]
Comments = Mapping[Path, str]
"""Comments of a YAML document by the path of the key that they stand above."""

CLASSIFICATION_COMMENT = "TODO: open, internal or personal? personal, the strictest, until somebody decides."

IDEMPOTENT_COMMENT = "TODO: true if the operation only reads; then calls are repeated when a connection breaks."


@dataclass(frozen=True, slots=True)
class Draft:
    """What was drafted out of the description of a system."""

    contract: Document
    manifest: Document
    contract_comments: Comments = field(default_factory=dict)
    manifest_comments: Comments = field(default_factory=dict)
    left_out: Sequence[str] = ()
    """What could not be drafted, a sentence each."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that the manifest reads, each with its value where the description names it, otherwise ""."""


def with_comments(text: str, comments: Comments) -> str:
    """Insert comments into the text of one YAML document in block style, each above the line where its path begins."""
    document = SourceLocation("draft", (), text)
    by_line: dict[int, list[str]] = {}
    for path, comment in comments.items():
        line = reduce(truediv, path, document).line or 1
        by_line.setdefault(line, []).extend(comment.splitlines())
    lines = text.splitlines()
    for line in sorted(by_line, reverse=True):
        following = lines[line - 1]
        indent = following[: len(following) - len(following.lstrip())]
        lines[line - 1 : line - 1] = [f"{indent}# {comment}" for comment in by_line[line]]
    return "\n".join(lines) + "\n"


def variable(service: str, name: str) -> str:
    """Name an environment variable of a service: `LGSP_LAND_PARCELS_URL`."""
    return f"LGSP_{service}_{name}".replace("-", "_").upper()
