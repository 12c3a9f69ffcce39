"""Parses OpenAPI documents: JSON, or YAML as OpenAPI reads it.

Not `lgsp_contracts.documents`, which is stricter: OpenAPI documents in the field write statuses as numbers (`200:`), and mean words and not truths by
`NO` and `on`, text and not seconds by `12:30:00` (YAML 1.2's JSON schema, which OpenAPI prescribes).
"""

import json
import re
from typing import Any

import yaml

from lgsp_problems import Refusal

MAX_VALUES = 500_000
"""Values in one document: an alias of YAML repeats what it names."""
MAX_DEPTH = 200


class _Loader(yaml.CSafeLoader):
    """YAML whose plain scalars are those of JSON."""


_Loader.yaml_implicit_resolvers = {}
_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", rf"{_INTEGER}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9]+", "-+.0123456789"),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_pattern})$"),
        ["" if letter == "\0" else letter for letter in _first],
    )


def parse(text: bytes, name: str) -> Any:
    """Parse a document; its keys are strings.

    Raises:
        Refusal: `invalid-document`, with the line, when it is neither JSON nor YAML, or too large.
    """
    try:
        decoded = text.decode("utf-8-sig")
        document = json.loads(decoded) if decoded.lstrip()[:1] == "{" else yaml.load(decoded, _Loader)  # noqa: S506 - a safe loader
    except json.JSONDecodeError as error:
        raise _unreadable(
            name, f"dòng {error.lineno}: không phải JSON", f"line {error.lineno}: it is not JSON"
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(name, f"dòng {line}: {error.problem}", f"line {line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _unreadable(name, "không phải JSON hay YAML UTF-8", "it is neither JSON nor YAML in UTF-8") from error
    return _Keys(name).as_text(document, 0)


class _Keys:
    """Converts the keys of a document to strings, and counts its values."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MAX_VALUES

    def as_text(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _unreadable(self._name, "tài liệu quá lớn hoặc lồng quá sâu", "it is too large, or nested too deep")
        if isinstance(value, dict):
            return {str(key): self.as_text(part, depth + 1) for key, part in value.items()}
        if isinstance(value, list):
            return [self.as_text(part, depth + 1) for part in value]
        return value


def _unreadable(name: str, vi: str, en: str) -> Refusal:
    return Refusal("invalid-document", vi=f"{name}: {vi}.", en=f"{name}: {en}.")
